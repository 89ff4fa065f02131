"""The whole product under fire: thousands of changes while AutoSync, its connected systems and connections are killed."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from random import Random

import pytest

from scripts.services.processes import ServiceMissing, free_port
from tests.integration.conftest import absent
from tests.integration.killed_systems import SYSTEMS, Company, System
from tests.integration.killing import Product, Wire, strike_while, until_equal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

HANDS = 3
"""So many change people at the same time."""
PACE_S = 0.045
"""Between two changes of one hand: the play takes some minutes, in which much can be killed."""
SETTLED_WITHIN_S = 240.0

CONFIGURATION = """
service: {{store: "sqlite:autosync.db", token-file: token, listen: "127.0.0.1:{port}"}}

engines:
  home:
    type: embedded
    store: engine.db
    metaverse: {{person: {{attributes: {{uid: {{key: true}}, title: {{}}, name: {{}}}}}}}}
    agents:
      source:
        connector: {source}
        person: {{project: always, import: {{uid: {uid}, title: title, name: cn}}}}
      target:
        connector: {target}
        person: {{join: {{{target_uid}: uid}}, {export}}}
      badges:
        connector: {{type: sql, url: "sqlite:///badges.db", table: badges, anchor: uid}}
        person:
          join: {{uid: uid}}
          provision: {{dn: "{{uid}}"}}
          export: {{uid: uid, name: name, title: title}}
          deprovision: delete
      phonebook:
        connector: {{type: csv, path: phonebook.csv, anchor: uid}}
        person:
          join: {{uid: uid}}
          provision: {{dn: "{{uid}}"}}
          export: {{uid: uid, name: name}}
          deprovision: delete

agents:
  home/source:
    guards: {unguarded}
    triggers: [{trigger}]
  home/target: {{guards: {unguarded}}}
  home/badges: {{guards: {unguarded}}}
  home/phonebook: {{guards: {unguarded}}}
"""
UNGUARDED = "{staged: &none {deletes: unlimited, emptied: false}, exports: *none, flapping-after: never}"


def configure(folder: Path, source: System, source_port: int, target: System, target_port: int) -> None:
    (folder / "phonebook.csv").write_text("uid,name\n", encoding="utf-8")
    with closing(sqlite3.connect(folder / "badges.db")) as badges:
        badges.execute("create table badges (uid text primary key, name text, title text)")
    there, here = f"ldap://127.0.0.1:{target_port}", f"ldap://127.0.0.1:{source_port}"
    text = CONFIGURATION.format(
        port=free_port(), unguarded=UNGUARDED, uid=source.uid, target_uid=target.uid, export=target.export,
        source=source.connector.replace("{url}", here), trigger=source.trigger.replace("{url}", here),
        target=target.connector.replace("{url}", there),
    )  # fmt: skip
    (folder / "autosync.yaml").write_text(text, encoding="utf-8")


def with_badges(folder: Path) -> dict[str, tuple[str, str]]:
    with closing(sqlite3.connect(folder / "badges.db")) as badges:
        return {uid: (name, title) for uid, name, title in badges.execute("select uid, name, title from badges")}


def in_phonebook(folder: Path) -> dict[str, tuple[str, str]]:
    lines = (folder / "phonebook.csv").read_text(encoding="utf-8").splitlines()[1:]
    return {uid: (name, "") for uid, name in (line.split(",") for line in lines)}


@pytest.fixture
def systems(request: pytest.FixtureRequest) -> Iterator[tuple[System, System]]:
    with ExitStack() as stack:
        try:
            source, target = (stack.enter_context(SYSTEMS[name]()) for name in request.param)
        except ServiceMissing as missing:
            absent(missing)
        else:
            yield source, target


@pytest.mark.parametrize(
    ("systems", "changes"),
    [
        (("openldap", "active-directory"), 10_000),
        (("active-directory", "openldap"), 3_000),
        (("postgresql", "openldap"), 10_000),
    ],
    indirect=["systems"],
)
def test_nothing_is_lost_when_everything_is_killed(
    tmp_path: Path, systems: tuple[System, System], changes: int
) -> None:
    source, target = systems
    random = Random(8)
    with ExitStack() as stack:
        wires = [stack.enter_context(closing(Wire(each.host, each.port))) for each in systems]
        hands = [stack.enter_context(closing(source.hand())) for _ in range(HANDS)]
        companies = [Company(hand, Random(number), "abc"[number]) for number, hand in enumerate(hands)]
        configure(tmp_path, source, wires[0].port, target, wires[1].port)
        secrets = source.secrets(wires[0].port) | target.secrets(wires[1].port)
        product = stack.enter_context(closing(Product(tmp_path, secrets)))

        def working(company: Company) -> None:
            for _ in range(changes // HANDS):
                company.change()
                time.sleep(PACE_S)

        blows = {
            "autosync": product.kill,
            "the source's connections": wires[0].cut,
            "the target's connections": wires[1].cut,
            "the source": lambda: source.server.restart(crash=True),
            "the target": lambda: target.server.restart(crash=True),
        }
        struck = strike_while([partial(working, each) for each in companies], blows, random)
        companies[0].change()  # OpenLDAP can keep a deletion to itself until anybody changes anything
        expected = {uid: person for company in companies for uid, person in company.people.items()}
        begun = time.monotonic()
        end = begun + SETTLED_WITHIN_S
        assert source.people() == expected
        until_equal(expected, target.people, end)
        until_equal(expected, lambda: with_badges(tmp_path), end)
        until_equal({uid: (name, "") for uid, (name, _) in expected.items()}, lambda: in_phonebook(tmp_path), end)
        everywhere = time.monotonic() - begun
        assert product.stop() == 0
    assert struck.keys() == blows.keys()
    print(f"\n{changes:,} changes, {dict(struck)}; everywhere {everywhere:.1f} s after the last")  # noqa: T201 - the docs'
