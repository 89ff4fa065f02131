"""The Active Directory connector on a real domain controller (Samba)."""

from itertools import count
from pathlib import Path

import msgspec
import pytest

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import octets
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Rename, Write
from autosync.syncengine.connectors.ldap.token import Token
from autosync.syncengine.connectors.port import Attributes, Change, ChangeKind, ChangeOutcome, Connector, ConnectorError
from autosync.syncengine.connectors.registry import make_connector
from scripts.services.samba import Samba
from tests.unit.connectors.systems import Reading

_NUMBERS = count(1)


class Unit:
    """An organizational unit of its own, and a connector for it."""

    def __init__(self, samba: Samba, **settings) -> None:
        self.samba = samba
        self.name = f"unit{next(_NUMBERS)}"
        self.base = f"OU={self.name},{samba.suffix}"
        for dn in (self.base, f"OU=inner,{self.base}", f"OU=other,{self.base}"):
            self.do(Add(dn=dn, attributes=octets({"objectClass": "organizationalUnit"})))
        self.settings = {
            "type": "active-directory",
            "server": samba.tls_url,
            "user": samba.admin,
            "password": samba.password,
            "ca-file": str(samba.certificate),
            "base": self.base,
        } | settings

    def do(self, write: Write) -> None:
        access = Access(
            servers=[parse_server(self.samba.tls_url)],
            who=Simple(self.samba.admin, self.samba.password),
            trust=Trust(ca_file=self.samba.certificate),
        )
        with BlockingDirectory(access) as directory:
            directory.run(lambda client: client.write(write)).require("write")

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

    def user(self, name: str, below: str = "", **more) -> Change:
        attributes: Attributes = {"sAMAccountName": f"{name}-{self.name}", **more}
        return Change(
            kind=ChangeKind.ADD,
            object_type="user",
            anchor=None,
            dn=f"CN={name},{below}{self.base}",
            attributes=attributes,
        )

    def anchors(self, *changes: Change) -> list[str]:
        outcomes = self.write(*changes)
        assert [outcome.message for outcome in outcomes if outcome.error_type] == []
        return [str(outcome.anchor) for outcome in outcomes]


@pytest.fixture
def unit(samba: Samba) -> Unit:
    return Unit(samba)


def change(kind: ChangeKind, anchor: str, dn: str, **attributes) -> Change:
    return Change(kind=kind, object_type="user", anchor=anchor, dn=dn, attributes=attributes)


def test_users_and_groups_are_made_and_read(unit: Unit) -> None:
    ada, bob = unit.anchors(
        unit.user("ada", givenName="Ada", userAccountControl=512, unicodePwd="Secr3t-Passw0rd!"),
        unit.user("bob", userAccountControl=514),
    )
    group = Change(
        kind=ChangeKind.ADD, object_type="group", anchor=None, dn=f"CN=all,{unit.base}",
        attributes={"sAMAccountName": f"all-{unit.name}", "member": [f"CN=ada,{unit.base}"]},
    )  # fmt: skip
    (all_of_us,) = unit.anchors(group)
    more = Change(kind=ChangeKind.UPDATE, object_type="group", anchor=all_of_us, dn=group.dn)
    more.added, more.removed = {"member": [f"CN=bob,{unit.base}"]}, {"member": [f"CN=ada,{unit.base}"]}

    outcomes = unit.write(more) + unit.write(more)

    reading = unit.full()
    assert [outcome.error_type for outcome in outcomes] == [None, None]
    assert reading.complete
    assert {anchor: entry.object_type for anchor, entry in reading.entries.items()} == {
        ada: "user", bob: "user", all_of_us: "group",
    }  # fmt: skip
    assert reading.entries[all_of_us].attributes["member"] == [f"CN=bob,{unit.base}"]
    found = reading.entries[ada].attributes
    assert (found["userAccountControl"], found["givenName"], found["objectGUID"]) == (512, "Ada", ada)
    assert str(found["objectSid"]).startswith("S-1-5-21-")
    assert "whenChanged" not in found


def test_a_password_can_be_used_afterwards_and_is_sent_over_tls_only(unit: Unit) -> None:
    unit.anchors(unit.user("eve", userAccountControl=512, unicodePwd="Secr3t-Passw0rd!"))

    there = unit.connector(user=f"eve-{unit.name}@LAB.TEST", password="Secr3t-Passw0rd!", delta="none").describe()

    assert "user" in there.attributes


