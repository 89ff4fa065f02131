import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from autosync.core.state import EngineState
from autosync.model.errors import NotFound, Refused
from autosync.model.holds import HoldState
from autosync.model.ids import AgentId, HoldId, ProfileName, RequestId, RunId, TriggerId
from autosync.model.rows import AgentRow, Setback
from autosync.model.runs import OutcomeKind
from autosync.model.stimuli import AgentSwitched, HoldDecided, RequestDropAsked, RunAsked, StopAsked
from autosync.ports.store import RunFilter
from autosync.service import showing
from autosync.service.naming import find_agent, find_hold, find_request
from autosync.service.service import Service
from autosync.service.showing import fingerprint
from autosync.service.wishes import HoldChanged, RunWish, Verdict
from tests.unit.web.building import AD, HR, MIM, NOW, PORTAL, SAP, World, build_world, exports_pending

SEEN = fingerprint("set-of-212")


def ask(question: Callable[[World], Coroutine[Any, Any, Any]], **world: Any) -> Any:
    async def asked() -> Any:
        return await question(await build_world(**world))

    return asyncio.run(asked())


def service(question: Callable[[Service], Coroutine[Any, Any, Any]]) -> Any:
    return ask(lambda world: question(world.service))


@pytest.mark.parametrize("written", ["mim/HR", "hr", "MIM/hr", "HR"])
def test_an_agent_is_found_by_any_writing_that_fits_one(written: str) -> None:
    assert find_agent(written, [HR, AD]) == HR


def test_the_beginning_of_a_name_is_enough_where_it_is_unique() -> None:
    assert find_agent("corp", [HR, AD]) == AD


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Corp Ad1", 'did you mean "mim/Corp AD"'),
        ("xyz", 'there are "mim/Corp AD"'),
        ("", 'no agent ""'),
    ],
)
def test_an_unknown_agent_is_told_with_the_nearest(written: str, told: str) -> None:
    with pytest.raises(NotFound, match=told):
        find_agent(written, [HR, AD])


def test_a_name_that_two_engines_have_is_ambiguous() -> None:
    with pytest.raises(NotFound, match='could be "a/HR" or "b/HR"'):
        find_agent("hr", [AgentId("a/HR"), AgentId("b/HR")])


@pytest.mark.parametrize("written", ["H-7", "h7", "7", "h-7"])
def test_a_hold_is_found_by_its_number(written: str) -> None:
    assert find_hold(written) == 7


def test_other_words_are_no_hold_and_no_request() -> None:
    with pytest.raises(NotFound, match="H-7"):
        find_hold("seven")
    assert find_request("4711") is None
    assert find_request("R-12") == 12


def test_status_answers_what_runs_what_waits_and_what_needs_a_person() -> None:
    status = service(Service.status)

    (engine,) = status.engines
    states = {agent.name: agent.state for agent in engine.agents}
    assert states == {"HR": "running", "Corp AD": "waiting", "MIM Service": "held", "SAP": "stopped"}
    assert (engine.running, engine.waiting, engine.place) == (1, 2, "sync01.corp.example")
    assert engine.quiet_since is None
    assert [hold.id for hold in status.holds] == ["H-7"]
    hr = next(agent for agent in engine.agents if agent.name == "HR")
    assert (hr.now.kind, hr.now.seconds, hr.now.expected_s) == ("delta-sync", 12.0, 30.0)
    assert [trigger.state for trigger in hr.triggers] == ["scheduled", "live"]
    assert hr.last.run == 4710


def test_an_engine_that_does_not_answer_makes_its_idle_agents_disconnected() -> None:
    async def question(world: World) -> Any:
        world.writer.state = replace(
            world.writer.state, engines={MIM: EngineState(connected=False, error="timed out")}, requests={}, runs={}
        )
        return await world.service.status()

    (engine,) = ask(question).engines
    assert {agent.name: (agent.state, agent.text) for agent in engine.agents}["HR"] == ("disconnected", "timed out")
    assert engine.quiet_since is not None


def test_an_agent_that_failed_often_rests() -> None:
    async def question(world: World) -> Any:
        known = world.writer.state.agents[HR]
        row = AgentRow(id=HR, failures=5, breaker_until=world.clock.now() + timedelta(minutes=5))
        agents = {**world.writer.state.agents, HR: replace(known, row=row)}
        world.writer.state = replace(world.writer.state, agents=agents, runs={})
        return await world.service.agent("HR")

    agent = ask(question)
    assert (agent.state, agent.text) == ("resting", "5 failures in a row")


