"""Seeded scenarios: topologies, policies, causes and troubles, drawn so that a number says it all."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Final

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Flow, Rates
from autosync.adapters.engines.simulated.plans import DEFAULT, usual_profiles
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName, TriggerId
from autosync.model.schedules import Every
from autosync.model.settings import (
    AgentSettings,
    BreakerPolicy,
    EngineSettings,
    Guards,
    RunMode,
    ScheduleSettings,
    ScriptPolicy,
    Settings,
)
from autosync.model.steps import Profile, Slot, Step, StepKind
from autosync.testing.controller_scripts import Whims

ENGINE: Final = EngineName("sim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """How many of each trouble happen while causes come, at random times."""

    crashes: int = 0
    outages: int = 0
    foreign_runs: int = 0
    trigger_failures: int = 0
    clock_steps: int = 0
    cleared_histories: int = 0
    store_outages: int = 0
    rates: Rates = field(default_factory=Rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One play: what there is, what happens, and for how long."""

    seed: int
    plan: EnginePlan
    settings: Settings
    hours: float = 4.0
    """How long causes come; afterwards it must get quiet."""
    changes: int = 30
    bursts: int = 2
    wishes: int = 3
    """Runs that persons ask for."""
    scripts: Mapping[AgentId, Whims] = field(default_factory=dict)
    """Agents with a controller script, and how difficult each is while causes come."""
    deletions: int = 0
    """Changes of one mass deletion; 0 none."""
    troubles: Troubles = field(default_factory=Troubles)


def draw(seed: int, *, hours: float = 4.0, changes: int = 30) -> Scenario:
    """Return the scenario of a seed. Every tenth is without troubles, so that both kinds are always tried."""
    random = Random(seed)
    agents = _agents(random)
    scripts = _scripts(Random(f"scripts {seed}"), agents)
    return Scenario(
        seed=seed,
        plan=EnginePlan(name=ENGINE, agents=agents, labels=random.random() < 0.3),
        settings=_with_scripts(_settings(random, agents), scripts),
        scripts=scripts,
        hours=hours,
        changes=changes,
        bursts=random.randrange(3),
        wishes=random.randrange(5),
        deletions=600 if random.random() < 0.15 else 0,
        troubles=Troubles() if seed % 10 == 0 else _troubles(random, hours),
    )


def _agents(random: Random) -> tuple[AgentPlan, ...]:
    plans = [_agent(random, name) for name in ("hr", "ad", "mim", "sql", "ldap", "badge")[: random.randint(2, 6)]]
    return tuple(replace(plan, flows=_flows(random, plan, plans)) for plan in plans)


def _agent(random: Random, name: str) -> AgentPlan:
    partitions: tuple[PartitionName, ...] = (DEFAULT,)
    if name == "ad" and random.random() < 0.4:
        partitions = (PartitionName("north"), PartitionName("south"))
    return AgentPlan(
        name=name,
        category="mim-service" if name == "mim" else "csv",
        partitions=partitions,
        generates=random.choice((0.0, 0.0, 0.3, 1.0)),
        profiles=_profiles(random, partitions),
    )


def _flows(random: Random, plan: AgentPlan, plans: list[AgentPlan]) -> tuple[Flow, ...]:
    others = [each for each in plans if each.name != plan.name]
    chosen = random.sample(others, random.randint(1, min(3, len(others))))
    return tuple(Flow(agent=each.name, partition=random.choice(each.partitions)) for each in chosen)


def _profiles(random: Random, partitions: tuple[PartitionName, ...]) -> dict[ProfileName, Profile]:
    """Return the usual profiles; now and then an import that synchronizes too, or an export that confirms itself."""
    profiles = usual_profiles(partitions)
    if len(partitions) > 1 or random.random() < 0.6:
        return profiles
    if random.random() < 0.5:
        name = ProfileName("DI")
        profiles[name] = Profile(name=name, steps=(Step(kind=StepKind.DELTA_IMPORT_DELTA_SYNC, partition=DEFAULT),))
    else:
        name = ProfileName("EX")
        kinds = (StepKind.EXPORT, StepKind.DELTA_IMPORT, StepKind.DELTA_SYNC)[: random.randint(2, 3)]
        profiles[name] = Profile(name=name, steps=tuple(Step(kind=kind, partition=DEFAULT) for kind in kinds))
    return profiles


