"""The connector contract on a real OpenLDAP, with each way to learn what changed."""

from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import octets
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.writes import Add
from autosync.syncengine.connectors.port import Connector
from autosync.syncengine.connectors.registry import make_connector
from scripts.services.slapd import Slapd
from tests.contracts import test_connector_contract as contract
from tests.unit.connectors.systems import TYPES, Reading, System

_NUMBERS = count(1)


class LdapSystem(System):
    """A folder of its own in a shared OpenLDAP."""

    atomic = False
    holds_any_anchor = False

    def __init__(self, folder: Path, slapd: Slapd, **settings) -> None:
        super().__init__(folder)
        self.base = f"id=folder{next(_NUMBERS)},{slapd.suffix}"
        access = Access(servers=[parse_server(slapd.url)], who=Simple(slapd.admin, slapd.password))
        with BlockingDirectory(access) as directory:
            add = Add(
                dn=self.base, attributes=octets({"objectClass": ["testFolder"], "id": self.base[3:].split(",")[0]})
            )
            directory.run(lambda client: client.write(add)).require("add")
        self.settings = {
            "type": "ldap",
            "server": slapd.url,
            "user": slapd.admin,
            "password": slapd.password,
            "base": self.base,
            "anchor": "id",
            "object-types": {"testPerson": "person"},
            "types": TYPES | {"note": "string", "name": "string", "mail": "string"},
            "multi-valued": ["mail"],
            "delta": "access-log",
        } | settings

    def connector(self) -> Connector:
        return make_connector(self.settings, self.folder)

    def dn(self, anchor: str) -> str:
        return f"id={anchor},{self.base}"


@pytest.fixture
def system(tmp_path: Path, people_slapd: Slapd) -> System:
    return LdapSystem(tmp_path, people_slapd)


@pytest.mark.parametrize("anchor", ["id", "dn", "entryUUID"])
def test_a_delta_by_syncrepl_is_the_difference_of_two_fulls(tmp_path: Path, people_slapd: Slapd, anchor: str) -> None:
    system = LdapSystem(tmp_path, people_slapd, delta="syncrepl", anchor=anchor)
    if anchor == "id":
        contract.test_a_delta_is_the_difference_of_two_fulls(system)
        return
    system.write([system.add("1", name="Ada"), system.add("2", name="Bob")])
    before = system.full()
    gone = next(anchor for anchor, entry in before.entries.items() if entry.dn == system.dn("2"))
    changes = [system.update("1", name="Ada L"), system.delete("2"), system.add("4", name="Eve")]
    for change in changes:
        change.anchor = None
    system.write(changes)

    delta = Reading(system.connector().open_delta("default", before.token))

    assert sorted(entry.attributes["name"] for entry in delta.entries.values()) == ["Ada L", "Eve"]
    assert delta.deleted == [gone]
    assert delta.complete


# Each test of the contract, with the fixture above in place of its own.
for _name, _test in vars(contract).items():
    if _name.startswith("test_") and _name != "test_any_content_survives_and_digests_tell_it_apart":
        globals()[_name] = _test


@given(first=contract.PEOPLE, second=contract.PEOPLE)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_content_survives(people_slapd: Slapd, tmp_path: Path, first: dict, second: dict) -> None:
    system = LdapSystem(tmp_path, people_slapd, delta="none")
    system.write([system.add(anchor, **each) for anchor, each in first.items()])
    gone = [system.delete(anchor) for anchor in first if anchor not in second]
    new = [system.add(anchor, **each) for anchor, each in second.items() if anchor not in first]
    kept = [
        system.update(anchor, **({name: [] for name in first[anchor]} | each))
        for anchor, each in second.items()
        if anchor in first
    ]

    outcomes = system.write([*gone, *kept, *new])

    assert [outcome.message for outcome in outcomes if outcome.error_type] == []
    assert system.full().objects == {anchor: {"id": anchor, **each} for anchor, each in second.items()}
