"""What a test can turn in the stand-in, and what an administrator does there."""

from datetime import timedelta

import pytest

from autosync.adapters.engines.mim.reading.csexport import EXPORTS, read_pending
from autosync.adapters.engines.mim.reading.ma_export import read_agent
from autosync.adapters.engines.simulated.faults import Ending
from autosync.adapters.engines.simulated.referee import Referee
from autosync.model.agents import PendingSide
from autosync.model.steps import StepKind
from autosync.testing.clock import FixedClock
from autosync.testing.mim.knobs import Rights, RunScript
from autosync.testing.mim.plan import MimAgent, MimProfile, MimStep, company
from autosync.testing.mim.provider import MimProvider, ProviderFault, Reason
from tests.unit.mim_stand_in.test_what_it_writes import NORTH, SOUTH, run


@pytest.fixture
def server() -> MimProvider:
    return MimProvider(company(), FixedClock())


def names(server: MimProvider, agent: str) -> list[str]:
    return [str(profile.name) for profile in read_agent(server.export_agent(agent)).profiles]


def test_execute_refuses_as_real_servers_do(server: MimProvider) -> None:
    server.knobs.busy.add("AD")
    server.knobs.script("HR", "FI", RunScript(ending=Ending(status="no-start-connection", refused=True)))
    server.knobs.say("Execute", "sql-deadlock")

    assert server.begin("HR", "DI") == "sql-deadlock"
    assert server.begin("AD", f"DI {NORTH}") == "no-start-ma-update-in-progress"
    assert server.begin("HR", "FI") == "no-start-connection"
    assert server.begin("HR", "XX") == "no-start-unknown-profile-name"
    assert not server.executed


def test_a_refusal_may_leave_a_row(server: MimProvider) -> None:
    ending = Ending(status="no-start-connection", refused=True)
    server.knobs.script("HR", "DI", RunScript(ending=ending), RunScript(ending=ending, leaves_row=True))
    answers = [server.begin("HR", "DI"), server.begin("HR", "DI")]

    assert answers == ["no-start-connection"] * 2
    assert [(row.status, row.ended != "") for row in server.runs()] == [("no-start-connection", True)]


def test_a_run_without_steps_or_with_a_partition_that_is_not_there_ends_at_once_or_badly(server: MimProvider) -> None:
    lost = MimStep(kind=StepKind.DELTA_IMPORT, partition="DC=elsewhere")
    server.administration.add_profile("AD", MimProfile(name="lost", steps=(lost,)))
    server.administration.add_profile("AD", MimProfile(name="empty", steps=()))

    assert run(server, "AD", "lost").status == "missing-partition-for-run-step"
    assert run(server, "AD", "empty").status == "no-start-no-steps-in-profile"


def test_a_run_that_breaks_off_has_done_nothing(server: MimProvider) -> None:
    server.change("HR")
    server.knobs.script("HR", "DI", RunScript(ending=Ending(status="stopped-connectivity", does_its_work=False)))

    assert run(server, "HR", "DI").status == "stopped-connectivity"
    assert server.ask("HR", "NumImportUpdate") == "0"
    assert run(server, "HR", "DI").status == "success"
    assert server.ask("HR", "NumImportUpdate") == "1"


def test_discovery_errors_end_a_run_before_its_next_step(server: MimProvider) -> None:
    steps = (MimStep(kind=StepKind.FULL_IMPORT), MimStep(kind=StepKind.FULL_SYNC))
    server.administration.add_profile("HR", MimProfile(name="FIFS", steps=steps))
    server.knobs.script("HR", "FIFS", RunScript(ending=Ending(discovery_errors=True)))
    ended = run(server, "HR", "FIFS")

    assert (ended.status, len(ended.steps)) == ("completed-discovery-errors", 1)


def test_administrators_change_profiles_and_the_version_tells(server: MimProvider) -> None:
    before = read_agent(server.export_agent("HR"))
    server.administration.rename_profile("HR", "DI", "Delta")
    server.administration.delete_profile("HR", "FS")
    after = read_agent(server.export_agent("HR"))

    assert names(server, "HR") == ["FI", "Delta", "DS", "EX"]
    assert int(after.version) > int(before.version)
    assert server.begin("HR", "DI") == "no-start-unknown-profile-name"


def test_agents_come_and_go_and_history_stays(server: MimProvider) -> None:
    server.administration.add_agent(MimAgent(name="New"))
    server.begin("New", "DI")
    server.administration.delete_agent("New")

    assert "New" not in {agent.name for agent in server.agents()}
    assert [(row.agent, row.status) for row in server.runs()] == [("New", "stopped-user-termination-from-wmi-or-ui")]
    assert server.details(server.runs()[0].key).startswith("<?xml")
    with pytest.raises(ProviderFault) as fault:
        server.ask("New", "RunStatus")
    assert fault.value.reason is Reason.NOT_FOUND


def test_csexport_may_not_tell_partitions(server: MimProvider) -> None:
    server.knobs.tells_partitions = False
    server.change("HR")
    for profile in ("DI", "DS"):
        run(server, "HR", profile)
    text = b"".join(server.export_pending("AD", PendingSide.EXPORTS))
    read = read_pending(text, EXPORTS, read_agent(server.export_agent("AD")).index)

    assert b"partition-" not in text
    assert set(read.sets) == {NORTH, SOUTH}


def test_the_service_stops_what_runs_and_answers_nobody(server: MimProvider) -> None:
    begun = server.begin("HR", "DI")
    server.stop_service()

    assert server.ask("HR", "RunStatus") == server.begin("HR", "DI") == server.stop("HR") == "connection-failure"
    with pytest.raises(ProviderFault) as fault:
        server.runs()
    assert fault.value.reason is Reason.AWAY
    server.start_service()
    assert [row.status for row in server.runs()] == ["stopped-service-shutdown"]
    assert not isinstance(begun, str)


def test_browsers_may_ask_agents_and_nothing_else(server: MimProvider) -> None:
    server.knobs.rights = Rights.BROWSE

    assert server.ask("HR", "NumCSObjects") == "1200"
    assert server.begin("HR", "DI") == server.clear_runs("2000-01-01") == "access-denied"
    for attempt in (server.runs, lambda: server.export_agent("HR")):
        with pytest.raises(ProviderFault):
            attempt()


def test_history_may_lag_behind(server: MimProvider) -> None:
    assert isinstance(server.clock, FixedClock)
    server.knobs.history_lag_s = 5
    ended = run(server, "HR", "DI")
    early = server.runs()
    server.clock.move(timedelta(seconds=5))
    middle = server.runs()[0]
    server.clock.move(timedelta(seconds=1))

    assert early == ()
    assert (middle.status, middle.ended) == ("in-progress", "")
    assert (server.runs()[0].status, server.runs()[0].ended != "") == (ended.status, True)


def test_a_referee_may_watch(server: MimProvider) -> None:
    server.referee = Referee()
    server.begin("HR", "DS")
    server.begin("AD", f"DS {NORTH}")

    assert (server.referee.starts, server.referee.overlaps) == (2, 1)
    assert "two synchronizations" in server.referee.violations[0]


def test_somebody_else_may_run_an_agent(server: MimProvider) -> None:
    foreign = server.start_foreign("HR", "DI")

    assert "CORP\\administrator" in server.ask("HR", "RunDetails")
    assert not foreign.ours
    with pytest.raises(ProviderFault, match="no-start-ma-already-running"):
        server.start_foreign("HR", "DI")
