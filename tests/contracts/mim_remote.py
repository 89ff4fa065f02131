"""Ways in over a network to a stand-in server of one test."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import trustme

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.mim.access.psrp.tools import PsrpTools
from autosync.adapters.engines.mim.access.service import TimeLimits, WmiService
from autosync.adapters.engines.mim.access.wsman.door import WsmanDoor
from autosync.ports.secrets import Secret
from autosync.testing.contracts.mim_access import MimAccessStage
from autosync.testing.mim.listener import Place
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.server import PASSWORD, MimStandIn
from autosync.windows_remoting.target import Method, SignIn, Target, Tls

NTLM = SignIn(method=Method.NTLM, user=ACCOUNT, password=Secret(PASSWORD))
LIMITS = TimeLimits(answer_s=10, execute_s=5, stop_s=5)


@contextmanager
def stand_in(*, tls: ssl.SSLContext | None = None, certified_as: str = "") -> Iterator[MimStandIn]:
    """Listen until the end of the block."""
    provider = MimProvider(company(), SystemClock(), Random(1))
    with MimStandIn(provider, place=Place(tls=tls, certified_as=certified_as)) as server:
        yield server


def over_http(server: MimStandIn) -> Target:
    return Target(host=server.host, port=server.port, tls=None, sign_in=NTLM)


def over_https(server: MimStandIn, ca: Path, sign_in: SignIn = NTLM) -> Target:
    return Target(host="localhost", port=server.port, tls=Tls(ca=ca), sign_in=sign_in)


def stage_of(server: MimStandIn, target: Target) -> MimAccessStage:
    """Return a stage whose services and tools are let go by ``finished``."""
    tools = PsrpTools(target)
    return MimAccessStage(
        make=lambda: WmiService(target.name, lambda: WsmanDoor(target), LIMITS, long_details=tools.run_details),
        make_tools=lambda: PsrpTools(target),
        agent="HR",
        imports="DI",
        provider=server.provider,
    )


def certificates(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """Return what a server shows, and the file that says who issued it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    return context, ca


def run(main: Callable) -> None:
    asyncio.run(main())
