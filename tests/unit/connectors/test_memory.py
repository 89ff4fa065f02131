"""The system in memory does what real ones do: it generates attributes, forgets its journal, and fails on demand."""

import pytest

from autosync.syncengine.connectors.memory.connector import MemoryConnector
from autosync.syncengine.connectors.memory.settings import Faults, MemorySettings
from autosync.syncengine.connectors.memory.system import StoredObject
from autosync.syncengine.connectors.port import Change, ChangeKind, ConnectorError, EntryError
from autosync.syncengine.connectors.registry import make_connector
from tests.unit.connectors.systems import Reading


def connector(**settings) -> MemoryConnector:
    return MemoryConnector(MemorySettings(**settings))


def adds(count: int) -> list[Change]:
    return [
        Change(kind=ChangeKind.ADD, object_type="person", anchor=str(n), dn=str(n), attributes={"name": "x"})
        for n in range(1, count + 1)
    ]


def full(system: MemoryConnector) -> Reading:
    return Reading(system.open_full("default"))


def test_generated_attributes_and_anchors() -> None:
    system = connector(anchor="objectSid", generated=lambda number, _: {"objectSid": f"S-1-{number}"})
    change = Change(kind=ChangeKind.ADD, object_type="person", anchor=None, dn="cn=Ada", attributes={"name": "Ada"})

    outcomes = [system.open_export("default").write([change])[0] for _ in range(2)]

    assert [outcome.anchor for outcome in outcomes] == ["S-1-1", "S-1-1"]
    assert full(system).objects == {"S-1-1": {"name": "Ada", "objectSid": "S-1-1"}}
    assert full(system).entries["S-1-1"].dn == "cn=Ada"


def test_the_nth_object_fails() -> None:
    system = connector(faults=Faults(fail_nth=frozenset({2})))

    outcomes = system.open_export("default").write(adds(3))

    assert [outcome.error_type for outcome in outcomes] == [None, "cd-error", None]


def test_the_same_seed_fails_the_same_objects() -> None:
    def failed(seed: int) -> list[int]:
        system = connector(faults=Faults(seed=seed, fail_chance=0.3))
        outcomes = system.open_export("default").write(adds(50))
        return [index for index, outcome in enumerate(outcomes) if outcome.error_type]

    assert failed(1) == failed(1)
    assert failed(1) != failed(2)
    assert 5 < len(failed(1)) < 30


def test_a_connection_that_breaks_in_the_middle_leaves_what_was_applied_and_comes_back() -> None:
    system = connector(faults=Faults(disconnect_write_after=2))
    writer = system.open_export("default")

    with pytest.raises(ConnectorError) as caught:
        writer.write(adds(5))
    writer.abandon()
    again = system.open_export("default").write(adds(5))

    assert caught.value.status == "stopped-connectivity"
    assert {outcome.error_type for outcome in again} == {None}
    assert len(full(system).objects) == 5


def test_a_lost_answer_means_that_all_was_applied() -> None:
    system = connector(faults=Faults(lose_answer_of_batch=1))

    with pytest.raises(ConnectorError):
        system.open_export("default").write(adds(3))

    assert len(full(system).objects) == 3


def test_a_reading_that_breaks_is_not_complete() -> None:
    system = connector(faults=Faults(disconnect_read_after=3), batch=2)
    for n in range(5):
        system.system.put(str(n), StoredObject(str(n), "person", {}))
    reader = system.open_full("default")
    seen = []

    with reader, pytest.raises(ConnectorError):
        seen.extend(anchor for batch in reader for anchor in batch.anchors)

    assert seen == ["0", "1", "2"]
    assert not reader.complete


def test_an_unreadable_object_is_its_own_error() -> None:
    system = connector(faults=Faults(unreadable=frozenset({"a"})))
    system.system.put("a", StoredObject("a", "person", {}))

    with system.open_full("default") as reader, pytest.raises(EntryError):
        next(iter(reader)).entry(0)


def test_a_journal_that_forgot_asks_for_a_full_import() -> None:
    system = connector(keep_changes=2)
    token = full(system).token
    writer = system.open_export("default")
    writer.write(adds(5))
    writer.close()

    with pytest.raises(ConnectorError) as caught:
        system.open_delta("default", token)

    assert caught.value.status == "no-start-full-import-required"
    assert Reading(system.open_delta("default", full(system).token)).objects == {}


def test_two_connectors_of_one_name_share_their_objects(tmp_path) -> None:
    one, two = (make_connector({"type": "memory", "name": "shared for this test"}, tmp_path) for _ in range(2))

    one.open_export("default").write(adds(1))

    assert set(Reading(two.open_full("default")).objects) == {"1"}
