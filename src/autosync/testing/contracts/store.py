"""What every store must do. A test module derives from ``StoreContract`` and says how to make one.

The suite's methods are coroutines without any test framework in them; ``run`` them on a loop of your choice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosync.model.causes import Cascade, Cause, CauseKind
from autosync.model.counts import Counts, RunResult
from autosync.model.errors import IllegalTransition
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.holds import Breach, Hold, HoldKind, HoldState
from autosync.model.ids import (
    AgentId,
    CascadeId,
    HoldId,
    PartitionName,
    ProfileName,
    RequestId,
    RunId,
    TriggerId,
)
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, RequestGone, ScheduleRow, TokenRow
from autosync.model.runs import Outcome, OutcomeKind, Run, RunState
from autosync.ports.store import Commit, FactFilter, NewMessage, RunFilter, Store

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
HR = AgentId("home/hr")
AD = AgentId("home/ad")

CAUSE = Cause(kind=CauseKind.TRIGGER, text="hr.csv changed", at=NOON, trigger=TriggerId("home/hr#file"))


def a_request(number: int, agent: AgentId = HR, profile: str = "delta import") -> Request:
    """Return a waiting request."""
    return Request(
        id=RequestId(number),
        agent=agent,
        profile=ProfileName(profile),
        wished=NOON,
        causes=(CAUSE,),
        cascades=frozenset({CascadeId(1)}),
        tokens={TriggerId("home/hr#file"): "t1"},
    )


def a_run(number: int, agent: AgentId = HR, state: RunState = RunState.RUNNING) -> Run:
    """Return a run; an ended one has an outcome and a result."""
    run = Run(
        id=RunId(number),
        agent=agent,
        profile=ProfileName("delta import"),
        state=state,
        started=NOON + timedelta(seconds=number),
        causes=(CAUSE,),
        cascades=frozenset({CascadeId(1)}),
        request_as_started=a_request(number, agent),
    )
    if state is not RunState.ENDED:
        return run
    return replace(
        run,
        ended=NOON + timedelta(minutes=number),
        outcome=Outcome(kind=OutcomeKind.SUCCESS, status="success"),
        result=RunResult(handle=str(number), status="success"),
    )


def a_hold(number: int, state: HoldState = HoldState.OPEN) -> Hold:
    """Return a hold of HR's exports."""
    return Hold(
        id=HoldId(number),
        kind=HoldKind.EXPORTS,
        agent=HR,
        partition=PartitionName("default"),
        opened=NOON,
        breaches=(Breach(what="deletes", count=212, limit="10"),),
        counts=Counts(deletes=212),
        fingerprint="abc",
        state=state,
    )


def a_fact(text: str, run: int | None = None, severity: Severity = Severity.INFO) -> Fact:
    """Return a fact about HR."""
    return Fact(
        kind=FactKind.RUN_STARTED,
        at=NOON,
        text=text,
        agent=HR,
        run=RunId(run) if run else None,
        severity=severity,
        data={"counts": {"adds": 1}, "names": ["ü", "日本"]},
    )


async def refused(attempt: Awaitable[object]) -> bool:
    """Return whether the attempt raised ``IllegalTransition``."""
    try:
        await attempt
    except IllegalTransition:
        return True
    return False


