"""A stand-in server on a loopback port, and clients that are let go of at the end."""

from collections.abc import Callable, Iterator

import pytest
from pypsrp.wsman import WSMan

from autosync.adapters.clocks import SystemClock
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.mim.server import MimStandIn
from tests.unit.mim_stand_in.raw import connect


@pytest.fixture
def inside() -> MimProvider:
    return MimProvider(company(), SystemClock())


@pytest.fixture
def server(inside: MimProvider) -> Iterator[MimStandIn]:
    with MimStandIn(inside) as standing:
        yield standing


@pytest.fixture
def sign_in(server: MimStandIn) -> Iterator[Callable[..., WSMan]]:
    clients: list[WSMan] = []

    def make(**options) -> WSMan:
        clients.append(connect(options.pop("to", server), **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(sign_in: Callable[..., WSMan]) -> WSMan:
    return sign_in()
