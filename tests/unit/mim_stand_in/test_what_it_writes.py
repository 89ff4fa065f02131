"""What the stand-in server writes is what the readers of real servers' files read."""

from datetime import timedelta

import pytest

from autosync.adapters.engines.mim.reading.csexport import EXPORTS, IMPORTS, PendingChanges, Side, read_pending
from autosync.adapters.engines.mim.reading.ma_export import ManagementAgent, read_agent
from autosync.adapters.engines.mim.reading.run_history import Known, RunReading, read_run
from autosync.adapters.engines.simulated.faults import Ending
from autosync.model.agents import MIM_SERVICE, PendingSide
from autosync.model.counts import ChangeKind, Counts, ObjectError
from autosync.model.ids import AgentId, EngineName, ProfileName
from autosync.model.steps import StepKind
from autosync.testing.clock import FixedClock
from autosync.testing.mim.knobs import RunScript
from autosync.testing.mim.plan import Files, MimAgent, MimProfile, MimServer, MimStep, company
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.runs import MimRun

NORTH, SOUTH = "DC=north,DC=corp,DC=example", "DC=south,DC=corp,DC=example"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def server(clock: FixedClock) -> MimProvider:
    return MimProvider(company(), clock)


def run(server: MimProvider, agent: str, profile: str) -> MimRun:
    begun = server.begin(agent, profile)
    assert isinstance(begun, MimRun), begun
    clock = server.clock
    assert isinstance(clock, FixedClock)
    while server.answer_of(begun) is None:
        clock.move(timedelta(seconds=max(0.001, server.next_at(begun) - clock.elapsed())))
    return begun


def configuration(server: MimProvider, agent: str) -> ManagementAgent:
    return read_agent(server.export_agent(agent))


def history(server: MimProvider, agent: str) -> RunReading:
    index = {agent.casefold(): configuration(server, agent).index}
    found = read_run(server.ask(agent, "RunDetails"), Known(engine=EngineName("mim"), partitions=index))
    assert found is not None
    return found


def pending(server: MimProvider, agent: str, side: PendingSide) -> PendingChanges:
    sides: dict[PendingSide, Side] = {PendingSide.EXPORTS: EXPORTS, PendingSide.IMPORTS: IMPORTS}
    return read_pending(server.export_pending(agent, side), sides[side], configuration(server, agent).index)


def test_an_agent_is_read_with_its_partitions_profiles_and_directory(server: MimProvider) -> None:
    read = configuration(server, "AD")

    assert (read.name, read.category, read.warnings) == ("AD", "ad", ())
    assert read.id == server.agents()[1].guid.strip("{}").lower()
    assert [(each.name, each.is_usable, each.dns_name) for each in read.partitions] == [
        (NORTH, True, "north.corp.example"),
        (SOUTH, True, "south.corp.example"),
        ("CN=Configuration,DC=corp,DC=example", False, ""),
    ]
    assert read.directory is not None
    assert read.directory.forest == "corp.example"
    profile = {each.name: each for each in read.profiles}[ProfileName(f"DI {SOUTH}")]
    assert [(step.kind, step.partition, step.is_misplaced) for step in profile.steps] == [
        (StepKind.DELTA_IMPORT, SOUTH, False)
    ]


def test_the_portal_tells_its_address(server: MimProvider) -> None:
    read = configuration(server, "Portal")

    assert (read.category, read.service_host) == (MIM_SERVICE, "http://mimservice.corp.example:5725")


def test_every_type_of_step_is_read_as_it_was_meant(clock: FixedClock) -> None:
    kinds = [kind for kind in StepKind if kind is not StepKind.UNKNOWN]
    steps = tuple(MimStep(kind=kind, objects=500, deletions=25) for kind in kinds)
    odd = (
        MimStep(kind=StepKind.UNKNOWN, word="flummox"),
        MimStep(kind=StepKind.FULL_IMPORT, files=Files.TO_FILE),
        MimStep(kind=StepKind.DELTA_IMPORT, files=Files.AUDIT),
    )
    agent = MimAgent(name="all", profiles=(MimProfile(name="all", steps=steps), MimProfile(name="odd", steps=odd)))
    server = MimProvider(MimServer(agents=(agent,)), clock)
    read = configuration(server, "all")

    assert [step.kind for step in read.profiles[0].steps] == kinds
    assert {(step.threshold.objects, step.threshold.deletions) for step in read.profiles[0].steps} == {(500, 25)}
    assert [step.kind for step in read.profiles[1].steps] == [
        StepKind.UNKNOWN,
        StepKind.FULL_IMPORT,
        StepKind.DELTA_IMPORT,
    ]
    assert [step.is_test_run for step in read.profiles[1].steps] == [False, True, False]
    assert any("flummox" in warning for warning in read.warnings)
    run(server, "all", "all")
    assert [step.kind for step in history(server, "all").result.steps] == kinds


def test_a_change_makes_its_way_and_the_history_tells_of_each_step(server: MimProvider) -> None:
    server.change("HR", kind=ChangeKind.ADDS)
    server.change("HR")
    run(server, "HR", "DI")
    imported = history(server, "HR")
    staged = pending(server, "HR", PendingSide.IMPORTS)
    run(server, "HR", "DS")
    synced = history(server, "HR")
    waiting = pending(server, "AD", PendingSide.EXPORTS)
    run(server, "AD", f"EX {SOUTH}")
    exported = history(server, "AD")
    run(server, "AD", f"DI {SOUTH}")
    confirmed = history(server, "AD")

    assert imported.warnings == synced.warnings == exported.warnings == ()
    assert imported.result.steps[0].staged == Counts(adds=1, updates=1)
    assert imported.account == ACCOUNT
    assert [each.counts for each in staged.sets.values()] == [Counts(adds=1, updates=1)]
    assert synced.result.steps[0].outbound == {
        AgentId("mim/AD"): 4,
        AgentId("mim/Portal"): 2,
        AgentId("mim/Phone book"): 2,
    }
    assert {name: each.counts for name, each in waiting.sets.items()} == dict.fromkeys(
        (NORTH, SOUTH), Counts(adds=1, updates=1)
    )
    assert exported.result.steps[0].exported == Counts(adds=1, updates=1)
    assert exported.result.steps[0].export_failures == 0
    assert confirmed.result.status == "success"
    assert not pending(server, "HR", PendingSide.IMPORTS).sets
    assert set(server.waiting()) == {
        ("AD", NORTH),
        ("Portal", "default"),
        ("Phone book", "O=Phone book"),
    }


