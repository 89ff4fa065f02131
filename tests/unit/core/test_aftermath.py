"""Follow-ups as requests: partitions, targets that cannot be reached now, engines that wake each other."""

from dataclasses import replace

from autosync.model.agents import PendingSet
from autosync.model.causes import CauseKind
from autosync.model.counts import Counts, RunResult
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, PartitionName, ProfileName, RunId
from autosync.model.runs import Run, RunState
from autosync.model.settings import AgentSettings, EngineSettings, RunMode
from autosync.model.steps import Slot, StepKind
from autosync.model.stimuli import AgentsDescribed, AgentSwitched, EngineConnected, EngineLost, RunEnded
from tests.unit.core.world import AD, DB, DI, DS, EX, HR, SIM, World, agent, profile, step

CLOUD = AgentId("cloud/users")


def staged(partition: str) -> object:
    return step(StepKind.DELTA_IMPORT, partition, staged=Counts(adds=1))


def test_partitions_that_import_together_are_synchronized_once_after_the_last() -> None:
    both = profile("DS both", (StepKind.DELTA_SYNC, "a"), (StepKind.DELTA_SYNC, "b"))
    slots = {PartitionName(each): {Slot.DELTA_SYNC: ProfileName("DS both")} for each in ("a", "b")}
    world = World([agent(AD, both, partitions=("a", "b"))], settings=[AgentSettings(id=AD, slots=slots)]).begin()
    world.fire(AD)

    world.end(AD, "success", step(StepKind.DELTA_IMPORT, "a", staged=Counts(adds=1)))
    assert world.running() == ["sim/ad DI b"]
    world.end(AD, "success", step(StepKind.DELTA_IMPORT, "b", staged=Counts(adds=1)))

    assert world.running() == ["sim/ad DS both"]
    assert world.waiting() == []


def test_a_sync_does_not_wait_for_an_import_that_something_keeps_back() -> None:
    world = World([agent(AD, partitions=("a", "b"))]).begin()
    world.fire(AD)
    world.end(AD, "success", step(StepKind.DELTA_IMPORT, "a", staged=Counts(adds=1)))

    world.end(AD, "stopped-deadlocked")

    assert world.running() == ["sim/ad DS a"]


def test_pending_exports_of_every_partition_are_exported() -> None:
    world = World([agent(HR), agent(AD, partitions=("a", "b", "c"))]).begin()
    few = PendingSet(counts=Counts(adds=1))
    world.exports[AD] = {"a": few, "b": few, "c": PendingSet(counts=Counts())}
    world.ask(HR, DS)

    world.synced(HR, {AD: 2})

    assert world.running() + world.waiting() == ["sim/ad EX a", "sim/ad EX b"]


def test_w6_a_stopped_target_keeps_its_wish() -> None:
    world = World().begin()
    world.happens(AgentSwitched(agent=AD, started=False, by="anna"))
    world.pend(AD, exports=2)
    world.ask(HR, DS)
    world.synced(HR, {AD: 2})
    assert world.waiting() == ["sim/ad EX"]

    world.happens(AgentSwitched(agent=AD, started=True, by="anna"))

    assert world.running() == ["sim/ad EX"]


def test_f7_what_others_staged_while_an_agent_was_stopped_is_found_when_it_starts() -> None:
    world = World().begin()
    world.happens(AgentSwitched(agent=AD, started=False, by="anna"))
    world.pend(AD, exports=2, imports=1)

    world.happens(AgentSwitched(agent=AD, started=True, by="anna"))

    assert sorted(world.running() + world.waiting()) == ["sim/ad DS", "sim/ad EX"]


def test_a_target_whose_engine_is_lost_is_looked_at_when_it_is_back() -> None:
    world = World().begin()
    world.ask(HR, DS)
    world.happens(EngineLost(engine=SIM, error="gone"))
    world.pend(AD, exports=1)
    world.synced(HR, {AD: 1})
    assert world.waiting() == []

    world.happens(EngineConnected(engine=SIM))
    world.happens(AgentsDescribed(engine=SIM, agents=tuple(world.agents.values())))

    assert world.running() == ["sim/ad EX"]


def test_a_target_that_runs_is_looked_at_when_it_has_ended() -> None:
    world = World(engine=EngineSettings(name=SIM, run_mode=RunMode.UNSUPPORTED)).begin()
    world.ask(HR, DS)
    world.fire(AD)
    world.pend(AD, exports=1)
    world.synced(HR, {AD: 1})
    assert world.waiting() == []

    world.end(AD)

    assert world.running() == ["sim/ad EX"]


def test_a_sync_that_does_not_say_whom_it_reached_has_everybody_looked_at() -> None:
    world = World().begin()
    world.pend(AD, exports=1)
    world.pend(DB, exports=1)
    world.ask(HR, DS)

    world.end(HR, "success", step(StepKind.DELTA_SYNC))

    assert world.running() == ["sim/ad EX", "sim/db EX"]


