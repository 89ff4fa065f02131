"""A configuration's policy on simulated engines, in simulated time: what would run, wait and be held in some days.

The policy is the configuration's own: queue, admission, guards, schedules, exclusions, retries. The world around it is
made up: every agent that has a trigger, a schedule or a safety net changes by itself, and its changes flow to all other agents
of its engine; steps take as long as a simulated engine's do.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from autosync.adapters.engines.simulated.engine import SimulatedEngine
from autosync.adapters.engines.simulated.plans import DEFAULT, AgentPlan, EnginePlan, Flow, usual_profiles
from autosync.adapters.stores.memory import MemoryStore
from autosync.config.spec import Configuration, EngineSpec
from autosync.model.counts import ChangeKind
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, TriggerId, agent_id, engine_of, name_of
from autosync.model.runs import OutcomeKind, Run
from autosync.model.settings import Settings
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.ports.store import RunFilter
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.supervisor import Options, Parts, Supervisor
from autosync.runtime.trigger_watch import TriggerPart
from autosync.testing.clock import SimulatedClock
from autosync.testing.simulation import run_simulated
from autosync.testing.triggers import ScriptedTrigger

_DAY_S: Final = 86_400.0
_LAST_WORK_S: Final = 4 * 3600.0
"""How long the last changes may take to arrive, before the rehearsal says that it did not become quiet."""
_EVERYTHING: Final = 10_000_000
_KINDS: Final = (ChangeKind.ADDS, ChangeKind.UPDATES, ChangeKind.DELETES)
_WEIGHTS: Final = (10, 85, 5)
_STEPS: Final[Mapping[Slot, StepKind]] = {
    Slot.DELTA_IMPORT: StepKind.DELTA_IMPORT,
    Slot.FULL_IMPORT: StepKind.FULL_IMPORT,
    Slot.SCHEDULED_IMPORT: StepKind.DELTA_IMPORT,
    Slot.CONFIRMING_IMPORT: StepKind.DELTA_IMPORT,
    Slot.DELTA_SYNC: StepKind.DELTA_SYNC,
    Slot.FULL_SYNC: StepKind.FULL_SYNC,
    Slot.EXPORT: StepKind.EXPORT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How long, with which chance, and how much happens."""

    days: float = 1.0
    seed: int = 0
    changes_per_hour: float = 6.0
    """In each connected system that changes by itself."""


def rehearse(configuration: Configuration, script: Script) -> dict[str, Any]:
    """Play the script and return what happened, as plain JSON values. Equal seeds give equal rehearsals."""

    async def play(clock: SimulatedClock, random: Random) -> dict[str, Any]:
        return await _Stage(configuration, script, clock, random).play()

    return run_simulated(play, seed=script.seed)


