"""The MIM engine in front of a stand-in server, without a network."""

from typing import Any

from autosync.adapters.engines.mim.access.options import AccessOptions
from autosync.adapters.engines.mim.engine import Access, MimEngine
from autosync.adapters.engines.mim.options import MimOptions
from autosync.model.ids import EngineName
from autosync.options.windows_host import WindowsHost
from autosync.ports.clock import Clock
from autosync.testing.mim.direct import DirectService, DirectTools
from autosync.testing.mim.provider import MimProvider

ENGINE = EngineName("mim")


def made(
    provider: MimProvider,
    clock: Clock,
    *,
    service: Any = None,
    tools: Any = None,
    may_be_held: Any = None,
    **options: Any,
) -> MimEngine:
    """Return an unopened engine on the provider."""
    access = Access(service=service or DirectService(provider), tools=tools or DirectTools(provider))
    return MimEngine(
        ENGINE,
        lambda: access,
        MimOptions(access=AccessOptions(host=WindowsHost(server="sync01")), **options),
        clock,
        may_be_held or (lambda *_: False),
    )
