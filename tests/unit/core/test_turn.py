"""The working copy of a decision: what it collects, and in which order."""

from autosync.core.state import State
from autosync.core.tables import Table
from autosync.core.turn import Turn
from autosync.model.causes import Cause, CauseKind
from autosync.model.facts import FactKind
from autosync.model.ids import EngineName, RequestId
from autosync.model.requests import Request
from autosync.model.rows import RequestGone
from tests.unit.core.world import DI, HR, NOON

CAUSE = Cause(kind=CauseKind.PERSON, text="please", at=NOON)
FIRST = Request(id=RequestId(1), agent=HR, profile=DI, wished=NOON, causes=(CAUSE,))


def test_the_last_version_of_a_row_stands_where_it_was_last_changed() -> None:
    """A request that was taken away and comes back in one decision must not be gone in the store."""
    turn = Turn(State(), NOON, 0.5)

    turn.put_request(FIRST)
    turn.remove_request(FIRST)
    turn.put_request(FIRST)

    assert turn.decision().rows == (RequestGone(id=FIRST.id), FIRST)


def test_the_waiting_request_is_found_whenever_it_was_put() -> None:
    turn = Turn(State(), NOON, 0.5)
    assert turn.waiting(HR, DI) is None

    turn.put_request(FIRST)
    assert turn.waiting(HR, DI) == FIRST
    turn.remove_request(FIRST)

    assert turn.waiting(HR, DI) is None


def test_a_fact_about_an_agent_is_one_about_its_engine() -> None:
    turn = Turn(State(), NOON, 0.5)

    turn.record(FactKind.AGENT_FOUND, "found", agent=HR)
    turn.record(FactKind.SERVICE_STARTED, "started")

    assert [fact.engine for fact in turn.decision().facts] == [EngineName("sim"), None]


def test_a_table_leaves_its_original_alone() -> None:
    original = {"a": 1}
    table = Table(original)
    assert table.remove("b") is None
    assert table.now is original

    table.put("b", 2)

    assert table.remove("a") == 1
    assert (original, dict(table.now)) == ({"a": 1}, {"b": 2})
