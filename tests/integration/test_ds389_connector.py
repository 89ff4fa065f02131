"""The LDAP connector on a real 389 Directory Server: deltas from its change log."""

from collections.abc import Iterator
from random import Random

import pytest

from autosync.directory.client import octets
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename, Write
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.names import name_key
from scripts.services.ds389 import Ds389
from tests.integration.directories import directory_389
from tests.integration.test_ldap_connector import Place
from tests.unit.connectors.systems import Reading

TYPES = {"inetOrgPerson": "person"}


@pytest.fixture
def place(ds389: Ds389) -> Place:
    return Place(ds389, delta="changelog")


def person(dn: str) -> Add:
    return Add(dn=dn, attributes=octets({"objectClass": "inetOrgPerson", "cn": "x", "sn": "x"}))


def unit(dn: str) -> Add:
    return Add(dn=dn, attributes=octets({"objectClass": "organizationalUnit"}))


def change(place: Place, *writes: Write) -> None:
    with place.directory() as directory:
        for write in writes:
            place.do(directory, write)


def titled(dn: str, title: str) -> Modify:
    return Modify(dn=dn, changes=[Modification(ModifyKind.REPLACE, "title", [title.encode()])])


class Copy:
    """What an engine knows after imports: objects by anchor, deletions by anchor or name, in the order in which they came."""

    def __init__(self, reading: Reading) -> None:
        self.names = {anchor: entry.dn for anchor, entry in reading.entries.items()}
        self.token = reading.token

    def take(self, place: Place, **more: object) -> None:
        """Import a delta."""
        reader = place.connector(**more).open_delta("default", self.token)
        with reader:
            for batch in reader:
                for index, anchor in enumerate(batch.anchors):
                    self.names[anchor] = batch.entry(index).dn
                gone = {name_key(name) for name in batch.deleted}
                self.names = {
                    anchor: dn
                    for anchor, dn in self.names.items()
                    if name_key(anchor) not in gone and name_key(dn) not in gone
                }
            assert reader.complete
            self.token = reader.token


def test_adds_changes_renames_and_deletions_come_and_nothing_else(place: Place) -> None:
    names = [f"uid={uid},{place.base}" for uid in ("ada", "bob", "eve", "fay")]
    change(place, *map(person, names))
    full = place.full()
    anchors = place.by_uid(full)
    change(
        place,
        Rename(dn=names[0], new_rdn="uid=ada", new_parent=f"ou=sub,{place.base}"),
        titled(names[1], "x"),
        Delete(dn=names[2]),
        person(f"uid=gus,{place.base}"),
    )

    delta = place.delta(full.token)

    found = place.by_uid(delta)
    assert set(found) == {"ada", "bob", "gus"}
    assert (found["ada"], found["bob"]) == (anchors["ada"], anchors["bob"])
    assert delta.entries[anchors["ada"]].dn == f"uid=ada,ou=sub,{place.base}"
    assert delta.deleted == [names[2]]
    quiet = place.delta(delta.token)
    assert (quiet.entries, quiet.deleted, quiet.complete) == ({}, [], True)


def test_a_successor_of_the_same_name_is_another_object(place: Place) -> None:
    dn = f"uid=ada,{place.base}"
    change(place, person(dn))
    copy = Copy(place.full())
    (before,) = copy.names
    change(place, Delete(dn=dn), person(dn))

    copy.take(place)

    (after,) = copy.names
    assert before != after
    assert copy.names == {after: dn}


def test_what_is_renamed_and_deleted_elsewhere_is_not_ours(place: Place) -> None:
    full = place.full()
    other, others = f"ou=other{place.base[3:].partition(',')[0]},{place.slapd.suffix}", []
    others = [f"uid={uid},{other}" for uid in ("a", "b")]
    change(place, unit(other), *map(person, others))
    change(place, Rename(dn=others[0], new_rdn="uid=c"), Delete(dn=others[1]))

    delta = place.delta(full.token)

    assert (delta.entries, delta.deleted, delta.complete) == ({}, [], True)


def test_what_moves_in_comes_and_what_moves_out_goes_with_all_that_is_below(place: Place) -> None:
    outside = f"ou=out{place.base[3:].partition(',')[0]},{place.slapd.suffix}"
    change(place, unit(outside), unit(f"ou=coming,{outside}"), person(f"uid=a,ou=coming,{outside}"))
    change(place, unit(f"ou=going,{place.base}"), person(f"uid=b,ou=going,{place.base}"))
    copy = Copy(place.full())
    change(
        place,
        Rename(dn=f"ou=coming,{outside}", new_rdn="ou=coming", new_parent=place.base),
        Rename(dn=f"ou=going,{place.base}", new_rdn="ou=going", new_parent=outside),
    )

    copy.take(place)

    assert list(copy.names.values()) == [f"uid=a,ou=coming,{place.base}"]


def test_an_entry_that_is_renamed_twice_or_gone_again_stops_nothing(place: Place) -> None:
    a, b = f"uid=a,{place.base}", f"uid=b,{place.base}"
    change(place, person(a), person(b))
    copy = Copy(place.full())
    change(place, Rename(dn=a, new_rdn="uid=a1"), Rename(dn=f"uid=a1,{place.base}", new_rdn="uid=a2"))
    change(place, Rename(dn=b, new_rdn="uid=b1"), Delete(dn=f"uid=b1,{place.base}"))
    change(place, person(f"uid=c,{place.base}"), Delete(dn=f"uid=c,{place.base}"))

    copy.take(place)

    assert list(copy.names.values()) == [f"uid=a2,{place.base}"]


