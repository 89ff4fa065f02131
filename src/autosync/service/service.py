"""What API, console and command line may ask: one object that answers from the state and the store, and passes wishes on.

Every answer is a view of one state. Every wish goes through the dispatcher like any other stimulus, so that the guards
stand in its path, and what comes back is what was recorded.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from autosync.core import inspection
from autosync.core.state import State
from autosync.model.agents import BOTH_SIDES
from autosync.model.errors import NotFound, Refused
from autosync.model.ids import AgentId, CascadeId, EngineName, RequestId, RunId, TriggerId
from autosync.model.requests import Request, Waiting
from autosync.model.runs import OutcomeKind, Run
from autosync.model.stimuli import PendingAsked, Stimulus
from autosync.ports.clock import Clock
from autosync.ports.store import FactFilter, RunFilter, Store, StoredFact
from autosync.runtime.trigger_watch import WatchHealth
from autosync.service import overview, shadow, showing, views
from autosync.service.configuring import Configurations, Configuring
from autosync.service.explaining import Explainer, agent_story
from autosync.service.latest import LatestRuns
from autosync.service.naming import find_agent, find_hold, find_request
from autosync.service.showing import Scene
from autosync.service.wishes import Wishes

Explain: TypeAlias = Callable[[State, datetime], Mapping[RequestId, tuple[Waiting, ...]]]
"""``core.waiting.explain``: why each waiting request waits."""

_PENDING_WAIT_S = 2.0
_PENDING_LOOK_S = 0.02


class Writer(Protocol):
    """The dispatcher as the service needs it."""

    @property
    def state(self) -> State:
        """Return the state after the newest decision."""
        ...

    @property
    def store_trouble(self) -> tuple[datetime, str] | None:
        """Return since when and why nothing can be stored; None when all is well."""
        ...

    async def submit_and_wait(self, stimulus: Stimulus) -> Sequence[StoredFact]:
        """Pass on and return what was recorded, once it is durable."""
        ...


class Feed(Protocol):
    """The journal as the service needs it."""

    @property
    def newest(self) -> int:
        """Return the number of the newest fact of this life; 0 before the first."""
        ...

    def subscribe(self, after: int | None = None) -> AsyncIterator[StoredFact]:
        """Yield every fact after ``after``, without end; None: from now on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a service answers from. ``triggers`` is the trigger host's ``health``; schedules are in the state."""

    writer: Writer
    feed: Feed
    store: Store
    clock: Clock
    explain: Explain
    triggers: Callable[[], Mapping[TriggerId, WatchHealth]] = dict
    configurations: Configurations | None = None
    version: str = ""
    places: Mapping[EngineName, str] = field(default_factory=dict)
    """Where each engine is, for people: ``sync01.corp.example``."""