def test_the_newest_run_of_a_quiet_agent_is_asked_for_once() -> None:
    async def question(world: World) -> Any:
        first = await world.service.agent("SAP")
        calls: list[RunFilter] = []
        runs = world.store.runs

        async def counted(wanted: RunFilter) -> Any:
            calls.append(wanted)
            return await runs(wanted)

        world.store.runs = counted  # type: ignore[method-assign]
        await world.service.agent("SAP")
        return first, calls

    first, calls = ask(question)
    assert first.last is None
    assert [call.agent for call in calls] == [None]


def test_why_goes_back_to_what_happened_outside_and_on_to_what_followed() -> None:
    why = service(lambda one: one.why("4711"))

    assert [link.text for link in why.because] == [
        "mim/HR delta sync left 3 pending exports here",
        "mim/HR delta import staged 14 changes",
        "trigger sql on mim/HR fired (version 88123 → 88137)",
    ]
    assert [link.run for link in why.because] == [4710, 4708, None]
    assert [link.depth for link in why.because] == [1, 2, 3]
    assert why.waited_s == 45.0
    assert [(share.seconds, share.text) for share in why.waited] == [
        (31.0, "the sync of HR (runs alone)"),
        (14.0, "the export of SAP (lock-with)"),
    ]
    assert [link.text for link in why.then] == ["delta import (confirming) → confirmed"]
    assert [(one.id, one.latency_s) for one in why.cascades] == [(1290, 64.0)]


def test_the_last_run_is_the_newest_that_ended() -> None:
    assert service(lambda one: one.why("last")).subject == "run 4712"


def test_what_waits_because_of_a_run_is_among_what_followed() -> None:
    then = [link.text for link in service(lambda one: one.why("4710")).then]

    assert "mim/Corp AD EX waits: the sync of HR runs alone" in then
    assert "mim/Corp AD export → 3 updates" in then


def test_a_chain_that_goes_round_ends() -> None:
    async def question(world: World) -> Any:
        run = await world.store.run(RunId(4708))
        assert run is not None
        cause = replace(run.causes[0], run=RunId(4711))
        world.writer.state = replace(
            world.writer.state, runs={run.id: replace(run, causes=(replace(cause, run=RunId(4711)),))}
        )
        return await world.service.why("4711")

    assert len(ask(question).because) < 10


def test_why_tells_why_a_request_waits() -> None:
    why = service(lambda one: one.why("R-13"))

    assert [wait.text for wait in why.waits] == ["the sync of HR runs alone"]
    assert why.because[0].run == 4710
    assert why.waited_s == 50.0


def test_why_tells_what_a_hold_keeps_back() -> None:
    why = service(lambda one: one.why("H-7"))

    assert why.because[0].text == "deletes: 212, limit 10"
    assert [wait.text for wait in why.waits] == ["mim/MIM Service EX (R-14)"]
    assert [told.text for told in why.then] == ["212 deletes, limit 10"]


def test_why_tells_why_an_agent_does_not_run() -> None:
    assert service(lambda one: one.why("SAP")).text == "stopped by ada: moving"
    assert service(lambda one: one.why("Corp AD")).waits[0].text == "EX: the sync of HR runs alone"


@pytest.mark.parametrize("subject", ["9999", "R-99", "H-99", "nobody"])
def test_why_of_what_does_not_exist_is_not_found(subject: str) -> None:
    with pytest.raises(NotFound):
        service(lambda one: one.why(subject))


@pytest.mark.parametrize(
    ("what", "profile", "slot"),
    [
        ("DI", "DI", None),
        ("di", "DI", None),
        ("full-import", None, "full-import"),
        ("Full Import", None, "full-import"),
    ],
)
def test_a_run_is_wished_by_profile_or_by_what_it_is_for(what: str, profile: str | None, slot: str | None) -> None:
    async def question(world: World) -> Any:
        await world.service.wishes.ask_run(RunWish(agent="hr", what=what, front=True), "grace", "CHG1")
        return world.writer.given

    (asked,) = ask(question)
    assert isinstance(asked, RunAsked)
    assert (asked.wanted.agent, asked.wanted.profile, asked.wanted.slot) == (HR, profile, slot)
    assert (asked.wanted.front, asked.by, asked.reason) == (True, "grace", "CHG1")


