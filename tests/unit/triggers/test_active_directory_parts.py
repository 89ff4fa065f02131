"""What counts as a change in Active Directory, and how far a trigger has read: without a directory."""

import struct
from datetime import timedelta
from pathlib import Path

import pytest

from autosync.adapters.directory_access import Account, Method
from autosync.adapters.triggers.active_directory.metadata import changed_after
from autosync.adapters.triggers.active_directory.options import ActiveDirectoryOptions
from autosync.adapters.triggers.active_directory.places import Controller, ReadTo, place_of, token_of
from autosync.adapters.triggers.active_directory.relevance import Watched, class_filter, counts
from autosync.adapters.triggers.active_directory.watching import ACTIVE_DIRECTORY_KIND
from autosync.directory.filters import ANYTHING, And, Equals, Not, Or
from autosync.directory.searching import Entry
from autosync.directory.servers import Server
from autosync.directory.tls import Protection
from autosync.model.errors import TokenUnknown
from autosync.ports.secrets import SecretKind, SecretReference

BASE = "ou=people,dc=lab,dc=test"
HERE, THERE = f"CN=a,{BASE}", "CN=a,OU=Others,DC=lab,DC=test"
ALL = Watched(base_key=BASE, ignored=frozenset({"lastlogontimestamp"}))
SOME = Watched(base_key=BASE, attributes=frozenset({"mail"}))


def entry(dn: str, **attributes: str) -> Entry:
    return Entry(dn, {name: [value.encode()] for name, value in attributes.items()})


@pytest.mark.parametrize(
    ("dn", "changed", "what", "expected"),
    [
        (HERE, {"mail"}, ALL, True),
        (HERE, {"Member;range=1-1", "objectGUID"}, ALL, True),
        (HERE, {"lastLogonTimestamp", "objectGUID", "instanceType"}, ALL, False),
        (HERE, {"lastLogonTimestamp", "mail"}, ALL, True),
        (HERE, {"objectGUID", "uSNChanged"}, ALL, False),
        (HERE, {"Mail"}, SOME, True),
        (HERE, {"telephoneNumber"}, SOME, False),
        (HERE, {"name"}, SOME, True),
        (HERE, {"0x901f5"}, SOME, True),
        (HERE, None, SOME, True),
        (THERE, {"mail"}, ALL, False),
        (THERE, {"name"}, ALL, True),
        (THERE, {"name", "objectClass", "whenCreated"}, ALL, False),
        (THERE, None, ALL, False),
        (f"<GUID=1>;<SID=2>;{HERE}", {"mail"}, ALL, True),
    ],
)
def test_place_and_attributes_decide(dn: str, changed: set[str] | None, what: Watched, expected: bool) -> None:
    assert counts(entry(dn), changed, what) is expected


@pytest.mark.parametrize(
    ("parent", "expected"),
    [(BASE, True), (f"<GUID=1>;{BASE}", True), ("OU=Others,DC=lab,DC=test", False), (None, True)],
)
def test_a_deleted_object_counts_where_it_last_was(parent: str | None, expected: bool) -> None:
    where = {} if parent is None else {"lastKnownParent": parent}
    gone = entry(r"CN=a\0ADEL:1,CN=Deleted Objects,DC=lab,DC=test", isDeleted="TRUE", **where)

    assert counts(gone, {"isDeleted", "name"}, ALL) is expected


def test_computers_are_users_only_where_they_are_named() -> None:
    assert class_filter([]) == ANYTHING
    assert class_filter(["user"]) == And([Or([Equals("objectClass", "user")]), Not(Equals("objectClass", "computer"))])
    assert class_filter(["Computer"]) == Or([Equals("objectClass", "Computer")])


# Replication metadata


def named(name: str, usn: int) -> bytes:
    return (
        f"<DS_REPL_ATTR_META_DATA><pszAttributeName>{name}</pszAttributeName><dwVersion>2</dwVersion>"
        f"<usnLocalChange>{usn}</usnLocalChange></DS_REPL_ATTR_META_DATA>\n\0"
    ).encode()


def packed(*items: tuple[int, int]) -> bytes:
    """Return metadata as MS-DRSR 5.162 lays it out."""
    head = struct.pack("<IIII", 1, 0, len(items), 0)
    return head + b"".join(struct.pack("<IIQ16sqq", number, 1, 0, b"\1" * 16, 1, usn) for number, usn in items)


