"""A directory's change log: entries with growing numbers (draft-good-ldap-changelog). Persistent search wakes it early."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from autosync.adapters.triggers.ldap.abilities import Abilities
from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.adapters.triggers.ldap.places import ReadTo, nothing_read, token_of, usable
from autosync.directory.changelog import LogState, log_state, rows_after
from autosync.directory.client import Directory
from autosync.directory.controls import persistent_search
from autosync.directory.errors import BadName
from autosync.directory.names import is_within, same_name_key
from autosync.directory.searching import NO_ATTRIBUTES, Entry, Found, Search
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.model.wording import number
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse

_SOON_S = 1.0
"""When it is looked once more, after the first look and after each that it was woken for: a server does not say when it has
begun to tell, and it may tell before the log shows what it tells of."""
_ATTRIBUTES = ("targetDN", "newSuperior")


async def watch(
    directory: Directory, options: LdapOptions, able: Abilities, place: ReadTo | None, clock: Clock
) -> AsyncGenerator[Firing | Pulse]:
    """Yield firings from ``place`` on."""
    read = usable(place, options, Way.CHANGELOG)
    listening = await _listen(directory, options) if able.persistent_search else None
    every = options.every.total_seconds()
    pause = min(every, _SOON_S)
    try:
        while True:
            state = await _state(directory)
            if read is None:
                read = replace(nothing_read(options, Way.CHANGELOG), log=state.identity, number=state.last)
                yield Firing(token=token_of(read), text="the directory was looked at for the first time")
            elif (lost := state.why_lost(read.log, read.number)) is not None:
                raise TokenUnknown(lost)
            count, reached = await _changes(directory, options, state, read.number)
            read = replace(read, number=reached)
            if count:
                text = f"{number(count, 'entry', 'entries')} changed"
                yield Firing(token=token_of(read), count=count, text=text)
            yield Pulse(
                details={
                    "server": str(directory.server),
                    "way": "changelog",
                    "number": str(read.number),
                    "state": _how(listening),
                }
            )
            woken = await _pause(listening, pause, clock)
            pause = min(every, _SOON_S) if woken else every
    finally:
        if listening is not None:
            listening.abandon()


async def _state(directory: Directory) -> LogState:
    state = await log_state(directory)
    if state is None:
        raise TriggerFailed(
            f"{directory.server} shows no change log any more, or we may not read it; choose another way"
        )
    return state


async def _changes(directory: Directory, options: LdapOptions, log: LogState, number: int) -> tuple[int, int]:
    """Return how many changes below the base came after a number, and the last number read."""
    base_key, count, reached = same_name_key(options.base), 0, number
    async for reached, row in rows_after(directory, log, number, _ATTRIBUTES):  # noqa: B007 (the last one counts)
        count += _is_below(row, base_key)
    return count, reached


def _is_below(entry: Entry, base_key: str) -> bool:
    try:
        places = [entry.text("targetDN"), entry.text("newSuperior")]
        return any(place is not None and is_within(same_name_key(place), base_key) for place in places)
    except BadName:
        return True


async def _listen(directory: Directory, options: LdapOptions) -> Found:
    """Start to listen, so that what changes from here on is told."""
    search = Search(base=options.base, attributes=NO_ATTRIBUTES, page_size=0, controls=[persistent_search()])
    found = directory.search(search, timeout_s=None)
    await found.start()
    return found


def _how(listening: Found | None) -> str:
    if listening is None:
        return "asks"
    return f"asks: it may not listen ({listening.result.say()})" if listening.ended else "listens"


async def _pause(listening: Found | None, seconds: float, clock: Clock) -> bool:
    """Wait until something changed, or for some time; return whether something was told."""
    if listening is None or listening.ended:
        await clock.sleep(seconds)
        return False
    try:
        async with asyncio.timeout(seconds):
            told = await listening.next()
    except TimeoutError:
        return False
    while listening.has_more:  # one look finds all that was told so far
        await listening.next()
    return told is not None