class StoreContract:
    """The suite. ``make`` returns a store on the same memory each time it is called (a file; for memory, the object)."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self._make = make

    async def _opened(self) -> Store:
        store = self._make()
        await store.open()
        return store

    async def everything_committed_is_there_after_opening_again(self) -> None:
        """Rows, facts and counters survive."""
        rows = (
            a_request(7),
            a_run(3),
            a_run(2, state=RunState.ENDED),
            a_hold(5),
            Cascade(id=CascadeId(1), cause=CAUSE, changed=NOON, opened=NOON),
            AgentRow(id=HR, failures=2, last_import={PartitionName("default"): NOON}),
            ScheduleRow(id=TriggerId("home/hr#nightly"), anchor=NOON),
            TokenRow(trigger=TriggerId("home/hr#file"), token="t0", stored=NOON),
            EstimateRow(agent=HR, profile=ProfileName("delta import"), durations=((1.5, 3),)),
        )
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=rows, facts=(a_fact("started", 3),)))
        await store.close()

        again = await self._opened()
        snapshot = await again.load()

        assert snapshot.requests == (rows[0],)
        assert snapshot.runs == (rows[1],)
        assert snapshot.holds == (rows[3],)
        assert snapshot.cascades == (rows[4],)
        assert (snapshot.agents, snapshot.schedules) == ((rows[5],), (rows[6],))
        assert (snapshot.tokens, snapshot.estimates) == ((rows[7],), (rows[8],))
        assert (snapshot.last_request, snapshot.last_run) == (7, 3)
        assert (snapshot.last_hold, snapshot.last_cascade) == (5, 1)
        assert [stored.fact for stored in await again.facts(FactFilter(after=0))] == [a_fact("started", 3)]
        assert await again.run(RunId(2)) == rows[2]
        await again.close()

    async def putting_rows_twice_changes_nothing(self) -> None:
        """A repeated commit is harmless, facts aside."""
        store = await self._opened()
        commit = Commit(at=NOON, rows=(a_request(1), a_run(1), a_hold(1), AgentRow(id=HR)))
        await store.commit(commit)
        before = await store.load()

        await store.commit(commit)

        assert await store.load() == before
        await store.close()

    async def a_started_request_waits_no_longer_but_is_still_known(self) -> None:
        """RequestGone frees the place for the next equal wish, in the same commit and in any order."""
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=(a_request(1),)))

        await store.commit(Commit(at=NOON, rows=(a_request(2), RequestGone(id=RequestId(1)))))

        assert [request.id for request in (await store.load()).requests] == [2]
        assert await store.request(RequestId(1)) == a_request(1)
        await store.close()

    async def a_request_that_is_merged_and_started_in_one_commit_waits_no_longer(self) -> None:
        """The order inside a commit counts for one and the same request."""
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=(a_request(1), RequestGone(id=RequestId(1)), a_run(1))))

        snapshot = await store.load()

        assert snapshot.requests == ()
        assert [run.id for run in snapshot.runs] == [1]
        await store.close()

    async def two_runs_of_an_agent_are_refused_whole(self) -> None:
        """The second running run raises, and nothing of its commit stays."""
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=(a_run(1),)))
        before = await store.load()

        assert await refused(store.commit(Commit(at=NOON, rows=(a_request(9), a_run(2)), facts=(a_fact("no"),))))

        assert await store.load() == before
        assert await store.facts(FactFilter(after=0)) == []
        await store.close()

    async def a_run_may_start_in_the_commit_that_ends_the_one_before(self) -> None:
        """Whatever the order of the rows."""
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=(a_run(1),)))

        await store.commit(Commit(at=NOON, rows=(a_run(2), a_run(1, state=RunState.ENDED))))

        assert [run.id for run in (await store.load()).runs] == [2]
        await store.close()

    async def two_equal_wishes_are_refused(self) -> None:
        """At most one waiting request for an agent and profile."""
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=(a_request(1),)))

        assert await refused(store.commit(Commit(at=NOON, rows=(a_request(2),))))
        await store.commit(Commit(at=NOON, rows=(a_request(3, profile="export"), a_request(4, agent=AD))))
        await store.close()

    async def two_open_holds_for_the_same_are_refused(self) -> None:
        """And a settled one makes room."""
        store = await self._opened()
        await store.commit(Commit(at=NOON, rows=(a_hold(1),)))

        assert await refused(store.commit(Commit(at=NOON, rows=(a_hold(2),))))
        await store.commit(Commit(at=NOON, rows=(a_hold(2), a_hold(1, HoldState.SETTLED))))
        assert [hold.id for hold in await store.holds()] == [2]
        assert [hold.id for hold in await store.holds(only_open=False)] == [2, 1]
        await store.close()

    async def facts_are_numbered_in_order_and_found_by_what_they_tell_of(self) -> None:
        """Filters combine; ``after`` continues; without it the newest come."""
        store = await self._opened()
        facts = tuple(
            a_fact(str(n), run=n % 2 + 1, severity=Severity.ERROR if n == 4 else Severity.INFO) for n in range(6)
        )
        stored = await store.commit(Commit(at=NOON, facts=facts))
        numbers = [fact.number for fact in stored]

        assert numbers == sorted(set(numbers))
        assert [s.fact.text for s in await store.facts(FactFilter(limit=2))] == ["4", "5"]
        assert [s.fact.text for s in await store.facts(FactFilter(after=numbers[1], limit=2))] == ["2", "3"]
        assert [s.fact.text for s in await store.facts(FactFilter(run=RunId(2)))] == ["1", "3", "5"]
        only_errors = FactFilter(severities=frozenset({Severity.ERROR}), run=RunId(1))
        assert [s.fact.text for s in await store.facts(only_errors)] == ["4"]
        assert await store.facts(FactFilter(kinds=frozenset({FactKind.RUN_ENDED}))) == []
        await store.close()

    async def runs_are_listed_newest_first_and_continued(self) -> None:
        """By agent, outcome, cascade and time."""
        store = await self._opened()
        ended = tuple(a_run(n, agent=HR if n % 2 else AD, state=RunState.ENDED) for n in range(1, 7))
        await store.commit(Commit(at=NOON, rows=ended))

        assert [run.id for run in await store.runs(RunFilter(limit=2))] == [6, 5]
        assert [run.id for run in await store.runs(RunFilter(before=RunId(5), limit=2))] == [4, 3]
        assert [run.id for run in await store.runs(RunFilter(agent=HR))] == [5, 3, 1]
        assert [run.id for run in await store.runs(RunFilter(cascade=CascadeId(1), limit=1))] == [6]
        assert await store.runs(RunFilter(cascade=CascadeId(2))) == []
        assert await store.runs(RunFilter(outcomes=frozenset({OutcomeKind.FAILED}))) == []
        since = RunFilter(since=NOON + timedelta(seconds=5))
        assert [run.id for run in await store.runs(since)] == [6, 5]
        await store.close()

    async def messages_are_delivered_at_least_once(self) -> None:
        """Until somebody says that they were."""
        store = await self._opened()
        later = NOON + timedelta(minutes=1)
        await store.commit(Commit(at=NOON, messages=(NewMessage(channel="log", body={"text": "hold H-1"}),)))
        (message,) = await store.due_messages(NOON)

        await store.message_failed(message.number, later, "refused")

        assert await store.due_messages(NOON) == []
        (again,) = await store.due_messages(later)
        assert (again.attempts, again.body) == (1, {"text": "hold H-1"})
        await store.message_sent(again.number)
        assert await store.due_messages(later) == []
        await store.close()

    async def revisions_grow_only_with_the_text(self) -> None:
        """The text that is in force keeps its number; an older one that comes back gets a new one."""
        store = await self._opened()
        first = await store.add_revision("a: 1", NOON, "someone", "CHG1")

        assert (await store.add_revision("a: 1", NOON, "other")).number == first.number
        assert (await store.add_revision("a: 2", NOON, "someone")).number == first.number + 1
        assert (await store.add_revision("a: 1", NOON, "someone")).number == first.number + 2
        assert [revision.text for revision in await store.revisions()] == ["a: 1", "a: 2", "a: 1"]
        await store.close()

    async def pruning_takes_only_what_is_over_and_ids_never_come_back(self) -> None:
        """What waits, runs, is held or unquiet stays, however old."""
        store = await self._opened()
        quiet = Cascade(id=CascadeId(2), cause=CAUSE, changed=NOON, opened=NOON, quiet=NOON)
        loud = Cascade(id=CascadeId(1), cause=CAUSE, changed=NOON, opened=NOON)
        rows = (a_request(1), a_request(2, AD), RequestGone(id=RequestId(2)), a_run(1), quiet, loud, a_hold(1))
        ended = a_run(9, agent=AD, state=RunState.ENDED)
        await store.commit(Commit(at=NOON, rows=(*rows, ended), facts=(a_fact("old"),)))
        before = await store.load()

        pruned = await store.prune(NOON + timedelta(days=1))

        assert (pruned.facts, pruned.runs, pruned.others) == (1, 1, 2)
        assert await store.run(RunId(9)) is None
        assert await store.load() == before
        stored = await store.commit(Commit(at=NOON, facts=(a_fact("new"),)))
        assert stored[0].number > 1
        await store.close()


CASES = tuple(name for name, method in vars(StoreContract).items() if callable(method) and not name.startswith("_"))
