"""A stand-in server on a loopback port, with or without TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autosync.testing.mim.server import MimStandIn
from autosync.windows_remoting.target import Target
from tests.contracts.mim_remote import certificates, over_http, over_https, stand_in


@pytest.fixture
def server() -> Iterator[MimStandIn]:
    with stand_in() as standing:
        yield standing


@pytest.fixture
def target(server: MimStandIn) -> Target:
    return over_http(server)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[MimStandIn, Target]]:
    context, ca = certificates(tmp_path)
    with stand_in(tls=context) as standing:
        yield standing, over_https(standing, ca)
