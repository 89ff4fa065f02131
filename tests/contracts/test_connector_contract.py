"""What every connector promises the engine, whatever it connects to (src/autosync/syncengine/connectors/port.py)."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosync.syncengine.connectors.port import ChangeKind, ConnectorError, ReferenceBy
from tests.unit.connectors.systems import SYSTEMS, Reading, System

NASTY = [
    "a,b", "a;b", "a|b", "tab\there", 'say "yes"', '"', '""', "line\nbreak", "carriage\rreturn", "both\r\nends", "\n",
    " leading", "trailing ", "é ✓ 𝄞", "#comment", ":colon", "<url", "back\\slash", "\\", "'", "NULL", "0", "-", "=1+1",
    "\u2028", "\x85", "\x1c", "\x0b", "a: b", "x" * 200, "ä" * 100, "dn: cn=x", "\ufeffbom",
]  # fmt: skip


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return SYSTEMS[request.param](tmp_path)


def grace(system: System):
    return system.add(
        "1", name="Grace", mail=["g@example", "grace@example"], number=7, active=True, photo=b"\0\xff", boss="2"
    )


def test_what_was_written_is_read(system: System) -> None:
    changes = [grace(system), system.add("2", name="Ada", active=False, number=-1)]

    outcomes = system.write(changes)

    reading = system.full()
    assert [outcome.error_type for outcome in outcomes] == [None, None]
    assert [outcome.anchor for outcome in outcomes] == ["1", "2"]
    assert reading.objects == {"1": changes[0].attributes, "2": changes[1].attributes}
    assert reading.complete
    assert reading.errors == []
    assert {entry.object_type for entry in reading.entries.values()} == {"person"}
    assert {entry.dn for entry in reading.entries.values()} == {system.dn("1"), system.dn("2")}
    assert type(reading.objects["1"]["active"]) is bool


def test_nasty_content_comes_back_as_it_is(system: System) -> None:
    changes = [system.add(f"n{index}", note=text, name="x") for index, text in enumerate(NASTY)]

    outcomes = system.write(changes)

    assert [outcome.message for outcome in outcomes if outcome.error_type] == []
    assert system.full().objects == {change.anchor: change.attributes for change in changes}


def test_nasty_anchors_are_found_again(system: System) -> None:
    anchors = [text for text in NASTY if system.holds_any_anchor or text.isalnum()]

    system.write([system.add(anchor, name="before") for anchor in anchors])
    outcomes = system.write([system.update(anchor, name="after") for anchor in anchors])

    assert [outcome.message for outcome in outcomes if outcome.error_type] == []
    assert {anchor: each["name"] for anchor, each in system.full().objects.items()} == dict.fromkeys(anchors, "after")


def test_equal_content_has_equal_digests_and_other_content_others(system: System) -> None:
    system.write([system.add("1", name="a", note="b"), system.add("2", name="ab"), system.add("3", note="ab")])

    before, again = system.full().digests, system.full().digests
    system.write([system.update("1", name="ab", note=[])])
    after = system.full().digests

    assert before == again
    assert before["1"] != after["1"]
    assert {anchor for anchor in after if after[anchor] == before[anchor]} == {"2", "3"}
    assert all(len(digest) == 16 for digest in after.values())


def test_updates_change_only_what_they_name(system: System) -> None:
    system.write([grace(system)])

    system.write([system.update("1", name="Grace Hopper", number=[], mail=["new@example"])])

    wanted = grace(system).attributes | {"name": "Grace Hopper", "mail": ["new@example"]}
    del wanted["number"]
    assert system.full().objects["1"] == wanted


def test_single_values_of_an_attribute_can_be_written(system: System) -> None:
    system.write([grace(system)])
    change = system.update("1")
    change.added, change.removed = {"mail": ["h@example"]}, {"mail": ["g@example"]}

    system.write([change])
    system.write([change])

    assert sorted(system.full().objects["1"]["mail"]) == ["grace@example", "h@example"]


def test_writing_twice_does_no_harm(system: System) -> None:
    changes = [grace(system), system.add("2", name="Ada")]
    system.write(changes)
    once = system.full().objects

    again = system.write(changes)
    system.write([system.update("1", name="G"), system.delete("2")])
    third = system.write([system.update("1", name="G"), system.delete("2")])

    assert [outcome.error_type for outcome in (*again, *third)] == [None] * 4
    assert once == {change.anchor: change.attributes for change in changes}
    assert set(system.full().objects) == {"1"}


def test_an_add_that_is_there_with_other_content_is_refused(system: System) -> None:
    system.write([system.add("1", name="Ada")])

    outcome = system.write([system.add("1", name="Bob")])[0]

    assert outcome.error_type == "cd-existing-object"
    assert system.full().objects["1"]["name"] == "Ada"


def test_outcomes_are_in_order_and_a_bad_object_stops_no_other(system: System) -> None:
    outcomes = system.write(
        [system.add("1", name="a"), system.update("nobody", name="b"), system.add("2", name="c"), system.delete("gone")]
    )

    assert [outcome.error_type for outcome in outcomes] == [None, "cd-missing-object", None, None]
    assert set(system.full().objects) == {"1", "2"}


def test_delete_add_leaves_nothing_of_the_old_object(system: System) -> None:
    system.write([grace(system)])
    change = system.add("1", name="Somebody else")
    change.kind = ChangeKind.DELETE_ADD

    outcome = system.write([change])[0]

    assert outcome.error_type is None
    assert system.full().objects == {"1": {"id": "1", "name": "Somebody else"}}


def test_abandon_leaves_what_close_would_have_made_visible(system: System) -> None:
    system.write([system.add("1", name="Ada")])
    writer = system.connector().open_export("default")
    writer.write([system.add("2", name="Bob"), system.delete("1")])

    writer.abandon()

    assert set(system.full().objects) == ({"1"} if system.atomic else {"2"})
    assert [path.name for path in system.folder.iterdir() if path.suffix == ".tmp"] == []


def test_nothing_is_visible_before_close(system: System) -> None:
    system.write([system.add("1", name="Ada")])
    writer = system.connector().open_export("default")
    writer.write([system.add("2", name="Bob")])
    during = set(system.full().objects)

    writer.close()

    assert during == ({"1"} if system.atomic else {"1", "2"})
    assert set(system.full().objects) == {"1", "2"}


def test_a_delta_is_the_difference_of_two_fulls(system: System) -> None:
    system.write([system.add("1", name="Ada"), system.add("2", name="Bob"), system.add("3", name="Eve")])
    before = system.full()
    system.write([system.update("1", name="Ada L"), system.delete("2"), system.add("4", mail=["x@y"])])
    after = system.full()
    system.publish_changes(before.objects, after.objects)

    delta = Reading(system.connector().open_delta("default", before.token))

    assert delta.complete
    assert delta.objects == {anchor: after.objects[anchor] for anchor in ("1", "4")}
    assert [name in {"2", system.dn("2")} for name in delta.deleted] == [True]
    quiet = Reading(system.connector().open_delta("default", delta.token))
    assert (quiet.objects, quiet.deleted, quiet.complete) == ({}, [], True)


@pytest.mark.parametrize("token", [None, b"", b"rubbish"])
def test_a_delta_without_a_known_token_asks_for_a_full_import(system: System, token: bytes | None) -> None:
    system.write([system.add("1", name="Ada")])

    with pytest.raises(ConnectorError) as caught:
        Reading(system.connector().open_delta("default", token))

    assert caught.value.status == "no-start-full-import-required"


def test_the_description_names_types_and_abilities(system: System) -> None:
    system.write([grace(system)])

    description = system.connector().describe()

    schema = {each.name: each for each in description.attributes["person"]}
    assert {name: schema[name].type.value for name in ("name", "number", "active", "photo", "boss")} == {
        "name": "string", "number": "integer", "active": "boolean", "photo": "binary", "boss": "reference",
    }  # fmt: skip
    assert schema["mail"].multivalued
    assert not schema["name"].multivalued
    assert description.writable
    assert description.delta
    assert description.reference_by in ReferenceBy


def test_a_reading_that_was_left_is_not_complete(system: System) -> None:
    system.write([system.add("1", name="Ada")])

    with system.connector().open_full("default") as reader:
        assert not reader.complete


def test_an_unknown_attribute_is_the_objects_error(system: System) -> None:
    if system.__class__.__name__ in ("LdifSystem", "MemorySystemUnderTest"):
        pytest.skip("has no fixed schema")

    outcomes = system.write([system.add("1", nam="Ada"), system.add("2", name="Bob")])

    assert [outcome.error_type for outcome in outcomes] == ["schema-violation", None]
    assert "did you mean 'name'" in (outcomes[0].message or "")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
PERSON = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "note": TEXT,
        "mail": st.lists(TEXT.filter(lambda text: ";" not in text), min_size=1, max_size=3, unique=True).map(sorted),
        "number": st.integers(-(2**63), 2**63 - 1),
        "active": st.booleans(),
        "photo": st.binary(min_size=1, max_size=20),
        "boss": TEXT,
    },
)
PEOPLE = st.dictionaries(st.integers(1, 30).map(str), PERSON, min_size=1, max_size=8)


@pytest.mark.parametrize("kind", SYSTEMS)
@given(first=PEOPLE, second=PEOPLE)
@settings(max_examples=30, deadline=None)
def test_any_content_survives_and_digests_tell_it_apart(kind: str, first: dict, second: dict) -> None:
    with tempfile.TemporaryDirectory() as folder:
        system = SYSTEMS[kind](Path(folder))
        system.write([system.add(anchor, **each) for anchor, each in first.items()])
        before = system.full()
        gone = [system.delete(anchor) for anchor in first if anchor not in second]
        kept = [
            system.update(anchor, **({name: [] for name in first[anchor]} | each))
            for anchor, each in second.items()
            if anchor in first
        ]
        new = [system.add(anchor, **each) for anchor, each in second.items() if anchor not in first]

        outcomes = system.write([*gone, *kept, *new])

        after = system.full()
        assert [outcome.message for outcome in outcomes if outcome.error_type] == []
        assert before.objects == {anchor: {"id": anchor, **each} for anchor, each in first.items()}
        assert after.objects == {anchor: {"id": anchor, **each} for anchor, each in second.items()}
        for anchor in set(first) & set(second):
            if before.digests[anchor] == after.digests[anchor]:
                assert first[anchor] == second[anchor]
            if first[anchor] != second[anchor]:
                assert before.digests[anchor] != after.digests[anchor]