def _settings(random: Random, agents: tuple[AgentPlan, ...]) -> Settings:
    ids = [AgentId(f"{ENGINE}/{agent.name}") for agent in agents]
    locked = frozenset(random.sample(ids, 2)) if random.random() < 0.4 else frozenset[AgentId]()
    first = min(locked, default=None)
    made = {
        each: AgentSettings(
            id=each,
            lock_with=locked - {each} if each == first else frozenset(),
            import_if_none_for=timedelta(hours=random.choice((1, 6))) if random.random() < 0.3 else None,
            guards=Guards() if random.random() < 0.8 else Guards(flapping_after=None),
            breaker=BreakerPolicy(failures=random.randint(2, 5), rest=timedelta(minutes=random.randint(5, 20))),
            full_sync_after_full_import=random.random() < 0.2,
        )
        for each in ids
    }
    nightly = TriggerId(f"{ids[0]}#now and then")
    schedule = ScheduleSettings(
        id=nightly, agent=ids[0], when=Every(interval=timedelta(minutes=random.randint(20, 300))), run=Slot.DELTA_IMPORT
    )
    mode = random.choice((RunMode.SUPPORTED, RunMode.SUPPORTED, RunMode.UNSUPPORTED, RunMode.EXCLUSIVE))
    engine = EngineSettings(name=ENGINE, run_mode=mode, max_parallel=random.choice((None, None, 2)))
    return Settings(
        revision=1,
        engines={ENGINE: engine},
        agents=made,
        schedules={nightly: schedule} if random.random() < 0.3 else {},
    )


def _scripts(random: Random, agents: tuple[AgentPlan, ...]) -> dict[AgentId, Whims]:
    """Return the controller scripts: of some agents in every third scenario, now and then in a bad mood."""
    if random.random() > 0.35:
        return {}
    chosen = random.sample(agents, random.randint(1, min(2, len(agents))))
    return {AgentId(f"{ENGINE}/{agent.name}"): _whims(random) for agent in chosen}


def _whims(random: Random) -> Whims:
    def seldom(share: float) -> float:
        return share if random.random() < 0.5 else 0.0

    return Whims(no=seldom(0.1), failure=seldom(0.1), hang=seldom(0.02), stop_one=seldom(0.01), stop_all=seldom(0.005))


def _with_scripts(settings: Settings, scripts: Mapping[AgentId, Whims]) -> Settings:
    agents = {
        agent: replace(each, script=ScriptPolicy()) if agent in scripts else each
        for agent, each in settings.agents.items()
    }
    return replace(settings, agents=agents)


def _troubles(random: Random, hours: float) -> Troubles:
    def some(most: float) -> int:
        return random.randint(0, max(1, round(most * hours)))

    def seldom(rate: float) -> float:
        return rate if random.random() < 0.4 else 0.0

    return Troubles(
        crashes=some(1.5),
        outages=some(0.5),
        foreign_runs=some(2.0),
        trigger_failures=some(1.0),
        clock_steps=some(0.3),
        cleared_histories=some(0.1),
        store_outages=some(0.3),
        rates=Rates(
            refused=seldom(0.1),
            never_began=seldom(0.05),
            answer_lost=seldom(0.05),
            began_late=seldom(0.05),
            stopped=seldom(0.1),
            unknown=seldom(0.05),
            completing=seldom(0.2),
            hang=seldom(0.02),
            result_lost=seldom(0.05),
            question_lost=seldom(0.02),
            slow=seldom(0.1),
        ),
    )