def test_named_metadata_tells_what_changed_after_a_number() -> None:
    found = Entry(HERE, {"msDS-ReplAttributeMetaData": [named("mail", 11), named("sn", 10)]})

    assert changed_after(found, 10) == frozenset({"mail"})


def test_packed_metadata_tells_numbers_and_the_names_of_places() -> None:
    found = Entry(HERE, {"replPropertyMetaData": [packed((0x90001, 11), (0x901F5, 12), (0x3, 10))]})

    assert changed_after(found, 10) == frozenset({"name", "0x901f5"})


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"msDS-ReplAttributeMetaData": [b"<not xml"]},
        {"msDS-ReplAttributeMetaData": [b"<a/>"]},
        {"replPropertyMetaData": [b"short"]},
        {"replPropertyMetaData": [struct.pack("<IIII", 1, 0, 2**31, 0)]},
    ],
)
def test_metadata_that_cannot_be_read_tells_nothing(attributes: dict[str, list[bytes]]) -> None:
    assert changed_after(Entry(HERE, attributes), 10) is None


# Places


def test_a_token_keeps_the_place() -> None:
    place = ReadTo(cookie=b"\x00\xffcookie", usns={"ab": 7}, invocations={"CN=NTDS": "ab"})

    assert place_of(token_of(place)) == place


@pytest.mark.parametrize("token", ["", "{}", "[]", '{"cookie": "%", "usns": {}, "invocations": {}}', '{"cookie": 5}'])
def test_a_token_of_another_make_asks_for_a_full_import(token: str) -> None:
    with pytest.raises(TokenUnknown):
        place_of(token)


def test_a_controller_with_another_database_was_restored() -> None:
    place = ReadTo(invocations={"CN=NTDS,CN=DC1": "ab"})

    assert place.was_restored(Controller(settings="CN=NTDS,CN=DC1", invocation="cd"))
    assert not place.was_restored(Controller(settings="CN=NTDS,CN=DC1", invocation="ab"))
    assert not place.was_restored(Controller(settings="CN=NTDS,CN=DC2", invocation="cd"))


# In the configuration


def test_the_options_are_read(tmp_path: Path) -> None:
    data = {
        "domain-controllers": ["dc1.corp.example", "ldap://dc2.corp.example"],
        "start-tls": True,
        "sign-in": {"user": "CORP\\svc", "password": {"env": "AD"}, "method": "ntlm"},
        "ca": "corp.pem",
        "base": "OU=People,DC=corp,DC=example",
        "object-classes": ["user", "group"],
        "every": "5m",
    }
    parsed = ACTIVE_DIRECTORY_KIND.parse(data, tmp_path)
    assert not parsed.mistakes
    options = parsed.options
    assert isinstance(options, ActiveDirectoryOptions)

    assert options.access.servers == (
        Server(host="dc1.corp.example", port=636, protection=Protection.TLS),
        Server(host="dc2.corp.example", port=389, protection=Protection.START_TLS),
    )
    password = SecretReference(kind=SecretKind.ENV, name="AD")
    assert options.access.account == Account(method=Method.NTLM, user="CORP\\svc", password=password)
    assert options.access.ca == tmp_path / "corp.pem"
    assert (options.base, options.object_classes) == (data["base"], ("user", "group"))
    assert options.every == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "domain-controllers is missing"),
        ({"domain-controllers": []}, "empty"),
        ({"domain-controllers": "http://dc1"}, "no address of a directory"),
        ({"domain-controllers": "dc1", "base": "people"}, "no distinguished name"),
        ({"domain-controllers": "dc1", "object-classes": ["us er"]}, "no name of the schema"),
        ({"domain-controllers": "dc1", "attributes": "mail", "ignore-attributes": "info"}, "either attributes"),
        ({"domain-controllers": "dc1", "sign-in": {"user": "x", "method": "simple"}}, "needs user and password"),
        ({"domain-controllers": "dc1", "sign-in": {"user": "x", "password": "hunter2"}}, "a secret stands here itself"),
    ],
)
def test_mistakes_are_told_without_secrets(data: dict[str, object], says: str, tmp_path: Path) -> None:
    mistakes = ACTIVE_DIRECTORY_KIND.parse(data, tmp_path).mistakes

    assert any(says in mistake.message for mistake in mistakes), mistakes
    assert not any("hunter2" in mistake.message for mistake in mistakes)