def test_the_counters_of_an_agent_are_text(server: MimProvider) -> None:
    server.change("HR", kind=ChangeKind.DELETES)
    server.change("HR")
    before = server.ask("HR", "NumImportDelete")
    run(server, "HR", "DI")
    shown = [server.ask("HR", f"NumImport{word}") for word in ("Add", "Update", "Delete")]
    run(server, "HR", "DS")

    assert before == "0"
    assert shown == ["0", "1", "1"]
    assert [server.ask("AD", f"NumExport{word}") for word in ("Add", "Update", "Delete")] == ["0", "2", "2"]
    assert server.ask("AD", "NumCSObjects") == "2000"


def test_a_display_name_is_what_history_shows_and_is_found_again(server: MimProvider) -> None:
    run(server, "Phone book", "DI")

    assert ">Telephones<" in server.ask("Phone book", "RunDetails")
    assert history(server, "Phone book").result.steps[0].partition == "O=Phone book"


def test_steps_come_newest_first_and_a_running_one_has_no_end(clock: FixedClock) -> None:
    steps = (MimStep(kind=StepKind.DELTA_IMPORT), MimStep(kind=StepKind.DELTA_SYNC))
    plan = MimServer(agents=(MimAgent(name="hr", profiles=(MimProfile(name="both", steps=steps),)),))
    server = MimProvider(plan, clock)
    begun = server.begin("hr", "both")
    clock.move(timedelta(seconds=0.06))
    text = server.ask("hr", "RunDetails")

    assert isinstance(begun, MimRun)
    assert text.index('step-number="2"') < text.index('step-number="1"')
    assert text.count("<end-date>") == 1
    read = history(server, "hr")
    assert read.is_running
    assert [step.status for step in read.result.steps] == ["success", "in-progress"]
    assert (server.ask("hr", "RunStatus"), server.ask("hr", "RunStartTime")) == ("in-progress", "")


def test_errors_incidents_and_unknown_counters_are_told(server: MimProvider) -> None:
    error = ObjectError(stage="sync", error_type="extension-dll-exception", dn="object-1", retry_count=77)
    server.knobs.script(
        "HR", "DI", RunScript(errors=(error,), incidents=("failed-search", "success"), counters={"stage-merge": "3"})
    )
    run(server, "HR", "DI")
    read = history(server, "HR")

    assert read.result.status == "completed-sync-errors"
    assert [(each.error_type, each.dn, each.retry_count) for each in read.result.steps[0].errors] == [
        ("extension-dll-exception", "object-1", 77)
    ]
    assert len(read.connection_log) == 2
    assert read.result.steps[0].staged is None
    assert any("stage-merge" in warning for warning in read.warnings)


def test_what_could_not_be_exported_stays_pending(server: MimProvider) -> None:
    for _ in range(3):
        server.change("HR")
    run(server, "HR", "DI")
    run(server, "HR", "DS")
    server.knobs.script("Portal", "EX", RunScript(errors=(ObjectError(stage="export", error_type="cd-error"),)))
    run(server, "Portal", "EX")
    read = history(server, "Portal")

    assert (read.result.status, read.result.steps[0].export_failures) == ("completed-export-errors", 1)
    assert server.ask("Portal", "NumExportUpdate") == "1"


def test_thresholds_stop_a_step_where_they_say(clock: FixedClock) -> None:
    profiles = (
        MimProfile(name="few", steps=(MimStep(kind=StepKind.DELTA_IMPORT, objects=2),)),
        MimProfile(name="careful", steps=(MimStep(kind=StepKind.DELTA_IMPORT, deletions=1),)),
    )
    server = MimProvider(MimServer(agents=(MimAgent(name="hr", profiles=profiles),)), clock)
    for kind in (ChangeKind.ADDS, ChangeKind.ADDS, ChangeKind.ADDS, ChangeKind.DELETES, ChangeKind.DELETES):
        server.change("hr", kind=kind)
    first = run(server, "hr", "few")
    second = run(server, "hr", "careful")

    assert (first.status, second.status) == ("stopped-object-limit", "stopped-deletion-limit")
    assert [server.ask("hr", f"NumImport{word}") for word in ("Add", "Delete")] == ["3", "1"]


def test_an_execute_may_return_while_references_are_still_being_completed(
    server: MimProvider, clock: FixedClock
) -> None:
    server.knobs.script("HR", "DI", RunScript(ending=Ending(completing_s=10)))
    begun = run(server, "HR", "DI")
    during = server.runs()[-1]
    clock.move(timedelta(seconds=11))

    assert server.answer_of(begun) == "success"
    assert (during.status, during.ended) == ("completing-referential-updates", "")
    assert server.runs()[-1].ended


def test_an_agent_that_never_ran_has_an_empty_history(server: MimProvider) -> None:
    text = server.ask("HR", "RunDetails")

    assert read_run(text, Known(engine=EngineName("mim"))) is None
    assert [server.ask("HR", word) for word in ("RunStatus", "RunNumber", "RunProfile")] == ["", "", ""]
