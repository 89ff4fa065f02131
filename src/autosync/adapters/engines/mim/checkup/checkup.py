"""The checkup of one MIM engine, from the wire to the rights."""

from collections.abc import AsyncIterator, Callable

from autosync.adapters.engines.mim.checkup.network import Endpoint, network_checks
from autosync.adapters.engines.mim.checkup.server import server_checks
from autosync.adapters.engines.mim.checkup.tools import tools_checks
from autosync.adapters.engines.mim.engine import Access
from autosync.model.errors import AutoSyncError
from autosync.ports.checkup import Check, CheckState
from autosync.ports.clock import Clock


class MimCheckup:
    """Implements ``ports.checkup.Checkup``."""

    def __init__(self, access: Callable[[], Access], endpoint: Callable[[], Endpoint | None], clock: Clock) -> None:
        self._access = access
        self._endpoint = endpoint
        self._clock = clock

    async def checks(self) -> AsyncIterator[Check]:
        """Yield what was found, the failures on the way in first: behind them nothing can be told."""
        try:
            endpoint, access = self._endpoint(), self._access()
        except (AutoSyncError, OSError) as error:
            yield Check(
                name="settings",
                state=CheckState.FAIL,
                found=str(error),
                means="without it the server cannot be asked",
                way_out="put it where the configuration says, readable by this account",
            )
            return
        if endpoint is None:
            yield Check(name="network", state=CheckState.SKIP, found="AutoSync runs on the server itself (local: true)")
        else:
            async for check in network_checks(endpoint, self._clock):
                yield check
                if check.state is CheckState.FAIL:
                    return
        try:
            async for check in self._inside(access):
                yield check
        finally:
            if access.tools is not None:
                await access.tools.close()
            await access.service.close()

    async def _inside(self, access: Access) -> AsyncIterator[Check]:
        failed = False
        async for check in server_checks(access.service, self._clock):
            yield check
            failed = failed or (check.name in {"sign-in", "WMI namespace"} and check.state is CheckState.FAIL)
        if failed:
            yield Check(name="tools", state=CheckState.SKIP, found="not looked at: see the failure above")
            return
        agents = await access.service.agents()
        async for check in tools_checks(access.tools, agents[0].name):
            yield check
