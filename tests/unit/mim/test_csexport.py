"""Pending changes are counted and fingerprinted per partition, from a stream of any length."""

import random
import re
import tracemalloc
from collections.abc import Iterator

import pytest

from autosync.adapters.engines.mim.reading.csexport import (
    EXPORTS,
    IMPORTS,
    PendingReader,
    partitions_with_changes,
    read_pending,
)
from autosync.adapters.engines.mim.reading.deltas import Fingerprint
from autosync.adapters.engines.mim.reading.ma_export import read_agent
from autosync.model.counts import Counts
from autosync.model.ids import PartitionName
from autosync.untrusted_xml import XmlRefused
from tests.unit.mim.samples import DATA, demo_agent

TEXT = (DATA / "csexport-pending-exports.xml").read_text(encoding="utf-8")
PARTITIONS = demo_agent().index
DEMO, LAB = PartitionName("DC=demo,DC=example"), PartitionName("DC=lab,DC=example")


def pending(text: str, side=EXPORTS):
    return read_pending(text, side, PARTITIONS)


def test_changes_are_counted_in_the_partition_that_id_name_or_dn_tells():
    found = pending(TEXT)

    assert {name: each.counts for name, each in found.sets.items()} == {
        DEMO: Counts(updates=1, deletes=1),
        LAB: Counts(adds=1),
    }
    assert found.sets[DEMO].sample == ("update CN=Ada,DC=demo,DC=example", "delete CN=Bob,DC=demo,DC=example")
    assert (found.unplaced, found.warnings) == ((), ())


def test_the_other_side_has_nothing():
    assert pending(TEXT, IMPORTS).sets == {}


def test_the_fingerprint_does_not_depend_on_the_order():
    objects = re.findall(r"<cs-object .*?</cs-object>", TEXT, re.DOTALL)
    random.Random(1).shuffle(objects)
    ada = ('operation="update" dn="CN=Ada,DC=demo,DC=example"', 'dn="CN=Ada,DC=demo,DC=example"  operation="update"')
    swapped = "".join(objects).replace(*ada)

    assert pending(f"<cs-objects>{swapped}</cs-objects>").sets[DEMO].fingerprint == pending(TEXT).sets[DEMO].fingerprint


@pytest.mark.parametrize(
    ("before", "after"),
    [("Countess", "Duchess"), (">delete<", ">delete-add<"), ('cs-dn="CN=Bob', 'cs-dn="CN=Bert')],
)
def test_another_value_operation_or_object_is_another_set(before, after):
    assert before in TEXT
    changed, was = pending(TEXT.replace(before, after)), pending(TEXT)

    assert changed.sets[DEMO].fingerprint != was.sets[DEMO].fingerprint
    assert changed.sets[LAB].fingerprint == was.sets[LAB].fingerprint


def test_no_value_is_kept():
    assert "Countess" not in repr(pending(TEXT))


def one_object(operation: str, delta: str = "", place: str = "") -> str:
    return (
        f'<cs-objects><cs-object cs-dn="CN=x" id="{{1}}"><unapplied-export>{delta}</unapplied-export>'
        f"<export-delta-operation>{operation}</export-delta-operation>{place}</cs-object></cs-objects>"
    )


HERE = f"<partition-name>{DEMO}</partition-name>"


@pytest.mark.parametrize(
    ("operation", "delta", "counts"),
    [
        ("replace", "", Counts(updates=1)),
        ("obsolete", "", Counts(deletes=1)),
        ("delete-add", "", Counts(delete_adds=1)),
        ("update", '<delta operation="update" newdn="CN=y"/>', Counts(renames=1)),
        ("", '<delta operation="add"/>', Counts(adds=1)),
        ("evaporate", "", Counts(deletes=1)),
    ],
)
def test_operations_are_counted_by_kind(operation, delta, counts):
    found = pending(one_object(operation, delta, HERE))

    assert found.sets[DEMO].counts == counts
    assert bool(found.warnings) is (operation == "evaporate")


def test_an_object_that_cannot_be_placed_is_reported_and_makes_all_partitions_count():
    text = one_object("add")
    found = pending(text)

    assert (found.sets, found.unplaced, found.unplaced_count) == ({}, ("{1}",), 1)
    assert partitions_with_changes(text, EXPORTS, PARTITIONS) == {DEMO, LAB}


def test_with_one_partition_everything_is_in_it():
    only = read_agent(
        "<ma-data><name>HR</name><ma-partition-data><partition><name>default</name><selected>1</selected></partition>"
        "</ma-partition-data></ma-data>"
    ).index

    assert read_pending(one_object("add"), EXPORTS, only).sets[PartitionName("default")].counts == Counts(adds=1)


def test_the_search_for_partitions_stops_when_all_have_been_seen():
    read = []

    def pieces() -> Iterator[str]:
        for piece in re.split(r"(?<=</cs-object>)", TEXT.replace("</cs-objects>", "")):
            read.append(piece)
            yield piece
        raise AssertionError("read too far")

    assert partitions_with_changes(pieces(), EXPORTS, PARTITIONS) == {DEMO, LAB}
    assert len(read) == 3


def test_a_search_knows_that_there_is_something_but_not_how_much():
    reader = PendingReader(EXPORTS, PARTITIONS, stop_when_all_seen=True)
    reader.feed(TEXT)

    assert reader.close().sets[DEMO].counts is None


def many(count: int) -> Iterator[bytes]:
    yield b"<cs-objects>"
    one = (
        '<cs-object cs-dn="CN=u{0},DC=lab,DC=example" id="{{{0}}}"><unapplied-export><delta operation="update">'
        '<attr name="title"><value>v{0}</value></attr></delta></unapplied-export><unapplied-export-hologram><entry>'
        + '<attr name="member"><value>x</value></attr>' * 50
        + "</entry></unapplied-export-hologram></cs-object>"
    )
    for number in range(count):
        yield one.format(number).encode()
    yield b"</cs-objects>"


def test_a_long_stream_needs_little_memory():
    tracemalloc.start()
    found = read_pending(many(400), EXPORTS, PARTITIONS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.sets[LAB].counts == Counts(updates=400)
    assert peak < 512 * 1024


@pytest.mark.parametrize("text", ["", "access denied", "<run-history/>", "<cs-objects><cs-object>"])
def test_a_file_that_is_no_export_or_ends_early_is_refused(text):
    with pytest.raises(XmlRefused):
        pending(text)


def test_an_object_without_a_known_partition_is_named_by_its_dn_where_it_has_no_id():
    one = '<cs-object cs-dn="CN={}"><unapplied-export><delta operation="{}"/></unapplied-export></cs-object>'
    text = f"<cs-objects><other/>{one.format('x', 'none')}{one.format('y', 'add')}</cs-objects>"

    assert pending(text).unplaced == ("CN=y",)


def test_no_change_has_no_fingerprint():
    assert str(Fingerprint()) == ""


def test_a_long_file_may_come_in_any_pieces():
    reader = PendingReader(EXPORTS, PARTITIONS)
    for letter in TEXT:
        reader.feed(letter)

    assert reader.close() == pending(TEXT)
