"""RFC 4533: a search that first tells what changed since a cookie, and then every change as it happens."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.adapters.triggers.ldap.places import ReadTo, nothing_read, token_of, usable
from autosync.directory.changelog import NO_IDS
from autosync.directory.client import Directory
from autosync.directory.controls import SyncMode, SyncStateKind, sync_info, sync_request, sync_state
from autosync.directory.results import SYNC_REFRESH_REQUIRED, UNWILLING_TO_PERFORM
from autosync.directory.searching import NO_ATTRIBUTES, Answer, Between, Entry, Found, Search
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.model.wording import number
from autosync.ports.trigger import Firing, Pulse

_PLACE_REFUSED = frozenset({SYNC_REFRESH_REQUIRED, UNWILLING_TO_PERFORM})
"""OpenLDAP says the second to a cookie from its future: it crashed, or was restored from a backup."""
_NO_NUMBER = b"#4294967295"
"""How 389 Directory Server ends a cookie when it does not find the change in its own log: nothing would follow it."""
_SILENT_LOOKS = 30
"""After so many looks without an answer, a quarter of an hour usually, the search begins anew from its cookie."""


async def watch(directory: Directory, options: LdapOptions, place: ReadTo | None) -> AsyncGenerator[Firing | Pulse]:
    """Yield firings from ``place`` on."""
    known = usable(place, options, Way.SYNCREPL)
    state = _State(known or nothing_read(options, Way.SYNCREPL), is_first=known is None)
    while True:
        async with (
            directory.search(_search(options, state.place), timeout_s=None) as found,
            aclosing(_told(directory, options, found, state)) as told,
        ):
            async for seen in told:
                yield seen
        state.begin_again()


def _search(options: LdapOptions, place: ReadTo) -> Search:
    return Search(
        base=options.base,
        filter=options.filter,
        attributes=NO_ATTRIBUTES,
        page_size=0,
        controls=[sync_request(SyncMode.REFRESH_AND_PERSIST, place.cookie or None)],
    )


async def _told(
    directory: Directory, options: LdapOptions, found: Found, state: "_State"
) -> AsyncGenerator[Firing | Pulse]:
    """Yield what one search tells, until it has been silent for long.

    A server that has nothing to say is silent, and so is one that has gone without a word: it is asked for a sign of life.
    One that lives, and yet has lost a message, tells it to the next search, which begins at our cookie.
    """
    had_cookie, silent = bool(state.place.cookie), 0
    while silent < _SILENT_LOOKS or not state.persisting:
        answer = await _within(found, options.every.total_seconds())
        if answer is not None:
            silent = 0
            if (firing := state.take(answer)) is not None:
                yield firing
            continue
        if found.ended:
            raise _end(found, had_cookie=had_cookie)
        await directory.read("", NO_ATTRIBUTES)
        silent += 1
        yield Pulse(details={"server": str(directory.server), "way": "syncrepl", "state": state.word})


async def _within(found: Found, seconds: float) -> Answer | None:
    """Return the next answer; None when none came in time, or the search has ended."""
    try:
        async with asyncio.timeout(seconds):
            return await found.next()
    except TimeoutError:
        return None


def _end(found: Found, *, had_cookie: bool) -> TriggerFailed:
    if found.result.code in _PLACE_REFUSED and had_cookie:
        return TokenUnknown(f"the directory no longer knows the place that was read to: {found.result.say()}")
    return TriggerFailed(f"the directory ended the synchronization: {found.result.say()}")


class _State:
    """What was told so far. During the refresh changes are counted; afterwards each fires by itself."""

    def __init__(self, place: ReadTo, *, is_first: bool) -> None:
        self.place = place
        self._is_first = is_first
        self._changes = 0
        self._is_unsure = False
        self.persisting = False
        """Whether changes are told as they happen."""

    def begin_again(self) -> None:
        """Go on with another search from the place reached."""
        self.persisting, self._is_first = False, False

    @property
    def word(self) -> str:
        """Return the phase, for people."""
        return "listening" if self.persisting else "reading what is there"

    def take(self, answer: Answer) -> Firing | None:
        """Take an answer in; return a firing when it is time for one."""
        if isinstance(answer, Entry):
            return self._entry(answer)
        if isinstance(answer, Between):
            return self._between(answer)
        return None

    def _entry(self, entry: Entry) -> Firing | None:
        if entry.message is None:
            raise TriggerFailed("the directory sent an entry without its state; it does not keep to RFC 4533")
        state = sync_state(entry.message)
        self._read_to(state.cookie)
        if state.kind is SyncStateKind.PRESENT:
            return None
        self._changes += 1
        return self._fire() if self.persisting else None

    def _between(self, between: Between) -> Firing | None:
        info = sync_info(dict(between.content))
        if info is None:
            return None
        self._read_to(info.cookie)
        self._changes += len(info.gone)
        # A present phase lists what is still there: what was deleted can only be told by who keeps all names.
        self._is_unsure = self._is_unsure or bool(info.present) or info.present_phase_ended
        if info.refreshed and not self.persisting:
            self.persisting = True
            return self._refreshed()
        return self._fire() if self.persisting and self._changes else None

    def _refreshed(self) -> Firing | None:
        if self._is_first:
            self._changes = 0
            return self._firing("the directory was looked at for the first time", 1)
        return self._fire() if self._changes or self._is_unsure else None

    def _fire(self) -> Firing:
        count, self._changes, self._is_unsure = max(self._changes, 1), 0, False
        return self._firing(f"{number(count, 'entry', 'entries')} changed", count)

    def _firing(self, text: str, count: int) -> Firing:
        return Firing(token=token_of(self.place), count=count, text=text)

    def _read_to(self, cookie: bytes | None) -> None:
        if cookie is not None and cookie.endswith(_NO_NUMBER):
            raise TriggerFailed(f"{NO_IDS}, or set way: timestamp")
        if cookie is not None:
            self.place = replace(self.place, cookie=bytes(cookie))
