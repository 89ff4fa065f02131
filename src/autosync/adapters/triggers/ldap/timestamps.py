"""Asking for entries with a newer ``modifyTimestamp``: works everywhere, and cannot see deletions."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime

from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.adapters.triggers.ldap.places import ReadTo, nothing_read, token_of, usable
from autosync.directory.client import Directory
from autosync.directory.filters import And, AtLeast, Filter
from autosync.directory.searching import Search
from autosync.model.wording import number
from autosync.ports.clock import Clock
from autosync.ports.trigger import Firing, Pulse

_STAMP = "modifyTimestamp"
_STAMP_S = 1.1
"""Stamps count seconds. An entry that changes twice in one second shows nothing new: firing waits until the second is over,
so that the import, which begins later, reads both."""
_ATTRIBUTES = (_STAMP, "entryUUID")


async def watch(
    directory: Directory, options: LdapOptions, place: ReadTo | None, clock: Clock
) -> AsyncGenerator[Firing | Pulse]:
    """Yield firings from ``place`` on."""
    read = usable(place, options, Way.TIMESTAMP)
    while True:
        before = read or nothing_read(options, Way.TIMESTAMP)
        count, read_now = await _look(directory, options, before)
        if read is None or count:
            await clock.sleep(_STAMP_S)
        if read is None:
            yield Firing(token=token_of(read_now), text="the directory was looked at for the first time")
        elif count:
            text = f"{number(count, 'entry', 'entries')} changed"
            yield Firing(token=token_of(read_now), changed=_moment(read_now.newest), count=count, text=text)
        read = read_now
        yield Pulse(
            details={
                "server": str(directory.server),
                "way": "timestamp",
                "newest": read.newest,
                "deletions": "not seen",
            }
        )
        await clock.sleep(options.every.total_seconds())


async def _look(directory: Directory, options: LdapOptions, before: ReadTo) -> tuple[int, ReadTo]:
    """Return how many entries are new since ``before``, and the place reached.

    A stamp counts seconds: entries of the newest second are asked for again, and known by their ids and stamps.
    """
    wanted: Filter = options.filter if not before.newest else And([options.filter, AtLeast(_STAMP, before.newest)])
    newest, seen, count = before.newest, set(before.seen), 0
    async for entry in directory.entries(Search(base=options.base, filter=wanted, attributes=_ATTRIBUTES)):
        stamp = entry.text(_STAMP) or ""
        name = f"{entry.text('entryUUID') or entry.dn} {stamp}"
        if stamp == before.newest and name in before.seen:
            continue
        count += 1
        if stamp > newest:
            newest, seen = stamp, set()
        if stamp == newest:
            seen.add(name)
    return count, replace(before, newest=newest, seen=frozenset(seen))


def _moment(stamp: str) -> datetime | None:
    """Return the time of a generalized time in UTC (RFC 4517 section 3.3.13), where it is written in full."""
    try:
        return datetime.strptime(stamp.partition(".")[0].rstrip("Z") + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