class _Stage:
    def __init__(self, configuration: Configuration, script: Script, clock: SimulatedClock, random: Random) -> None:
        self._script = script
        self._clock = clock
        self._random = random
        self._store = MemoryStore()
        self._changes = 0
        self._sources = _sources(configuration)
        self._engines = {
            spec.name: SimulatedEngine(_engine_plan(spec, configuration.settings, self._sources), clock, random)
            for spec in configuration.engines
        }
        self._triggers = {agent: ScriptedTrigger() for agent in self._sources}
        self._supervisor = Supervisor(
            Parts(
                store=self._store,
                settings=_driven(configuration.settings),
                clock=clock,
                random=random,
                engines={name: EnginePart(engine=engine) for name, engine in self._engines.items()},
                triggers=tuple(self._trigger_parts(configuration)),
                options=Options(log_facts=False),
            )
        )

    async def play(self) -> dict[str, Any]:
        """Let things change for the script's days, wait for the rest, and sum up."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._supervisor.run(), name="rehearsal")
            async with asyncio.TaskGroup() as world:
                for agent in self._sources:
                    world.create_task(self._change(agent), name=f"changes of {agent}")
            quiet = await self._wait_quiet()
            self._supervisor.stop()
        return await self._summary(quiet=quiet)

    def _trigger_parts(self, configuration: Configuration) -> Iterator[TriggerPart]:
        told: set[AgentId] = set()
        for spec in configuration.triggers:
            if spec.enabled and spec.agent not in told and spec.agent in self._triggers:
                told.add(spec.agent)
                wanted = spec.wanted
                yield TriggerPart(
                    id=TriggerId(spec.id),
                    agent=spec.agent,
                    trigger=self._triggers[spec.agent],
                    slot=wanted.slot or Slot.DELTA_IMPORT,
                    profile=wanted.profile,
                    partition=wanted.partition,
                    exclusive=wanted.exclusive,
                    front=wanted.front,
                )

    async def _change(self, agent: AgentId) -> None:
        engine, end = self._engines[engine_of(agent)], self._script.days * _DAY_S
        places = sorted({place for name, place in engine.places() if name == name_of(agent)})
        while self._script.changes_per_hour:
            pause = self._random.expovariate(self._script.changes_per_hour / 3600)
            if self._clock.elapsed() + pause > end:
                break
            await self._clock.sleep(pause)
            kind = self._random.choices(_KINDS, _WEIGHTS)[0]
            engine.change(name_of(agent), self._random.choice(places), kind)
            self._triggers[agent].change(changed=self._clock.now())
            self._changes += 1
        await self._clock.sleep(max(0.0, end - self._clock.elapsed()))

    async def _wait_quiet(self) -> bool:
        deadline = self._clock.elapsed() + _LAST_WORK_S
        while self._clock.elapsed() < deadline:
            state = self._supervisor.dispatcher.state
            if not state.requests and not state.runs and self._has_arrived():
                return True
            await self._clock.sleep(30)
        return False

    def _has_arrived(self) -> bool:
        return all(place.is_quiet for engine in self._engines.values() for place in engine.places().values())

    async def _summary(self, *, quiet: bool) -> dict[str, Any]:
        runs = await self._store.runs(RunFilter(limit=_EVERYTHING))
        cascades = await self._store.cascades(limit=_EVERYTHING)
        latencies = sorted((one.quiet - one.changed).total_seconds() for one in cascades if one.quiet is not None)
        return {
            "days": self._script.days,
            "seed": self._script.seed,
            "changes": self._changes,
            "runs": len(runs),
            "quiet": quiet,
            "holds": len(await self._store.holds(only_open=False, limit=_EVERYTHING)),
            "latency": {
                "count": len(latencies),
                "p50_s": _quantile(latencies, 0.5),
                "p95_s": _quantile(latencies, 0.95),
                "longest_s": _quantile(latencies, 1.0),
            },
            "waits": _waits(runs),
            "agents": [_agent(name, [run for run in runs if run.agent == name]) for name in self._agents()],
        }

    def _agents(self) -> list[AgentId]:
        return [
            agent_id(name, agent)
            for name, engine in sorted(self._engines.items())
            for agent in sorted({agent for agent, _ in engine.places()})
        ]


def _sources(configuration: Configuration) -> list[AgentId]:
    """Return the agents that change by themselves: those that the configuration gives a reason to import."""
    settings = configuration.settings
    found = {spec.agent for spec in configuration.triggers if spec.enabled}
    found |= {schedule.agent for schedule in settings.schedules.values() if schedule.enabled}
    found |= {agent for agent, one in settings.agents.items() if one.import_if_none_for is not None}
    engines = {spec.name for spec in configuration.engines}
    return sorted(agent for agent in found if engine_of(agent) in engines and settings.agent(agent).enabled)


def _engine_plan(spec: EngineSpec, settings: Settings, sources: Sequence[AgentId]) -> EnginePlan:
    named = {name_of(agent) for agent in [*settings.agents, *sources] if engine_of(agent) == spec.name}
    names = sorted({*(spec.agents or ()), *named})
    plans = (_agent_plan(spec.name, name, names, settings, sources) for name in names)
    return EnginePlan(name=spec.name, agents=tuple(plans))


def _agent_plan(
    engine: EngineName, name: str, names: Sequence[str], settings: Settings, sources: Sequence[AgentId]
) -> AgentPlan:
    agent = agent_id(engine, name)
    slots = settings.agent(agent).slots
    partitions = tuple(slots) or (DEFAULT,)
    profiles = usual_profiles(partitions)
    for partition, chosen in slots.items():
        for slot, profile in chosen.items():
            if profile is not None:
                profiles.setdefault(profile, _profile(profile, _STEPS[slot], partition))
    for schedule in settings.schedules.values():
        if schedule.agent == agent and not isinstance(schedule.run, Slot):
            full = "full" in schedule.run.casefold()
            kind = StepKind.FULL_IMPORT if full else StepKind.DELTA_IMPORT
            profiles.setdefault(schedule.run, _profile(schedule.run, kind, schedule.partition or partitions[0]))
    others = tuple(Flow(agent=other) for other in names if other != name) if agent in sources else ()
    return AgentPlan(name=name, partitions=partitions, profiles=profiles, flows=others)


def _profile(name: ProfileName, kind: StepKind, partition: PartitionName) -> Profile:
    return Profile(name=name, steps=(Step(kind=kind, partition=partition),))


def _agent(name: AgentId, runs: Sequence[Run]) -> dict[str, Any]:
    bad = {OutcomeKind.FAILED, OutcomeKind.TRY_AGAIN, OutcomeKind.MISCONFIGURED}
    return {
        "agent": name,
        "runs": len(runs),
        "failed": sum(run.outcome is not None and run.outcome.kind in bad for run in runs),
        "busy_s": round(sum((run.ended - run.started).total_seconds() for run in runs if run.ended is not None), 1),
        "waited_s": round(sum(seconds for run in runs for _, seconds in run.waits), 1),
    }


def _waits(runs: Sequence[Run]) -> list[dict[str, Any]]:
    total: Counter[str] = Counter()
    for run in runs:
        for text, seconds in run.waits:
            total[text] += seconds  # type: ignore[assignment]
    return [{"text": text, "seconds": round(seconds, 1)} for text, seconds in total.most_common(8)]


def _quantile(values: Sequence[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(share * len(values)))], 1) if values else None


def _driven(settings: Settings) -> Settings:
    """Return the policy with every engine driven: a rehearsal shows what AutoSync would do where it only watches now."""
    engines = {name: replace(engine, shadow=False) for name, engine in settings.engines.items()}
    return replace(settings, engines=engines)
