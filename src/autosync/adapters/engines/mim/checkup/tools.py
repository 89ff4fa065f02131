"""The command-line tools on the server: found, and allowed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from autosync.adapters.engines.mim.access.port import EngineTools
from autosync.adapters.engines.mim.reading.ma_export import AgentReader
from autosync.adapters.engines.mim.streams import pieces_of
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.wording import number
from autosync.ports.checkup import Check, CheckState
from autosync.untrusted_xml import XmlRefused

_LIMIT_S: Final = 180.0
_WITHOUT: Final = (
    "run profiles are learned from the last week of the run history, and pending changes are known by agent alone, not by "
    "partition and without fingerprints"
)


async def tools_checks(tools: EngineTools | None, agent: str | None) -> AsyncIterator[Check]:
    """Yield the checks."""
    if tools is None:
        yield Check(name="tools", state=CheckState.SKIP, found="this way in has none", means=_WITHOUT)
        return
    try:
        async with asyncio.timeout(_LIMIT_S):
            await tools.open()
    except (EngineUnavailable, TimeoutError) as error:
        yield Check(
            name="tools",
            state=CheckState.WARN,
            found=str(error) or f"no answer in {_LIMIT_S:.0f} s",
            means=_WITHOUT,
            way_out="PowerShell remoting for the account (Remote Management Users); maexport and csexport in the product's Bin",
        )
        return
    yield Check(name="tools", state=CheckState.OK, found="maexport and csexport are there")
    if agent is not None:
        yield await _export(tools, agent)


async def _export(tools: EngineTools, agent: str) -> Check:
    reader, size = AgentReader(), 0
    try:
        async with asyncio.timeout(_LIMIT_S), aclosing(pieces_of(tools.export_agent(agent))) as written:
            async for piece in written:
                reader.feed(piece)
                size += len(piece)
        found = reader.close()
    except (EngineRejected, EngineUnavailable, XmlRefused, TimeoutError) as error:
        return Check(
            name="agent configuration",
            state=CheckState.WARN,
            found=f"{agent} cannot be exported: {error}",
            means=_WITHOUT,
            way_out="maexport may want the Administrators group (FIMSyncAdmins) on this server",
        )
    profiles, partitions = number(len(found.profiles), "run profile"), number(len(found.index.selected), "partition")
    told = f"{agent}: {profiles}, {partitions} ({size / 1024:,.0f} KB)"
    return Check(name="agent configuration", state=CheckState.OK, found=told)