def test_an_empty_slot_for_what_a_run_needs_is_said_once() -> None:
    slots = {PartitionName("default"): {Slot.DELTA_SYNC: None, Slot.CONFIRMING_IMPORT: None}}
    world = World(settings=[AgentSettings(id=HR, slots=slots)]).begin()
    for _ in range(2):
        world.ask(HR, EX)
        world.exported(HR)
        world.fire(HR)
        world.imported(HR)

    assert world.waiting() == world.running() == []
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 2


def test_pending_exports_without_an_export_profile_are_said_once() -> None:
    slots = {PartitionName("default"): {Slot.EXPORT: None}}
    world = World(settings=[AgentSettings(id=AD, slots=slots)]).begin()
    world.pend(AD, exports=1)
    for _ in range(2):
        world.ask(HR, DS)
        world.synced(HR, {AD: 1})

    assert world.waiting() == []
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_an_export_wakes_the_agents_of_other_engines() -> None:
    world = World([agent(AD), agent(CLOUD)], settings=[AgentSettings(id=AD, wakes=frozenset({CLOUD}))]).begin()
    world.ask(AD, EX)
    cascades = frozenset(world.state.cascades)

    world.exported(AD)

    woken = world.run(CLOUD)
    assert woken is not None
    assert (woken.profile, woken.causes[0].kind, woken.cascades) == (DI, CauseKind.WAKE, cascades)


def test_waking_an_agent_that_does_not_exist_is_a_fact() -> None:
    world = World([agent(AD)], settings=[AgentSettings(id=AD, wakes=frozenset({CLOUD}))]).begin()
    world.ask(AD, EX)

    world.exported(AD)

    assert world.running() == ["sim/ad DI"]
    assert len(world.said(FactKind.REQUEST_UNRESOLVED)) == 1


def test_a_confirming_import_goes_to_the_front_and_is_marked() -> None:
    world = World().begin()
    world.ask(AD, EX)
    world.happens(AgentSwitched(agent=AD, started=False, by="anna"))

    world.exported(AD)

    request = world.request(AD, DI)
    assert (request.front, request.confirms, request.expected) == (True, True, None)


def test_a_full_import_leads_to_a_full_sync_where_that_is_wanted() -> None:
    world = World(settings=[AgentSettings(id=HR, full_sync_after_full_import=True)]).begin()
    world.ask(HR, "FI")

    world.imported(HR)

    assert world.running() == ["sim/hr FS"]


def test_a_run_of_an_agent_that_is_described_no_more_keeps_its_follow_up() -> None:
    world = World().begin()
    world.fire(HR)
    world.happens(AgentsDescribed(engine=SIM, agents=(world.agents[AD],)))

    world.end(HR, "success", step(StepKind.DELTA_IMPORT, staged=Counts(adds=1)))
    assert world.waiting() == ["sim/hr delta-sync of default"]
    world.happens(AgentsDescribed(engine=SIM, agents=tuple(world.agents.values())))

    assert world.running() == ["sim/hr DS"]


def test_a_multi_step_profile_leaves_only_what_it_did_not_do_itself() -> None:
    whole = profile("EX+DI", (StepKind.EXPORT, "default"), (StepKind.DELTA_IMPORT, "default"))
    world = World([agent(AD, whole)]).begin()
    world.ask(AD, "EX+DI")

    world.end(
        AD,
        "success",
        step(StepKind.EXPORT, exported=Counts(adds=1)),
        step(StepKind.DELTA_IMPORT, staged=Counts(adds=1)),
    )

    assert world.running() == ["sim/ad DS"]
    assert world.waiting() == []


def test_an_unmanaged_run_opens_a_cascade_for_what_it_leaves() -> None:
    world = World().begin()
    other = Run(id=RunId(1), agent=HR, profile=DI, state=RunState.RUNNING, started=world.now, handle="5", managed=False)
    world.state = replace(world.state, runs={other.id: other}, last_run=1)
    result = RunResult(handle="5", status="success", steps=(step(StepKind.DELTA_IMPORT, staged=Counts(adds=1)),))

    world.happens(RunEnded(run=other.id, result=result))

    assert next(each.cause.kind for each in world.state.cascades.values()) is CauseKind.FOUND
    assert "sim/hr DS" in world.running() + world.waiting()


def test_what_imports_staged_adds_up_until_it_is_synchronized() -> None:
    world = World().begin()
    world.happens(AgentSwitched(agent=HR, started=False, by="anna"))
    for handle, count in (("501", 2), ("502", 3)):
        run = Run(
            id=RunId(int(handle)),
            agent=HR,
            profile=DI,
            state=RunState.RUNNING,
            started=world.now,
            handle=handle,
            managed=False,
        )
        world.state = replace(world.state, runs={run.id: run})
        imported = step(StepKind.DELTA_IMPORT, staged=Counts(adds=count))
        world.happens(RunEnded(run=run.id, result=RunResult(handle=handle, status="success", steps=(imported,))))

    assert world.request(HR, DS).expected == 5