def test_an_unknown_profile_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean full-import"):
        service(lambda one: one.wishes.ask_run(RunWish(agent="hr", what="ful-import"), "grace"))


def test_what_the_core_refuses_is_refused_with_its_words() -> None:
    async def question(world: World) -> Any:
        world.writer.refuses = "nothing runs during the freeze"
        await world.service.wishes.ask_run(RunWish(agent="hr", what="DI"), "grace")

    with pytest.raises(Refused, match="freeze"):
        ask(question)


@pytest.mark.parametrize("written", ["4713", "HR"])
def test_a_run_is_stopped_by_number_or_by_agent(written: str) -> None:
    async def question(world: World) -> Any:
        await world.service.wishes.stop_run(written, "grace")
        return world.writer.given

    assert ask(question) == [StopAsked(agent=HR, by="grace")]


@pytest.mark.parametrize("written", ["4711", "SAP"])
def test_what_does_not_run_cannot_be_stopped(written: str) -> None:
    with pytest.raises(Refused):
        service(lambda one: one.wishes.stop_run(written, "grace"))


def test_a_request_is_dropped_by_its_number_alone() -> None:
    async def question(world: World) -> Any:
        await world.service.wishes.drop_request(RequestId(13), "grace")
        return world.writer.given

    (asked,) = ask(question)
    assert isinstance(asked, RequestDropAsked)
    assert (asked.agent, asked.profile) == (AD, "EX")
    with pytest.raises(NotFound):
        service(lambda one: one.wishes.drop_request(RequestId(99), "grace"))


def test_all_agents_are_switched_one_by_one() -> None:
    async def question(world: World) -> Any:
        done = await world.service.wishes.switch_agent(None, "grace", started=False)
        return world.writer.given, done

    given, done = ask(question)
    assert given == [AgentSwitched(agent=agent, started=False, by="grace") for agent in sorted([HR, AD, PORTAL, SAP])]
    assert len(done.events) == 4


def test_a_decision_about_what_was_seen_is_passed_on_with_its_identity() -> None:
    async def question(world: World) -> Any:
        await world.service.wishes.decide_hold(
            Verdict(hold="H-7", decision="approve", fingerprint=SEEN), "grace", "CHG0042"
        )
        return world.writer.given

    (asked,) = ask(question)
    assert isinstance(asked, HoldDecided)
    assert (asked.hold, asked.fingerprint, asked.reason) == (7, "set-of-212", "CHG0042")


def test_a_set_that_has_grown_is_not_approved_unseen() -> None:
    async def question(world: World) -> Any:
        verdict = Verdict(hold="H-7", decision="approve", fingerprint=SEEN, seen={"deletes": 212})
        with pytest.raises(HoldChanged) as told:
            await world.service.wishes.decide_hold(verdict, "grace")
        return str(told.value), world.writer.given

    told, given = ask(question, portal=exports_pending("set-of-340", 340))
    assert told == "the pending set has grown since you looked (212 → 340 deletes). Look again: autosync hold show H-7"
    assert given == []


def test_a_hold_shows_the_set_as_it_is_now() -> None:
    hold = ask(lambda world: world.service.hold("H-7"), portal=exports_pending("set-of-340", 340))

    assert hold.counts.deletes == 340
    assert hold.fingerprint == fingerprint("set-of-340")


@pytest.mark.parametrize(
    ("verdict", "error"),
    [
        (Verdict(hold="H-7", decision="lift", fingerprint=SEEN), Refused),
        (Verdict(hold="H-7", decision="burn", fingerprint=SEEN), Refused),
        (Verdict(hold="H-7", decision="approve", fingerprint=""), HoldChanged),
        (Verdict(hold="H-9", decision="approve", fingerprint=SEEN), NotFound),
    ],
)
def test_a_decision_must_fit_the_hold(verdict: Verdict, error: type[Exception]) -> None:
    with pytest.raises(error):
        service(lambda one: one.wishes.decide_hold(verdict, "grace"))