def test_an_object_is_renamed_also_where_the_attribute_of_its_name_is_exported(unit: Unit) -> None:
    (ada,) = unit.anchors(unit.user("ada"))
    rename = change(ChangeKind.RENAME, ada, f"CN=Ada L,{unit.base}", cn="Ada L", title="Countess")
    rename.old_dn = f"CN=ada,{unit.base}"
    update = change(ChangeKind.UPDATE, ada, f"CN=Ada L,{unit.base}", cn="Ada L")

    outcomes = unit.write(rename) + unit.write(update)

    assert [outcome.error_type for outcome in outcomes] == [None, None]
    (entry,) = unit.full(delta="none").entries.values()
    assert (entry.dn, entry.attributes["cn"], entry.attributes["title"]) == (
        f"CN=Ada L,{unit.base}",
        "Ada L",
        "Countess",
    )


@pytest.mark.parametrize("kind", ["dir-sync", "usn-changed"])
def test_a_delta_tells_everything_that_happened(unit: Unit, kind: str) -> None:
    names = ("ada", "bob", "eve", "fay", "gus")
    ada, bob, eve, fay, gus = unit.anchors(*(unit.user(name) for name in names[:3]), *(
        unit.user(name, "OU=inner,") for name in names[3:]
    ))  # fmt: skip
    token = unit.full(delta=kind).token
    quiet = unit.delta(token, delta=kind)
    move = change(ChangeKind.RENAME, bob, f"CN=Robert,OU=other,{unit.base}")
    move.old_dn = f"CN=bob,{unit.base}"
    outcomes = unit.write(
        change(ChangeKind.UPDATE, ada, f"CN=ada,{unit.base}", title="Countess"),
        move,
        change(ChangeKind.DELETE, eve, f"CN=eve,{unit.base}"),
    )
    unit.do(Rename(dn=f"OU=inner,{unit.base}", new_rdn="OU=renamed"))
    unit.do(
        Rename(
            dn=f"CN=gus,OU=renamed,{unit.base}",
            new_rdn=f"CN=gus-{unit.name}",
            new_parent=f"CN=Users,{unit.samba.suffix}",
        )
    )
    (new,) = unit.anchors(unit.user("hal"))

    delta = unit.delta(token, delta=kind)

    assert (quiet.entries, quiet.deleted) == ({}, [])
    assert [outcome.error_type for outcome in outcomes] == [None] * 3
    assert {anchor: entry.dn for anchor, entry in delta.entries.items()} == {
        ada: f"CN=ada,{unit.base}",
        bob: f"CN=Robert,OU=other,{unit.base}",
        fay: f"CN=fay,OU=renamed,{unit.base}",
        new: f"CN=hal,{unit.base}",
    }
    assert set(delta.deleted) >= {eve, gus}
    assert set(delta.deleted).isdisjoint({ada, bob, fay, new})
    assert delta.entries[ada].attributes["title"] == "Countess"
    assert unit.delta(delta.token, delta=kind).entries == {}


def test_another_controller_or_a_restored_one_asks_for_a_full_import(unit: Unit) -> None:
    token = msgspec.msgpack.decode(unit.full(delta="usn-changed").token or b"", type=Token)
    for other in ({"server": "CN=NTDS Settings,CN=DC2#00"}, {"number": token.number + 10**6}):
        changed = msgspec.structs.replace(token, **other)
        with pytest.raises(ConnectorError) as caught:
            unit.delta(changed.octets(), delta="usn-changed")
        assert caught.value.status == "no-start-full-import-required"


def test_a_cookie_that_the_controller_does_not_know_asks_for_a_full_import(unit: Unit) -> None:
    token = msgspec.msgpack.decode(unit.full(delta="dir-sync").token or b"", type=Token)
    broken = msgspec.structs.replace(token, cookie=b"rubbish" * 10)

    with pytest.raises(ConnectorError) as caught:
        unit.delta(broken.octets(), delta="dir-sync")

    assert caught.value.status == "no-start-full-import-required"


def test_an_account_that_may_not_read_changes_is_told_what_it_needs(unit: Unit) -> None:
    unit.anchors(unit.user("low", userAccountControl=512, unicodePwd="Secr3t-Passw0rd!"))

    with pytest.raises(ConnectorError, match="Replicating Directory Changes") as caught:
        unit.full(user=f"low-{unit.name}@LAB.TEST", password="Secr3t-Passw0rd!", delta="dir-sync")

    assert caught.value.status == "no-start-permission"
