"""Engines that are only watched: which of somebody else's runs serves which wish, and what is never done there."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from autosync.core.waiting import explain
from autosync.model.agents import Sighting
from autosync.model.commands import AskScript, StartRun, StopRun, TellScript
from autosync.model.counts import Counts
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, ProfileName, TriggerId
from autosync.model.requests import WaitKind, Wanted
from autosync.model.settings import AgentSettings, EngineSettings, ScriptPolicy
from autosync.model.steps import StepKind
from autosync.model.stimuli import RunAsked, SettingsApplied, Sighted, StopAsked
from tests.unit.core.world import AD, DI, DS, EX, FI, FS, HR, NOON, SIM, World, step

WATCHED = EngineSettings(name=SIM, shadow=True, shadow_patience=timedelta(minutes=10))


def watched(*settings: AgentSettings) -> World:
    world = World(settings=settings, engine=WATCHED).begin()
    world.commands.clear()
    return world


def runs(world: World, of: AgentId, profile: str, *, started: datetime | None = None) -> None:
    """Let somebody else start a run."""
    world.handles += 1
    sighting = Sighting(
        agent=of, handle=str(world.handles), profile=ProfileName(profile), running=True, started=started or world.now
    )
    world.happens(Sighted(sighting=sighting))


def delays(world: World) -> list[object]:
    return [fact.data["delay_s"] for fact in world.said(FactKind.SHADOW_MATCHED)]


def test_a_wish_that_could_start_is_recorded_with_its_causes_and_waits() -> None:
    world = watched()

    world.fire(HR)
    world.tick(5)

    (told,) = world.said(FactKind.WOULD_HAVE_RUN)
    assert told.data["causes"] == ["trigger sim/hr#watch fired"]
    (reason, *_) = explain(world.state, world.now)[world.request(HR, DI).id]
    assert (reason.kind, reason.until) == (WaitKind.SHADOW, NOON + timedelta(minutes=10))
    assert not any(isinstance(each, StartRun) for each in world.commands)
    assert world.running() == []


@pytest.mark.parametrize(("profile", "serves"), [(DI, True), (FI, True), (DS, False), (EX, False)])
def test_a_run_serves_a_wish_when_it_does_all_that_the_wish_would_do(profile: str, serves: bool) -> None:
    world = watched()
    world.fire(HR)

    world.now += timedelta(seconds=90)
    runs(world, HR, profile)

    assert delays(world) == ([90.0] if serves else [])
    assert world.waiting() == ([] if serves else ["sim/hr DI"])


def test_a_delta_synchronization_does_not_serve_a_full_one() -> None:
    settings = AgentSettings(id=HR, full_sync_after_full_import=True)
    world = watched(settings)
    runs(world, HR, FI)
    world.end(HR, "success", step(StepKind.FULL_IMPORT, staged=Counts(adds=1)))

    runs(world, HR, DS)
    assert world.waiting() == ["sim/hr FS"]
    world.end(HR)
    runs(world, HR, FS)

    assert "sim/hr FS" not in world.waiting()


def test_a_run_that_began_before_the_cause_does_not_serve_it() -> None:
    world = watched()
    world.fire(HR, token="5")

    runs(world, HR, DI, started=world.now - timedelta(seconds=1))

    assert delays(world) == []
    assert world.waiting() == ["sim/hr DI"]
    run = world.run(HR)
    assert run is not None
    assert run.tokens == {}


def test_the_run_takes_causes_cascades_and_tokens_over() -> None:
    world = watched()
    world.fire(HR, token="5")
    request = world.request(HR, DI)

    runs(world, HR, DI)

    run = world.run(HR)
    assert run is not None
    assert (run.causes, run.cascades, run.tokens) == (request.causes, request.cascades, {"sim/hr#watch": "5"})
    world.end(HR)
    assert world.state.tokens[TriggerId("sim/hr#watch")].token == "5"
    assert world.said(FactKind.SHADOW_UNASKED) == []


def test_an_export_that_is_faster_than_the_look_at_what_is_pending_was_asked_for() -> None:
    world = watched()
    runs(world, HR, DS)
    world.answers = False
    world.synced(HR, {AD: 1})

    world.now += timedelta(seconds=1)
    runs(world, AD, EX)

    assert len(delays(world)) == 1
    run = world.run(AD)
    assert run is not None
    assert "left changes to export" in run.causes[0].text


@pytest.mark.parametrize(
    ("staged", "changed"), [(Counts(), False), (Counts(adds=1), True), (None, None)], ids=["nothing", "one", "unknown"]
)
def test_a_run_that_nothing_asked_for_says_whether_it_changed_anything(
    staged: Counts | None, changed: bool | None
) -> None:
    world = watched()
    runs(world, HR, DI)

    world.end(HR, "success", step(StepKind.DELTA_IMPORT, staged=staged), after=30)

    (told,) = world.said(FactKind.SHADOW_UNASKED)
    assert (told.data["changed"], told.data["seconds"]) == (changed, 30.0)


def test_a_wish_that_nobody_serves_is_closed_after_a_while_and_keeps_its_token() -> None:
    world = watched()
    world.fire(HR, token="5")

    world.sleep()

    assert world.now == NOON + timedelta(minutes=10)
    assert world.waiting() == []
    assert len(world.said(FactKind.SHADOW_MISSED)) == 1
    assert world.state.agents[HR].row.tokens == {"sim/hr#watch": "5"}


def test_nothing_is_ever_started_or_stopped_there_and_no_script_is_asked() -> None:
    scripted = AgentSettings(id=HR, script=ScriptPolicy(), run_limit=timedelta(minutes=1), stop_long_runs=True)
    world = watched(scripted)
    world.fire(HR)
    runs(world, HR, DI)
    world.tick(120)
    world.imported(HR)
    world.happens(RunAsked(wanted=Wanted(agent=HR, profile=DI), by="anna"))
    world.happens(StopAsked(agent=HR, by="anna"))
    world.tick(60)

    assert not [each for each in world.commands if isinstance(each, StartRun | StopRun | AskScript | TellScript)]
    assert len(world.said(FactKind.RUN_LATE)) == 1
    refused = [fact.text for fact in world.said(FactKind.REFUSED)]
    assert len(refused) == 2
    assert all("only watched" in text for text in refused)


def test_when_the_shadow_is_taken_off_what_waits_runs() -> None:
    world = watched()
    world.fire(HR)
    driven = replace(world.state.settings, engines={SIM: EngineSettings(name=SIM)})

    world.happens(SettingsApplied(settings=driven))

    assert world.running() == ["sim/hr DI"]
