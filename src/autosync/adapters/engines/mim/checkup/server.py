"""What the account may do on the server, as far as that can be told without starting anything."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from autosync.adapters.engines.mim.access.port import ListedAgent, Question, SyncService
from autosync.adapters.engines.mim.reading import answers
from autosync.adapters.engines.mim.reading.values import whole
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.ports.checkup import Check, CheckState
from autosync.ports.clock import Clock

_LIMIT_S: Final = 60.0
_NO_SUCH_PROFILE: Final = "AutoSync asks whether it may start runs; no run profile has this name"
_SKEW: Final = timedelta(minutes=1)
_LONG_S: Final = 2.0
_RIGHTS: Final = (
    "put the account into the engine's Operators group (FIMSyncOperators), and let it sign in anew; give it Enable Account, "
    "Remote Enable and Execute Methods on the WMI namespace root\\MicrosoftIdentityIntegrationServer (wmimgmt.msc)"
)


async def server_checks(service: SyncService, clock: Clock) -> AsyncIterator[Check]:
    """Yield the checks; none behind the one without which the rest makes no sense."""
    signed_in = await _signed_in(service)
    yield signed_in
    if signed_in.state is CheckState.FAIL:
        return
    listed, agents = await _namespace(service)
    yield listed
    yield await _clock_skew(service, clock)
    if not agents:
        return
    yield await _counters(service, agents[0])
    yield await _history(service, agents, clock)
    yield await _may_start(service, agents[0])


async def _signed_in(service: SyncService) -> Check:
    try:
        async with asyncio.timeout(_LIMIT_S):
            await service.open()
    except (EngineUnavailable, TimeoutError) as error:
        return Check(
            name="sign-in",
            state=CheckState.FAIL,
            found=str(error) or f"no answer in {_LIMIT_S:.0f} s",
            means="AutoSync cannot drive this engine; what runs there goes on",
            way_out="see the account's name and password (sign-in:), and the group Remote Management Users on the server",
        )
    return Check(name="sign-in", state=CheckState.OK, found="the server lets the account in")


async def _namespace(service: SyncService) -> tuple[Check, tuple[ListedAgent, ...]]:
    name = "WMI namespace"
    try:
        async with asyncio.timeout(_LIMIT_S):
            agents = tuple(await service.agents())
    except (EngineRejected, EngineUnavailable, TimeoutError) as error:
        return Check(
            name=name,
            state=CheckState.FAIL,
            found=str(error) or f"no answer in {_LIMIT_S:.0f} s",
            means="agents and runs cannot be seen: the service is stopped, or the account has no right",
            way_out=f"see whether the Synchronization Service runs (Get-Service FIMSynchronizationService); {_RIGHTS}",
        ), ()
    if not agents:
        return Check(
            name=name,
            state=CheckState.FAIL,
            found="the engine lists no management agents",
            means="it has none, or it shows them to none of the account's groups",
            way_out=_RIGHTS,
        ), ()
    names = ", ".join(each.name for each in agents[:8]) + (", …" if len(agents) > 8 else "")
    return Check(name=name, state=CheckState.OK, found=f"{len(agents)} agents: {names}"), agents


async def _clock_skew(service: SyncService, clock: Clock) -> Check:
    name = "clock"
    try:
        async with asyncio.timeout(_LIMIT_S):
            there = await service.time()
    except (EngineRejected, EngineUnavailable, TimeoutError) as error:
        return Check(name=name, state=CheckState.SKIP, found=f"the server's time cannot be read: {error}")
    if there is None:
        return Check(name=name, state=CheckState.SKIP, found="this way in does not tell the server's time")
    skew = there - clock.now()
    seconds = abs(skew.total_seconds())
    where = "ahead of" if skew > timedelta(0) else "behind"
    found = f"the server's clock is {seconds:,.0f} s {where} this machine's"
    if abs(skew) <= _SKEW:
        return Check(name=name, state=CheckState.OK, found=found)
    return Check(
        name=name,
        state=CheckState.WARN,
        found=found,
        means="schedules go by this machine, run history by the server; Kerberos refuses more than five minutes",
        way_out="let both machines take the time from the domain (w32tm /resync)",
    )


async def _counters(service: SyncService, agent: ListedAgent) -> Check:
    name = "pending changes"
    try:
        async with asyncio.timeout(_LIMIT_S):
            count = answers.counted(await service.ask(agent.name, Question.EXPORT_ADDS))
    except (EngineRejected, EngineUnavailable, TimeoutError) as error:
        return Check(
            name=name,
            state=CheckState.FAIL,
            found=f"{agent.name}: {error}",
            means="guards cannot count, so that every synchronization and export is held",
            way_out=_RIGHTS,
        )
    return Check(name=name, state=CheckState.OK, found=f"can be counted ({agent.name}: {count:,} adds to export)")


async def _history(service: SyncService, agents: tuple[ListedAgent, ...], clock: Clock) -> Check:
    """Look whether the history can be read, and whether a small question about it is a small one for the server."""
    name = "run history"
    begun = clock.elapsed()
    try:
        async with asyncio.timeout(_LIMIT_S):
            now = await service.time() or clock.now()
            begun = clock.elapsed()
            rows = await service.runs(started_from=now - timedelta(minutes=10))
            took = clock.elapsed() - begun
            numbers = [whole(await service.ask(each.name, Question.RUN_NUMBER)) or 0 for each in agents[:20]]
    except (EngineRejected, EngineUnavailable, TimeoutError) as error:
        return Check(
            name=name,
            state=CheckState.FAIL,
            found=str(error) or f"no answer in {_LIMIT_S:.0f} s",
            means="the end of runs cannot be learned; Browse alone is not enough",
            way_out=_RIGHTS,
        )
    found = f"{len(rows)} runs in the last ten minutes, told in {took:.1f} s; newest run number {max(numbers):,}"
    if took <= _LONG_S:
        return Check(name=name, state=CheckState.OK, found=found)
    return Check(
        name=name,
        state=CheckState.WARN,
        found=found,
        means="AutoSync asks this once a second while something runs: ends are noticed late, and the server is kept busy",
        way_out="keep less run history: keep-run-history: 7d (with save-run-history: it is saved first)",
    )


async def _may_start(service: SyncService, agent: ListedAgent) -> Check:
    """Ask for a run profile that does not exist: whoever may start runs is told that, everybody else has no right."""
    name = "right to start runs"
    try:
        async with asyncio.timeout(_LIMIT_S):
            answer = await service.execute(agent.name, _NO_SUCH_PROFILE)
    except (EngineRejected, EngineUnavailable, TimeoutError) as error:
        return Check(name=name, state=CheckState.FAIL, found=str(error), means="no run can be started", way_out=_RIGHTS)
    word = (answer or "").strip().lower()
    if word in {"no-start-unknown-profile-name", "no-start-ma-already-running"}:
        return Check(name=name, state=CheckState.OK, found="the account is in the Operators or Administrators group")
    if word == "access-denied":
        return Check(
            name=name,
            state=CheckState.FAIL,
            found=f"{agent.name}: access-denied",
            means="AutoSync can look, but start and stop nothing",
            way_out=_RIGHTS,
        )
    return Check(
        name=name,
        state=CheckState.WARN,
        found=f"{agent.name} answered {answer or 'nothing'} to a run profile that does not exist",
        means="whether runs can be started is not known",
        way_out="start a small run by hand: autosync run start",
    )
