"""A directory's change log: entries with growing numbers (draft-good-ldap-changelog). Persistent search wakes it early."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from autosync.adapters.triggers.ldap.abilities import Abilities
from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.adapters.triggers.ldap.places import ReadTo, nothing_read, token_of, usable
from autosync.directory.client import Directory
from autosync.directory.controls import persistent_search
from autosync.directory.errors import BadName
from autosync.directory.filters import AtLeast
from autosync.directory.names import is_within, same_name_key
from autosync.directory.searching import NO_ATTRIBUTES, Entry, Found, Scope, Search
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.model.wording import number
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse

_ATTRIBUTES = ("changeNumber", "targetDN", "newSuperior")


async def watch(
    directory: Directory, options: LdapOptions, able: Abilities, place: ReadTo | None, clock: Clock
) -> AsyncGenerator[Firing | Pulse]:
    """Yield firings from ``place`` on."""
    read = usable(place, options, Way.CHANGELOG)
    listening = _listening(directory, options) if able.persistent_search else None
    try:
        while True:
            first, last = await _range(directory)
            if read is None:
                read = replace(nothing_read(options, Way.CHANGELOG), number=last)
                yield Firing(token=token_of(read), text="the directory was looked at for the first time")
            elif read.number > last or read.number + 1 < first:
                raise TokenUnknown(
                    f"the change log holds {first} to {last}, and was read to {read.number}: it was trimmed or made anew"
                )
            count, reached = await _changes(directory, options, able.changelog or "", read.number)
            read = replace(read, number=max(reached, read.number))
            if count:
                text = f"{number(count, 'entry', 'entries')} changed"
                yield Firing(token=token_of(read), count=count, text=text)
            yield Pulse(details={"server": str(directory.server), "way": "changelog", "number": str(read.number)})
            await _pause(listening, options.every.total_seconds(), clock)
    finally:
        if listening is not None:
            listening.abandon()


async def _range(directory: Directory) -> tuple[int, int]:
    root = await directory.read("", ("firstChangeNumber", "lastChangeNumber"))
    if root is None or root.text("lastChangeNumber") is None:
        raise TriggerFailed(f"{directory.server} does not tell the numbers of its change log; choose another way")
    return int(root.text("firstChangeNumber") or 0), int(root.text("lastChangeNumber") or 0)


async def _changes(directory: Directory, options: LdapOptions, log: str, number: int) -> tuple[int, int]:
    """Return how many changes below the base came after a number, and the last number read."""
    search = Search(
        base=log,
        scope=Scope.ONE,
        filter=AtLeast("changeNumber", str(number + 1)),
        attributes=_ATTRIBUTES,
        page_size=0,
    )
    base_key, count, reached = same_name_key(options.base), 0, number
    async for entry in directory.entries(search):
        reached = max(reached, int(entry.text("changeNumber") or 0))
        count += _is_below(entry, base_key)
    return count, reached


def _is_below(entry: Entry, base_key: str) -> bool:
    try:
        places = [entry.text("targetDN"), entry.text("newSuperior")]
        return any(place is not None and is_within(same_name_key(place), base_key) for place in places)
    except BadName:
        return True


def _listening(directory: Directory, options: LdapOptions) -> Found:
    search = Search(base=options.base, attributes=NO_ATTRIBUTES, page_size=0, controls=[persistent_search()])
    return directory.search(search, timeout_s=None)


async def _pause(listening: Found | None, seconds: float, clock: Clock) -> None:
    if listening is None or listening.ended:
        await clock.sleep(seconds)
        return
    try:
        async with asyncio.timeout(seconds):
            await listening.next()
    except TimeoutError:
        return