@pytest.mark.parametrize("anchor", ["entryUUID", "nsUniqueId", "dn", "uid"])
def test_deltas_lead_where_a_full_import_leads(place: Place, anchor: str) -> None:
    """Names are swapped, freed and taken again at random, containers are renamed with what is below."""
    random = Random(anchor)
    world = World(place, random)
    for _ in range(12):
        world.step()
    copy = Copy(place.full(anchor=anchor))
    for _ in range(6):
        for _ in range(random.randint(1, 8)):
            world.step()

        copy.take(place, anchor=anchor)

        assert copy.names == {each: entry.dn for each, entry in place.full(anchor=anchor).entries.items()}


class World:
    """A few people in a few containers, and what may happen to them."""

    def __init__(self, place: Place, random: Random) -> None:
        self._random = random
        self._place = place
        self._units = [place.base, f"ou=sub,{place.base}"]
        self._people: list[str] = []
        self._numbers = iter(range(1000))

    def step(self) -> None:
        """Let something happen."""
        chance = self._random.random()
        if not self._people or chance < 0.3:
            dn = self._free()
            change(self._place, person(dn))
            self._people.append(dn)
        elif chance < 0.45:
            change(self._place, titled(self._random.choice(self._people), str(next(self._numbers))))
        elif chance < 0.65:
            change(self._place, Delete(dn=self._people.pop(self._random.randrange(len(self._people)))))
        elif chance < 0.9:
            old, new = self._people.pop(self._random.randrange(len(self._people))), self._free()
            rdn, _, parent = new.partition(",")
            change(self._place, Rename(dn=old, new_rdn=rdn, new_parent=parent))
            self._people.append(new)
        else:
            self._rename_container()

    def _free(self) -> str:
        """Return a name that nothing has now; few letters, so that names come again. With anchor uid they are unique."""
        uids = {dn.partition(",")[0] for dn in self._people}
        free = [f"uid={letter}" for letter in "abcdefghijklmnop" if f"uid={letter}" not in uids]
        return f"{self._random.choice(free)},{self._random.choice(self._units)}"

    def _rename_container(self) -> None:
        old, new = self._units[1], f"ou=sub{next(self._numbers)},{self._place.base}"
        change(self._place, Rename(dn=old, new_rdn=new.partition(",")[0]))
        self._units[1] = new
        self._people = [dn.replace(f",{old}", f",{new}") for dn in self._people]


def test_a_token_outlives_restarts_and_crashes(own_ds389: Ds389) -> None:
    place = Place(own_ds389, delta="changelog")
    dn = f"uid=ada,{place.base}"
    change(place, person(dn))
    copy = Copy(place.full())
    for crash in (False, True):
        change(place, Rename(dn=dn, new_rdn=f"uid=ada{crash:d}"), person(f"uid=new{crash:d},{place.base}"))
        dn = f"uid=ada{crash:d},{place.base}"
        own_ds389.restart(crash=crash)
        copy.take(place)

    assert set(copy.names.values()) == {dn, f"uid=new0,{place.base}", f"uid=new1,{place.base}"}


@pytest.fixture(scope="module")
def own_ds389() -> Iterator[Ds389]:
    """A server that a test may restart."""
    with directory_389() as company:
        yield company.server


def test_the_log_of_another_server_asks_for_a_full_import(ds389: Ds389, own_ds389: Ds389) -> None:
    suffix = {"base": ds389.suffix, "delta": "changelog"}
    place, other = Place(ds389), Place(own_ds389)
    token = place.full(**suffix).token
    change(other, *(person(f"uid=p{number},{other.base}") for number in range(3)))

    with pytest.raises(ConnectorError, match="another change log") as caught:
        other.delta(token, **suffix)

    assert caught.value.status == "no-start-full-import-required"


@pytest.mark.slow
def test_a_trimmed_log_asks_for_a_full_import_in_place_of_a_wrong_delta() -> None:
    with directory_389(changelog_age="1s") as company, pytest.raises(ConnectorError, match="trimmed") as caught:
        until_trimmed(Place(company.server, delta="changelog"))

    assert caught.value.status == "no-start-full-import-required"


def until_trimmed(place: Place) -> None:
    token = place.full().token
    for number in range(1000):
        change(place, person(f"uid=p{number},{place.base}"))
        place.delta(token)


def test_who_may_not_read_the_log_is_told_and_who_may_reads_it(place: Place) -> None:
    user = f"uid=reader,{place.base}"
    change(place, person(user))
    change(place, Modify(dn=user, changes=[Modification(ModifyKind.REPLACE, "userPassword", [b"hush"])]))

    with pytest.raises(ConnectorError, match="let us read it"):
        place.full(user=user, password="hush")
    for dn in ("cn=changelog", place.base):
        allow = f'(targetattr="*")(version 3.0; acl "autosync"; allow (read, search) userdn="ldap:///{user}";)'
        change(place, Modify(dn=dn, changes=[Modification(ModifyKind.ADD, "aci", [allow.encode()])]))
    allowed = place.full(user=user, password="hush")
    change(place, titled(user, "x"))

    assert [entry.dn for entry in place.delta(allowed.token, user=user, password="hush").entries.values()] == [user]


def test_syncrepl_is_refused_because_it_would_delete_everything(place: Place) -> None:
    with pytest.raises(ConnectorError, match="set delta: changelog") as caught:
        place.full(delta="syncrepl")

    assert caught.value.status == "no-start-bad-ma-configuration"


def test_the_best_way_is_found(place: Place) -> None:
    assert place.connector(delta="auto").describe().delta
    assert place.full(delta="auto").token is not None
    assert place.delta(place.full(delta="auto").token, delta="changelog").complete
