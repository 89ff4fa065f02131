"""The LDAP trigger without a directory: change logs, and how far it has read."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import cast

import pytest

from autosync.adapters.directory_access import DirectoryAccess
from autosync.adapters.triggers.ldap import changelog
from autosync.adapters.triggers.ldap.abilities import Abilities, chosen
from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.adapters.triggers.ldap.places import nothing_read, place_of, token_of, usable
from autosync.adapters.triggers.ldap.watching import LDAP_KIND
from autosync.directory.client import Directory
from autosync.directory.filters import AtLeast, Equals
from autosync.directory.searching import Entry, Search
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from autosync.testing.simulation import run_simulated

BASE = "ou=people,dc=example,dc=org"
OPTIONS = LdapOptions(access=DirectoryAccess(servers=()), base=BASE, every=timedelta(milliseconds=500))
LOGGING = Abilities(syncrepl=False, persistent_search=False, changelog="cn=changelog")


class LoggingDirectory:
    """A directory with a change log, as the trigger sees one."""

    server = "ldap://logging"

    def __init__(self) -> None:
        self.first = 1
        self.targets: list[str] = []

    def change(self, target: str = f"uid=a,{BASE}") -> None:
        self.targets.append(target)

    async def read(self, dn: str, attributes: Sequence[str]) -> Entry:
        assert (dn, attributes) == ("", ("firstChangeNumber", "lastChangeNumber"))
        numbers = {"firstChangeNumber": self.first, "lastChangeNumber": len(self.targets)}
        return Entry("", {name: [str(number).encode()] for name, number in numbers.items()})

    async def entries(self, search: Search) -> AsyncIterator[Entry]:
        assert search.base == "cn=changelog"
        assert isinstance(search.filter, AtLeast)
        least = int(search.filter.value)
        for number, target in enumerate(self.targets, start=1):
            if number >= least:
                attributes = {"changeNumber": [str(number).encode()], "targetDN": [target.encode()]}
                yield Entry(f"changeNumber={number},cn=changelog", attributes)


class LogTrigger:
    """The part of the trigger that reads change logs, as a trigger of its own."""

    def __init__(self, directory: LoggingDirectory, clock: SimulatedClock) -> None:
        self._directory = directory
        self._clock = clock

    def watch(self, token: str | None) -> AsyncIterator[Firing | Pulse]:
        directory = cast("Directory", self._directory)
        place = None if token is None else place_of(token)
        return changelog.watch(directory, OPTIONS, LOGGING, place, self._clock)


@pytest.mark.parametrize("case", CASES)
def test_a_change_log_keeps_the_promises_of_a_trigger(case: str) -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        directory = LoggingDirectory()
        stage = TriggerStage(make=lambda: LogTrigger(directory, clock), change=directory.change)
        await getattr(TriggerContract(stage), case)()

    run_simulated(main)


async def first(trigger: LogTrigger, token: str | None) -> Firing | Pulse:
    async for seen in trigger.watch(token):
        return seen
    raise AssertionError("ended")


def test_changes_elsewhere_in_the_log_do_not_count() -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        directory = LoggingDirectory()
        token = token_of(nothing_read(OPTIONS, Way.CHANGELOG))
        directory.change("uid=a,ou=others,dc=example,dc=org")
        assert isinstance(await first(LogTrigger(directory, clock), token), Pulse)
        directory.change("no name at all")
        assert isinstance(await first(LogTrigger(directory, clock), token), Firing)

    run_simulated(main)


@pytest.mark.parametrize(("first_number", "changes"), [(5, 9), (1, 0)], ids=["trimmed", "made anew"])
def test_a_log_that_lost_the_place_asks_for_a_full_import(first_number: int, changes: int) -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        directory = LoggingDirectory()
        for _ in range(3):
            directory.change()
        seen = await first(LogTrigger(directory, clock), None)
        assert isinstance(seen, Firing)
        directory.first, directory.targets = first_number, [BASE] * changes
        with pytest.raises(TokenUnknown, match="trimmed or made anew"):
            await first(LogTrigger(directory, clock), seen.token)

    run_simulated(main)


@pytest.mark.parametrize(
    ("able", "way", "expected"),
    [
        (Abilities(syncrepl=True, persistent_search=True, changelog="cn=changelog"), Way.AUTO, Way.SYNCREPL),
        (LOGGING, Way.AUTO, Way.CHANGELOG),
        (Abilities(syncrepl=False, persistent_search=True), Way.AUTO, Way.TIMESTAMP),
        (Abilities(syncrepl=True, persistent_search=True), Way.TIMESTAMP, Way.TIMESTAMP),
    ],
)
def test_the_best_way_is_taken_unless_one_is_named(able: Abilities, way: Way, expected: Way) -> None:
    assert chosen(able, LdapOptions(access=OPTIONS.access, base=BASE, way=way)) is expected


def test_a_way_that_the_directory_cannot_go_is_refused() -> None:
    with pytest.raises(TriggerFailed, match="does not offer syncrepl"):
        chosen(LOGGING, LdapOptions(access=OPTIONS.access, base=BASE, way=Way.SYNCREPL))


def test_a_place_is_of_use_only_to_its_own_question() -> None:
    place = nothing_read(OPTIONS, Way.SYNCREPL)
    other = LdapOptions(access=OPTIONS.access, base=BASE, filter=Equals("uid", "a"))

    assert usable(place_of(token_of(place)), OPTIONS, Way.SYNCREPL) == place
    assert usable(place, OPTIONS, Way.TIMESTAMP) is None
    assert usable(place, other, Way.SYNCREPL) is None


@pytest.mark.parametrize("token", ["", "{}", "5", '{"way": "guess"}'])
def test_a_token_of_another_make_asks_for_a_full_import(token: str) -> None:
    with pytest.raises(TokenUnknown):
        place_of(token)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"base": BASE}, "servers is missing"),
        ({"servers": "ldap1"}, "base is missing"),
        ({"servers": "ldap1", "base": BASE, "filter": "(uid=a"}, "filter"),
        ({"servers": "ldap1", "base": BASE, "way": "guess"}, "not one of"),
    ],
)
def test_mistakes_are_told(data: dict[str, object], says: str, tmp_path: Path) -> None:
    mistakes = LDAP_KIND.parse(data, tmp_path).mistakes

    assert any(says in f"{'.'.join(map(str, each.path))} {each.message}" for each in mistakes), mistakes
