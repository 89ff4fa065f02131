"""The LDAP connector on a real OpenLDAP: names that change, deltas across restarts, many errors and one broken connection."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import pytest

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import octets
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.writes import Add, Rename, Write
from autosync.syncengine.connectors.port import Attributes, Change, ChangeKind, ChangeOutcome, Connector, ConnectorError
from autosync.syncengine.connectors.registry import make_connector
from scripts.services.processes import ServiceMissing
from scripts.services.slapd import Slapd, base_entries, running_slapd
from tests.integration.conftest import absent
from tests.unit.connectors.systems import Reading

_NUMBERS = count(1)


class Place:
    """A container of its own in an OpenLDAP, and a connector for it."""

    def __init__(self, slapd: Slapd, **settings) -> None:
        self.slapd = slapd
        self.base = f"ou=place{next(_NUMBERS)},{slapd.suffix}"
        with self.directory() as directory:
            for name in (self.base, f"ou=sub,{self.base}"):
                add = Add(
                    dn=name, attributes=octets({"objectClass": "organizationalUnit", "ou": name[3:].split(",")[0]})
                )
                self.do(directory, add)
        self.settings = {
            "type": "ldap",
            "server": slapd.url,
            "user": slapd.admin,
            "password": slapd.password,
            "base": self.base,
        } | settings

    @staticmethod
    def do(directory: BlockingDirectory, write: Write) -> None:
        directory.run(lambda client: client.write(write)).require("write")

    def directory(self) -> BlockingDirectory:
        return BlockingDirectory(
            Access(servers=[parse_server(self.slapd.url)], who=Simple(self.slapd.admin, self.slapd.password))
        )

    def connector(self, **more) -> Connector:
        return make_connector(self.settings | more, Path.cwd())

    def full(self, **more) -> Reading:
        return Reading(self.connector(**more).open_full("default"))

    def delta(self, token: bytes | None, **more) -> Reading:
        return Reading(self.connector(**more).open_delta("default", token))

    def write(self, *changes: Change, **more) -> list[ChangeOutcome]:
        writer = self.connector(**more).open_export("default")
        outcomes = list(writer.write(changes))
        writer.close()
        return outcomes

    def add(self, uid: str, below: str = "", **more) -> Change:
        attributes: Attributes = {"uid": uid, "cn": uid, "sn": uid, **more}
        return Change(
            kind=ChangeKind.ADD,
            object_type="person",
            anchor=None,
            dn=f"uid={uid},{below}{self.base}",
            attributes=attributes,
        )

    def by_uid(self, reading: Reading) -> dict[str, str]:
        return {str(entry.attributes["uid"]): anchor for anchor, entry in reading.entries.items()}


@pytest.fixture
def place(slapd: Slapd) -> Place:
    return Place(slapd)


def change(kind: ChangeKind, anchor: str | None, dn: str, **attributes) -> Change:
    return Change(kind=kind, object_type="person", anchor=anchor, dn=dn, attributes=attributes)


def test_the_directory_gives_the_anchor_and_it_outlives_every_name(place: Place) -> None:
    (added,) = place.write(place.add("ada"))
    assert added.error_type is None
    anchor = added.anchor
    move = change(ChangeKind.RENAME, anchor, f"uid=lovelace,ou=sub,{place.base}", title="Countess")
    move.old_dn = f"uid=ada,{place.base}"

    outcomes = place.write(move)
    again = place.write(move)

    (entry,) = place.full().entries.values()
    assert [each.error_type for each in (*outcomes, *again)] == [None, None]
    assert (entry.anchor, entry.dn) == (anchor, f"uid=lovelace,ou=sub,{place.base}")
    assert (entry.attributes["uid"], entry.attributes["title"]) == ("lovelace", "Countess")


def test_an_object_that_somebody_moved_is_found_by_its_anchor(place: Place) -> None:
    (added,) = place.write(place.add("ada"))
    with place.directory() as directory:
        rename = Rename(dn=f"uid=ada,{place.base}", new_rdn="uid=ada", new_parent=f"ou=sub,{place.base}")
        directory.run(lambda client: client.write(rename)).require("rename")

    update = place.write(change(ChangeKind.UPDATE, added.anchor, f"uid=ada,{place.base}", title="x"))
    deleted = place.write(change(ChangeKind.DELETE, added.anchor, f"uid=ada,{place.base}"))

    assert [each.error_type for each in (*update, *deleted)] == [None, None]
    assert place.full().entries == {}


def test_a_name_that_is_taken_by_another_does_not_get_the_others_changes(place: Place) -> None:
    ada, bob = place.write(place.add("ada"), place.add("bob"))
    move = change(ChangeKind.RENAME, ada.anchor, f"uid=bob,{place.base}", title="not for Bob")
    move.old_dn = f"uid=ada,{place.base}"

    (outcome,) = place.write(move)

    assert outcome.error_type == "cd-existing-object"
    assert "title" not in place.full().entries[str(bob.anchor)].attributes


def test_parents_come_before_children_and_children_go_before_parents(place: Place) -> None:
    types = {"inetOrgPerson": "person", "organizationalUnit": "ou"}
    units = [
        Change(kind=ChangeKind.ADD, object_type="ou", anchor=None, dn=f"{rdn},{place.base}", attributes={})
        for rdn in ("ou=b,ou=a", "ou=a", "ou=c,ou=b,ou=a")
    ]
    settings = {"object-types": types}

    added = place.write(*units, place.add("deep", "ou=c,ou=b,ou=a,"), **settings)
    kinds = [
        Change(kind=ChangeKind.DELETE, object_type="ou", anchor=each.anchor, dn=unit.dn)
        for each, unit in zip(added, [*units, place.add("deep", "ou=c,ou=b,ou=a,")], strict=True)
    ]
    deleted = place.write(*kinds, **settings)

    assert [each.error_type for each in (*added, *deleted)] == [None] * 8


def test_errors_have_microsofts_names_and_the_directorys_words(place: Place) -> None:
    ada, *_ = place.write(place.add("ada"))

    outcomes = place.write(
        place.add("nowhere", "ou=missing,"),
        change(ChangeKind.UPDATE, ada.anchor, f"uid=ada,{place.base}", sn=[]),
        change(ChangeKind.UPDATE, ada.anchor, f"uid=ada,{place.base}", uid="eve"),
        change(ChangeKind.UPDATE, ada.anchor, f"uid=ada,{place.base}", manager="no name"),
        change(ChangeKind.UPDATE, ada.anchor, f"uid=ada,{place.base}", titel="x"),
        change(ChangeKind.UPDATE, None, "no name", title="x"),
        place.add("fine"),
        place.add("ada", title="another"),
    )

    assert [each.error_type for each in outcomes] == [
        "cd-missing-object", "schema-violation", "naming-violation", "syntax-violation", "schema-violation",
        "invalid-dn", None, "cd-existing-object",
    ]  # fmt: skip
    assert "(objectClassViolation, 65)" in (outcomes[1].message or "")
    assert "did you mean 'title'" in (outcomes[4].message or "")


def test_the_description_is_the_directorys_schema(place: Place) -> None:
    description = place.connector().describe()

    person = {each.name: each for each in description.attributes["person"]}
    assert {"cn", "sn", "manager", "jpegPhoto", "entryUUID"} <= set(person)
    assert (person["manager"].type, person["jpegPhoto"].type) == ("reference", "binary")
    assert person["sn"].required
    assert not person["entryUUID"].writable
    group = {each.name: each for each in description.attributes["group"]}
    assert (group["member"].type, group["member"].multivalued) == ("reference", True)
    assert description.delta


@pytest.mark.parametrize("kind", ["syncrepl", "access-log"])
def test_a_delta_tells_moves_renames_and_deletions(place: Place, kind: str) -> None:
    anchors = [each.anchor for each in place.write(*(place.add(uid) for uid in ("ada", "bob", "eve", "fay")))]
    token = place.full(delta=kind).token
    move = change(ChangeKind.RENAME, anchors[0], f"uid=ada,ou=sub,{place.base}")
    move.old_dn = f"uid=ada,{place.base}"
    place.write(
        move,
        change(ChangeKind.UPDATE, anchors[1], f"uid=bob,{place.base}", title="x"),
        change(ChangeKind.DELETE, anchors[2], f"uid=eve,{place.base}"),
        place.add("gus"),
        change(ChangeKind.DELETE, None, f"uid=never,{place.base}"),
    )

    delta = place.delta(token, delta=kind)

    assert place.by_uid(delta) == {"ada": anchors[0], "bob": anchors[1], "gus": place.by_uid(delta)["gus"]}
    assert delta.entries[str(anchors[0])].dn == f"uid=ada,ou=sub,{place.base}"
    assert delta.deleted == [anchors[2]]
    quiet = place.delta(delta.token, delta=kind)
    assert (quiet.entries, quiet.deleted, quiet.complete) == ({}, [], True)


def test_renaming_a_container_renames_what_is_below(place: Place) -> None:
    (added,) = place.write(place.add("ada", "ou=sub,"))
    token = place.full(delta="access-log").token
    with place.directory() as directory:
        rename = Rename(dn=f"ou=sub,{place.base}", new_rdn="ou=other")
        directory.run(lambda client: client.write(rename)).require("rename")

    delta = place.delta(token, delta="access-log")

    assert {anchor: entry.dn for anchor, entry in delta.entries.items()} == {
        added.anchor: f"uid=ada,ou=other,{place.base}"
    }


def test_a_token_of_other_settings_or_another_kind_asks_for_a_full_import(place: Place) -> None:
    token = place.full(delta="syncrepl").token
    for more in ({"delta": "access-log"}, {"delta": "syncrepl", "filter": "(sn=x)"}):
        with pytest.raises(ConnectorError) as caught:
            place.delta(token, **more)
        assert caught.value.status == "no-start-full-import-required"


def test_several_bases_are_several_partitions(place: Place) -> None:
    other = f"ou=people,{place.slapd.suffix}"
    place.write(place.add("ada"))

    connector = place.connector(base=[place.base, other])

    assert list(connector.describe().partitions) == [place.base, other]
    assert len(Reading(connector.open_full(place.base)).entries) == 1
    with pytest.raises(ConnectorError, match="there are") as caught:
        connector.open_full("default")
    assert caught.value.status == "no-start-partition-not-found"


def test_what_cannot_be_reached_or_entered_is_told(place: Place) -> None:
    for more, status in (
        ({"server": "ldap://127.0.0.1:1"}, "no-start-connection"),
        ({"password": "wrong-secret"}, "no-start-credentials"),
        ({"base": f"ou=missing,{place.slapd.suffix}", "delta": "none"}, "no-start-partition-not-found"),
        ({"ca-file": "missing.pem", "server": "ldaps://127.0.0.1:1"}, "no-start-bad-ma-configuration"),
    ):
        with pytest.raises(ConnectorError) as caught:
            place.full(**more)
        assert caught.value.status == status
        assert "wrong-secret" not in str(caught.value)


def test_an_entry_with_too_many_values_is_its_own_error(place: Place) -> None:
    place.write(place.add("ada", title=["x", "y"]), place.add("bob"))

    with pytest.raises(Exception, match="put it into multi-valued"):
        place.full()
    assert place.by_uid(place.full(**{"multi-valued": ["title"]})).keys() == {"ada", "bob"}


@pytest.fixture
def own_slapd() -> Iterator[Slapd]:
    """An OpenLDAP that a test may restart; its session log is in memory alone."""
    try:
        with running_slapd() as server:
            yield server
    except ServiceMissing as error:
        absent(error)


def test_deletions_that_a_restarted_directory_has_forgotten_are_noticed(own_slapd: Slapd) -> None:
    place = Place(own_slapd, delta="syncrepl")
    anchors = [each.anchor for each in place.write(*(place.add(uid) for uid in ("ada", "bob", "eve")))]
    token = place.full().token
    place.write(change(ChangeKind.DELETE, anchors[1], f"uid=bob,{place.base}"))
    place.write(place.add("fay"))
    own_slapd.restart()

    delta = place.delta(token)

    assert delta.deleted == [anchors[1]]
    assert set(place.by_uid(delta)) >= {"fay"}
    assert place.delta(delta.token).deleted == []


def test_a_directory_that_dies_in_the_middle_stops_the_run(own_slapd: Slapd) -> None:
    place = Place(own_slapd, delta="none")
    place.write(*(place.add(f"p{number}") for number in range(20)))
    writer = place.connector().open_export("default")
    reader = place.connector(**{"page-size": 5}).open_full("default")
    assert own_slapd.process is not None
    own_slapd.process.kill()

    with pytest.raises(ConnectorError) as writing:
        writer.write([place.add("late")])
    with reader, pytest.raises(ConnectorError) as reading:
        list(reader)
    writer.abandon()

    assert writing.value.status == "stopped-connectivity"
    assert reading.value.status in {"stopped-connectivity", "no-start-connection"}
    assert not reader.complete


def test_a_search_that_a_limit_cuts_short_is_not_the_whole() -> None:
    try:
        limited = running_slapd(extra_lines=('limits dn.exact="uid=reader,ou=people,dc=example,dc=org" size=3',))
        with limited as slapd:
            assert base_entries(slapd.suffix)
            place = Place(slapd, delta="none")
            reader = place.add("reader")
            reader.dn = f"uid=reader,ou=people,{slapd.suffix}"
            reader.attributes["userPassword"] = "hush"
            assert [each.error_type for each in place.write(*(place.add(f"p{n}") for n in range(9)), reader)] == [
                None
            ] * 10

            reading = place.full(user=reader.dn, password="hush", **{"page-size": 0})

            assert len(reading.entries) == 3
            assert not reading.complete
            assert ["sizeLimitExceeded" in error.message for error in reading.errors] == [True]
    except ServiceMissing as error:
        absent(error)


@pytest.fixture(scope="module")
def plain_slapd() -> Iterator[Slapd]:
    """One without an access log, which would bring changes into a row."""
    try:
        with running_slapd() as server:
            yield server
    except ServiceMissing as error:
        absent(error)


@pytest.fixture
def forgetful(plain_slapd: Slapd) -> Place:
    return Place(plain_slapd)


def test_what_the_directory_hides_after_a_burst_of_changes_is_read_all_the_same(forgetful: Place) -> None:
    """OpenLDAP's contextCSN stays behind when changes end in another order than they began: a refresh shows less then."""
    random = Random(3)
    token, known = forgetful.full().token, dict[str, str]()
    for burst in range(25):
        changes = [forgetful.add(f"b{burst}-{number}") for number in range(random.randint(40, 80))]
        changes += [
            change(ChangeKind.UPDATE, anchor, f"uid={uid},{forgetful.base}", title=str(burst))
            for uid, anchor in random.sample(sorted(known.items()), min(len(known), 30))
        ]
        outcomes = forgetful.write(*changes)
        assert not any(each.error_type for each in outcomes)
        known |= {
            str(each.attributes["uid"]): str(outcome.anchor)
            for each, outcome in zip(changes, outcomes, strict=True)
            if each.kind is ChangeKind.ADD
        }
        whole, delta = forgetful.full(), forgetful.delta(token)
        token = delta.token

        assert forgetful.by_uid(whole) == known
        assert not delta.deleted
        assert {each.dn for each in changes} <= {entry.dn for entry in delta.entries.values()}


def test_what_is_only_not_mentioned_is_looked_for_before_it_counts_as_gone(forgetful: Place) -> None:
    """With a cookie from before a restart OpenLDAP has forgotten its deletions, and mentions what is there."""
    forgetful.write(*[forgetful.add(f"p{number}") for number in range(40)])
    full = forgetful.full()
    anchors = forgetful.by_uid(full)
    leaving = [f"p{number}" for number in range(5)]
    forgetful.write(*[change(ChangeKind.DELETE, anchors[uid], f"uid={uid},{forgetful.base}") for uid in leaving])
    staying = sorted(anchors.keys() - set(leaving))
    forgetful.write(
        *[change(ChangeKind.UPDATE, anchors[uid], f"uid={uid},{forgetful.base}", title="new") for uid in staying]
    )
    forgetful.slapd.restart()
    delta = forgetful.delta(full.token)

    assert sorted(delta.deleted) == sorted(anchors[uid] for uid in leaving)
    assert {entry.attributes["uid"] for entry in delta.entries.values()} == set(staying)
