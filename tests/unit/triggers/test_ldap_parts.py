"""The LDAP trigger without a directory: change logs, and how far it has read."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
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
from autosync.directory.changelog import LogState, log_state
from autosync.directory.client import Directory
from autosync.directory.filters import And, AtLeast, AtMost, Equals, Filter, Or
from autosync.directory.searching import Entry, Search
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.clock import SimulatedClock
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from autosync.testing.simulation import run_simulated

BASE = "ou=people,dc=example,dc=org"
OPTIONS = LdapOptions(access=DirectoryAccess(servers=()), base=BASE, every=timedelta(milliseconds=500))
LOG = LogState(dn="cn=changelog", identity="log-1", first=1, last=9)
LOGGING = Abilities(syncrepl=False, persistent_search=False, changelog=LOG)


class LoggingDirectory:
    """A directory with a change log, as the trigger sees one."""

    server = "ldap://logging"

    def __init__(self) -> None:
        self.first = 1
        self.identity = "log-1"
        self.targets: list[str] = []
        self.readable = True

    def change(self, target: str = f"uid=a,{BASE}") -> None:
        self.targets.append(target)

    async def read(self, dn: str, _attributes: Sequence[str]) -> Entry | None:
        if dn == "cn=changelog":
            return Entry(dn, {"nsUniqueId": [self.identity.encode()]})
        assert dn == ""
        numbers = {"firstChangeNumber": self.first, "lastChangeNumber": len(self.targets)}
        return Entry("", {name: [str(number).encode()] for name, number in numbers.items()})

    async def entries(self, search: Search) -> AsyncIterator[Entry]:
        assert search.base == "cn=changelog"
        for number, target in enumerate(self.targets, start=1):
            if self.readable and number >= self.first and _meets(search.filter, number):
                attributes = {"changeNumber": [str(number).encode()], "targetDN": [target.encode()]}
                yield Entry(f"changeNumber={number},cn=changelog", attributes)


def _meets(wanted: Filter, number: int) -> bool:
    match wanted:
        case And(parts):
            return all(_meets(part, number) for part in parts)
        case Or(parts):
            return any(_meets(part, number) for part in parts)
        case AtLeast():
            return number >= int(wanted.value)
        case AtMost():
            return number <= int(wanted.value)
        case Equals():
            return number == int(wanted.value)
        case _:
            raise AssertionError(wanted)


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
        token = token_of(replace(nothing_read(OPTIONS, Way.CHANGELOG), log="log-1"))
        directory.change("uid=a,ou=others,dc=example,dc=org")
        assert isinstance(await first(LogTrigger(directory, clock), token), Pulse)
        directory.change("no name at all")
        assert isinstance(await first(LogTrigger(directory, clock), token), Firing)

    run_simulated(main)


@pytest.mark.parametrize(
    ("first_number", "changes", "identity", "says"),
    [(5, 9, "log-1", "trimmed"), (1, 1, "log-1", "made anew or restored"), (1, 9, "log-2", "another change log")],
    ids=["trimmed", "restored", "another"],
)
def test_a_log_that_lost_the_place_asks_for_a_full_import(
    first_number: int, changes: int, identity: str, says: str
) -> None:
    async def main(clock: SimulatedClock, _random: Random) -> None:
        directory = LoggingDirectory()
        for _ in range(3):
            directory.change()
        seen = await first(LogTrigger(directory, clock), None)
        assert isinstance(seen, Firing)
        directory.first, directory.targets, directory.identity = first_number, [BASE] * changes, identity
        with pytest.raises(TokenUnknown, match=says):
            await first(LogTrigger(directory, clock), seen.token)

    run_simulated(main)


@pytest.mark.parametrize(
    ("able", "way", "expected"),
    [
        (Abilities(syncrepl=True, persistent_search=True), Way.AUTO, Way.SYNCREPL),
        (Abilities(syncrepl=True, persistent_search=True, changelog=LOG), Way.AUTO, Way.CHANGELOG),
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


def test_syncrepl_made_from_a_log_without_ids_is_refused_with_the_way_out() -> None:
    able = Abilities(syncrepl=True, persistent_search=True, changelog=replace(LOG, has_ids=False))
    with pytest.raises(TriggerFailed, match="nsuniqueid:targetUniqueId"):
        chosen(able, LdapOptions(access=OPTIONS.access, base=BASE, way=Way.SYNCREPL))


def test_numbers_without_a_row_that_we_may_read_are_no_change_log() -> None:
    async def main(_clock: SimulatedClock, _random: Random) -> None:
        directory = LoggingDirectory()
        directory.change()
        assert await log_state(cast("Directory", directory)) == replace(LOG, last=1, has_ids=False)
        directory.readable = False
        assert await log_state(cast("Directory", directory)) is None

    run_simulated(main)


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
