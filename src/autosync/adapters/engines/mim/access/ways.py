"""The ways in to a server that its options ask for."""

import ssl
from dataclasses import dataclass
from typing import Final

from autosync.adapters.engines.mim.access.com.door import ComDoor
from autosync.adapters.engines.mim.access.com.tools import LocalTools
from autosync.adapters.engines.mim.access.options import AccessOptions
from autosync.adapters.engines.mim.access.port import EngineTools, SyncService
from autosync.adapters.engines.mim.access.psrp.tools import PsrpTools
from autosync.adapters.engines.mim.access.service import TimeLimits, WmiService
from autosync.adapters.engines.mim.access.wsman.door import WsmanDoor
from autosync.model.errors import EngineUnavailable
from autosync.ports.secrets import SecretSource
from autosync.windows_remoting.failures import RemotingFailed
from autosync.windows_remoting.target import SignIn
from autosync.windows_remoting.tls import context_of

_LOCAL: Final = TimeLimits(spare_s=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysIn:
    """What the engine asks."""

    service: SyncService
    tools: EngineTools | None


def ways_in(options: AccessOptions, secrets: SecretSource) -> WaysIn:
    """Return the ways in; nothing is opened yet. Raises ``ConfigError`` for a secret that is not there."""
    if options.host is None:
        service = WmiService("this machine", ComDoor, _LOCAL)
        return WaysIn(service=service, tools=LocalTools(service.agents) if options.tools else None)
    target = options.host.target(secrets)
    tools = PsrpTools(target) if options.tools else None
    long_details = tools.run_details if tools is not None else None
    service = WmiService(target.host, lambda: WsmanDoor(target), long_details=long_details)
    return WaysIn(service=service, tools=tools)


def tls_of(options: AccessOptions) -> ssl.SSLContext | None:
    """Return how a connection is made to look at the server's certificate; None without TLS.

    A pinned certificate is compared by whoever looks. Raises ``EngineUnavailable`` for a file that cannot be
    read.
    """
    tls = None if options.host is None else options.host.tls
    if tls is None:
        return None
    try:
        return context_of(tls, SignIn())
    except RemotingFailed as failed:
        raise EngineUnavailable(str(failed)) from None