def test_a_request_tells_which_run_it_became() -> None:
    request = service(lambda one: one.request(RequestId(5711)))

    assert (request.state, request.run, request.outcome) == ("started", 4711, "success")


def test_waiting_for_a_request_ends_when_its_run_does() -> None:
    async def question(world: World) -> Any:
        return await world.service.request(RequestId(5711), timedelta(hours=1))

    assert ask(question).outcome == "success"


def test_triggers_and_schedules_are_one_list() -> None:
    async def question(world: World) -> Any:
        return world.service.triggers()

    assert [(one.id, one.state) for one in ask(question)] == [
        (TriggerId("mim/Corp AD#ad"), "failed"),
        (TriggerId("mim/HR#nightly"), "scheduled"),
        (TriggerId("mim/HR#sql"), "live"),
    ]


def test_a_service_without_a_file_has_nothing_to_apply_to() -> None:
    async def question(world: World) -> Any:
        sources = replace(world.service._sources, configurations=None)
        await Service(sources).configuring.plan("x")

    with pytest.raises(Refused, match="without a configuration"):
        ask(question)


def test_looking_at_an_agent_asks_the_engine_what_is_pending() -> None:
    async def question(world: World) -> Any:
        world.writer.counts = replace(exports_pending("set-of-3", 3), agent=SAP)
        return await world.service.agent("SAP")

    agent = ask(question)

    assert (agent.pending_imports, agent.pending_exports) == (0, 3)


def test_an_engine_that_does_not_say_what_is_pending_keeps_nobody_waiting() -> None:
    async def question(world: World) -> Any:
        before = world.clock.elapsed()
        return await world.service.agent("SAP"), world.clock.elapsed() - before

    agent, took = ask(question)

    assert agent.pending_exports is None
    assert 2 <= took < 3


def test_what_runs_now_is_not_asked_what_is_pending() -> None:
    async def question(world: World) -> Any:
        await world.service.agent("HR")
        return world.writer.given

    assert ask(question) == []


def test_what_failed_and_was_not_made_good_is_shown_newest_first() -> None:
    async def question(world: World) -> Any:
        known = world.writer.state.agents[SAP]
        broken = Setback(
            run=RunId(7), at=NOW, outcome=OutcomeKind.FAILED, status="stopped-ma", message="disk full", count=3
        )
        older = Setback(
            run=RunId(5), at=NOW - timedelta(hours=1), outcome=OutcomeKind.OBJECT_ERRORS, status="x", errors=1
        )
        gone = replace(older, run=RunId(4))
        names = {ProfileName("DI"): older, ProfileName("EX"): broken, ProfileName("no more"): gone}
        row = AgentRow(id=SAP, setbacks=names)
        agents = {**world.writer.state.agents, SAP: replace(known, row=row)}
        world.writer.state = replace(world.writer.state, agents=agents)
        return await world.service.status()

    shown = next(agent for engine in ask(question).engines for agent in engine.agents if agent.id == SAP).setbacks

    assert [(one.run, one.text) for one in shown] == [
        (7, "export: failed, 3 times in a row [stopped-ma]: disk full"),
        (5, "1 object failed in delta import [x]"),
    ]


@pytest.mark.parametrize(
    ("state", "decided_by", "used_by", "story"),
    [
        (HoldState.OPEN, None, None, "open"),
        (HoldState.APPROVED, "anna", None, "approved by anna"),
        (HoldState.APPROVED, "anna", 12, "approved by anna, used by run 12"),
        (HoldState.SETTLED, "anna", 12, "approved by anna, used by run 12"),
        (HoldState.SETTLED, "anna", None, "approved by anna, then not needed"),
        (HoldState.SETTLED, None, None, "settled by itself"),
        (HoldState.REJECTED, "anna", None, "rejected by anna"),
        (HoldState.LIFTED, "anna", None, "lifted by anna"),
    ],
)
def test_a_hold_tells_who_decided_and_which_run_used_it(
    state: HoldState, decided_by: str | None, used_by: int | None, story: str
) -> None:
    used = None if used_by is None else RunId(used_by)

    async def question(world: World) -> Any:
        hold = replace(world.writer.state.holds[HoldId(7)], state=state, decided_by=decided_by, used_by=used)
        return showing.hold(world.service.scene(), hold)

    assert ask(question).story == story