class Service:
    """Answers and wishes. Names are taken leniently; ``NotFound`` names the nearest, ``Refused`` says why not."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._store = sources.store
        self._latest = LatestRuns(sources.store)
        self._explainer = Explainer(sources.store)
        self.configuring = Configuring(sources.configurations, sources.store)
        self.wishes = Wishes(sources.writer.submit_and_wait, self.scene)

    def scene(self) -> Scene:
        """Return the state now, with the reasons why its requests wait."""
        state, now = self._sources.writer.state, self._sources.clock.now()
        return Scene(state=state, now=now, waits=self._sources.explain(state, now))

    def find_agent(self, written: str) -> AgentId:
        """Return the agent that ``written`` means; raise ``NotFound`` with the nearest names."""
        return find_agent(written, self._quick_scene().agents())

    async def status(self) -> views.StatusView:
        """Return everything at a glance."""
        scene = self.scene()
        agents = await self._agents(scene, scene.agents())
        settings = scene.state.settings
        engines = {*scene.state.engines, *settings.engines, *(EngineName(one.engine) for one in agents)}
        return views.StatusView(
            now=scene.now,
            version=self._sources.version,
            revision=settings.revision,
            no_export=settings.no_export,
            engines=tuple(
                overview.engine(
                    scene, name, [one for one in agents if one.engine == name], self._sources.places.get(name, "")
                )
                for name in sorted(engines)
            ),
            holds=tuple(showing.hold(scene, hold) for hold in await self._store.holds()),
            trouble=self._sources.writer.store_trouble[1] if self._sources.writer.store_trouble is not None else "",
        )

    async def trouble(self) -> str:
        """Return why wishes cannot be recorded now; empty when all is well. Raises what the store raises."""
        trouble = self._sources.writer.store_trouble
        if trouble is not None:
            return trouble[1]
        await self._store.holds(limit=1)
        return ""

    async def agents(self) -> tuple[views.AgentView, ...]:
        """Return every agent, in order of their ids."""
        scene = self.scene()
        return tuple(await self._agents(scene, scene.agents()))

    async def agent(self, written: str) -> views.AgentView:
        """Return one agent. Where it is not known what is pending on it, its engine is asked, for at most two seconds."""
        agent = self.find_agent(written)
        await self._learn_pending(agent)
        return (await self._agents(self.scene(), [agent]))[0]

    async def _learn_pending(self, agent: AgentId) -> None:
        if not _may_learn_pending(self._quick_scene(), agent):
            return
        clock = self._sources.clock
        latest = clock.elapsed() + _PENDING_WAIT_S
        with suppress(Refused):  # busy or stopping: then it is shown as unknown
            await self._sources.writer.submit_and_wait(PendingAsked(agent=agent))
            while clock.elapsed() < latest and _may_learn_pending(self._quick_scene(), agent):
                await clock.sleep(_PENDING_LOOK_S)

    def queue(self) -> tuple[views.RequestView, ...]:
        """Return every waiting request with the reasons why it waits, in the order in which they were queued."""
        scene = self.scene()
        return tuple(showing.request(scene, one) for one in scene.state.requests.values())

    async def request(self, number: RequestId, wait: timedelta = timedelta(0)) -> views.RequestView:
        """Return a request; with ``wait``, as soon as its run ended or it went, or when that time is over."""
        after = self._sources.feed.newest or None
        view = await self._request(number)
        if wait <= timedelta(0) or _is_settled(view):
            return view
        with suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()), aclosing(self._facts_from(after)) as facts:
                async for stored in facts:
                    if stored.fact.agent == view.agent and _is_settled(view := await self._request(number)):
                        return view
        return await self._request(number)

    async def runs(self, wanted: RunFilter) -> tuple[views.RunBrief, ...]:
        """Return runs, newest first, running ones included."""
        scene = self._quick_scene()
        return tuple(showing.brief(scene, run) for run in await self._store.runs(wanted))

    async def run(self, number: RunId) -> views.RunView:
        """Return one run with steps, counters and errors."""
        scene = self._quick_scene()
        return showing.run(scene, await self._run(scene, number))

    async def why(self, written: str) -> views.WhyView:
        """Explain a run (``4711``, ``last``), a request (``R-12``), a hold (``H-7``), or why an agent does not run."""
        scene = self.scene()
        subject = written.strip()
        if subject.casefold() == "last":
            return await self._explainer.run(scene, await self._last_run())
        request = find_request(subject)
        if request is not None:
            return await self._explainer.request(scene, await self._stored_request(scene, request))
        if subject.casefold().startswith("h-"):
            return await self._explainer.hold(scene, await self.hold(subject))
        if subject.isdecimal():
            return await self._explainer.run(scene, await self._run(scene, RunId(int(subject))))
        return agent_story((await self._agents(scene, [find_agent(subject, scene.agents())]))[0])

    async def holds(self, *, only_open: bool = True, limit: int = 100) -> tuple[views.HoldView, ...]:
        """Return holds, newest first."""
        scene = self._quick_scene()
        found = await self._store.holds(only_open=only_open, limit=limit)
        return tuple(showing.hold(scene, hold) for hold in found)

    async def hold(self, written: str) -> views.HoldView:
        """Return one hold, with the pending set as it is now."""
        scene = self._quick_scene()
        number = find_hold(written)
        hold = scene.state.holds.get(number) or await self._store.hold(number)
        if hold is None:
            raise NotFound(f"no hold H-{number}")
        return showing.hold(scene, hold)

    async def cascades(self, limit: int = 50) -> tuple[views.CascadeView, ...]:
        """Return cascades, newest first."""
        return tuple(showing.cascade(one) for one in await self._store.cascades(limit=limit))

    async def cascade(self, number: CascadeId) -> views.CascadeView:
        """Return one cascade with its runs, oldest first."""
        scene = self._quick_scene()
        one = scene.state.cascades.get(number) or await self._store.cascade(number)
        if one is None:
            raise NotFound(f"no cascade {number}")
        members = await self._store.runs(RunFilter(cascade=number, limit=500))
        return showing.cascade(one, tuple(showing.brief(scene, run) for run in reversed(members)))

    def triggers(self) -> tuple[views.TriggerView, ...]:
        """Return every trigger, watching ones and schedules, in order of their ids."""
        everything = [
            *map(overview.watched, self._sources.triggers().values()),
            *overview.schedules(self._quick_scene()),
        ]
        return tuple(sorted(everything, key=lambda trigger: trigger.id))

    async def facts(self, wanted: FactFilter) -> tuple[views.EventView, ...]:
        """Return facts of the journal, oldest first."""
        return tuple(showing.event(stored) for stored in await self._store.facts(wanted))

    async def events(self, after: int | None = None) -> AsyncGenerator[views.EventView]:
        """Yield every fact after number ``after`` without end; None: from now on. A slow reader misses nothing."""
        async with aclosing(self._facts_from(after)) as facts:
            async for stored in facts:
                yield showing.event(stored)

    async def shadow(self, since: datetime | None = None) -> views.ShadowView:
        """Compare what AutoSync would have run on engines that are only watched with what was run; None: since ever."""
        scene = self._quick_scene()
        watched = [name for name, engine in scene.state.settings.engines.items() if engine.shadow]
        return await shadow.report(self._store, watched, since, scene.now)

    def _quick_scene(self) -> Scene:
        return Scene(state=self._sources.writer.state, now=self._sources.clock.now())

    async def _agents(self, scene: Scene, wanted: list[AgentId]) -> list[views.AgentView]:
        latest = await self._latest.of(wanted, scene.state)
        triggers = overview.by_agent(self.triggers())
        return [overview.agent(scene, one, last=latest.get(one), triggers=triggers.get(one, ())) for one in wanted]

    async def _request(self, number: RequestId) -> views.RequestView:
        scene = self.scene()
        found = await self._stored_request(scene, number)
        became = [run for run in scene.state.runs.values() if run.request == number]
        if not became and number not in scene.state.requests:
            page = await self._store.runs(RunFilter(agent=found.agent, limit=100))
            became = [run for run in page if run.request == number]
        return showing.request(scene, found, run=became[0] if became else None)

    async def _stored_request(self, scene: Scene, number: RequestId) -> Request:
        found = scene.state.requests.get(number) or await self._store.request(number)
        if found is None:
            raise NotFound(f"no request R-{number}")
        return found

    async def _run(self, scene: Scene, number: RunId) -> Run:
        found = scene.state.runs.get(number) or await self._store.run(number)
        if found is None:
            raise NotFound(f"no run {number}; the newest is {scene.state.last_run}")
        return found

    async def _last_run(self) -> Run:
        ended = await self._store.runs(RunFilter(limit=1, outcomes=frozenset(OutcomeKind)))
        if not ended:
            raise NotFound("no run has ended yet")
        return ended[0]

    async def _facts_from(self, after: int | None) -> AsyncGenerator[StoredFact]:
        async for stored in self._sources.feed.subscribe(after):
            yield stored


def _is_settled(view: views.RequestView) -> bool:
    return view.state == "gone" or (view.state == "started" and view.outcome is not None)


def _may_learn_pending(scene: Scene, agent: AgentId) -> bool:
    """Return whether the engine can tell what is pending and has not: nothing runs that would change it meanwhile."""
    known = scene.agent_state(agent)
    runs = any(run.agent == agent for run in scene.state.runs.values())
    asked_in_vain = known.ask_after is not None and scene.now < known.ask_after
    unknown = inspection.sides_known(known) != BOTH_SIDES and not asked_in_vain
    return unknown and not runs and known.agent is not None and scene.connected(agent)
