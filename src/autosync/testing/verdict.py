"""What may never happen, and what must have happened in the end: judged from outside, by other rules than the core's."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from autosync.core.state import State
from autosync.model.holds import HoldState
from autosync.model.ids import RunId
from autosync.model.requests import Request
from autosync.model.runs import OutcomeKind, RunState
from autosync.testing.scenario import ENGINE
from autosync.testing.world import World, trigger_id

_Thing = TypeVar("_Thing")

LONGEST_WAIT = timedelta(hours=12)
"""No request waits longer, while the service lives, without a hold that a person can see."""


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Watcher:
    """Looks at every state that the service passes through."""

    world: World
    states: int = 0
    most_waiting: int = 0
    is_over: bool = False
    _last: State | None = None

    def look(self, _step: int = 0) -> None:
        """Raise ``Broken`` when something is true that never may be."""
        if self.world.referee.violations:
            raise Broken("; ".join(self.world.referee.violations))
        life = self.world.life
        if life is None or self.is_over:
            return
        state = life.supervisor.dispatcher.state
        if state is not self._last:
            self._last = state
            self.states += 1
            self.most_waiting = max(self.most_waiting, len(state.requests))
            alive = timedelta(seconds=self.world.clock.elapsed() - life.started)
            for wrong in _wrong_in(state, self.world.clock.now(), alive):
                raise Broken(wrong)


def _wrong_in(state: State, now: datetime, alive: timedelta) -> Iterator[str]:
    agents = [(run.agent, run.managed) for run in state.runs.values()]
    yield from (f"{agent} runs more than once" for agent, _ in _repeated(agents))
    keys = [(request.agent, request.profile) for request in state.requests.values()]
    yield from (f"{agent} {profile} waits more than once" for agent, profile in _repeated(keys))
    yield from (f"an ended run is kept: {run.id}" for run in state.runs.values() if run.state is RunState.ENDED)
    yield from (
        f"request {request.id} ({request.agent} {request.profile}) waits since {request.wished}"
        for request in state.requests.values()
        if min(now - request.wished, alive) > LONGEST_WAIT and not _is_held(state, request)
    )


def _repeated(things: Sequence[_Thing]) -> Sequence[_Thing]:
    return () if len(set(things)) == len(things) else [each for each, count in Counter(things).items() if count > 1]


def _is_held(state: State, request: Request) -> bool:
    return any(
        hold.agent == request.agent or hold.engine_wide
        for hold in state.holds.values()
        if hold.state in {HoldState.OPEN, HoldState.REJECTED}
    )


def is_quiet(world: World) -> bool:
    """Return whether nothing is left to do anywhere."""
    if world.life is None or not all(place.is_quiet for place in world.engine.places().values()):
        return False
    state = world.supervisor.dispatcher.state
    engine = state.engines.get(ENGINE)
    return engine is not None and engine.connected and not (state.requests or state.runs)


async def judge(world: World) -> list[str]:
    """Return everything that is wrong once causes and troubles have stopped and time enough has passed."""
    return [*_unfinished(world), *_untold(world), *_wishes_lost(world), *await _started_wrongly(world)]


def _unfinished(world: World) -> Iterator[str]:
    for (agent, partition), place in world.engine.places().items():
        for word in ("source", "staged", "exports", "unconfirmed"):
            left = getattr(place, word)
            if left:
                yield f"{len(left)} changes stay in {word} of {agent} {partition}"
    state = world.supervisor.dispatcher.state
    yield from (f"request {each.id} of {each.agent} {each.profile} still waits" for each in state.requests.values())
    yield from (f"run {each.id} of {each.agent} {each.profile} is still {each.state}" for each in state.runs.values())
    yield from (f"cascade {each.id} is not quiet" for each in state.cascades.values())


def _untold(world: World) -> Iterator[str]:
    """Every trigger's last change must be known to be imported: else a restart would import again."""
    tokens = world.supervisor.dispatcher.state.tokens
    for (agent, partition), trigger in world.triggers.items():
        row = tokens.get(trigger_id(agent, partition))
        if trigger.number and (row is None or int(row.token) != trigger.number):
            yield f"{agent} {partition} changed {trigger.number} times; stored is {row.token if row else 'nothing'}"


def _wishes_lost(world: World) -> Iterator[str]:
    for asked, agent in world.wishes:
        name = agent.partition("/")[2]
        if not any(run.agent == name and run.profile.imports and run.began >= asked for run in world.engine.begun):
            yield f"the wish of {asked:.0f} s for an import of {agent} was acknowledged, and nothing ran"


async def _started_wrongly(world: World) -> list[str]:
    """Nothing is started twice, and what is called abandoned never began."""
    wrong: list[str] = []
    begun = Counter(run.label for run in world.engine.begun if run.label is not None)
    wrong.extend(f"run {label} was started {count} times" for label, count in begun.items() if count > 1)
    for run in world.engine.begun:
        stored = await world.store.run(RunId(run.label)) if run.label is not None else None
        if stored is None or stored.outcome is None or stored.outcome.kind is not OutcomeKind.ABANDONED:
            continue
        if not _hidden(world, run.agent, run.began):
            wrong.append(f"run {run.label} of {run.agent} is called abandoned, but it began at {run.began:.1f} s")
    return wrong


def _hidden(world: World, agent: str, began: float) -> bool:
    """Return whether the engine itself could not tell: its history was cleared, or another run came after."""
    if world.scenario.troubles.cleared_histories:
        return True
    return any(run.agent == agent and not run.ours and run.began > began for run in world.engine.begun)
