"""The directory client: one signed-in connection, and everything that can be asked of a directory over it."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from autosync.directory import controls as known
from autosync.directory.codec import Control
from autosync.directory.connection import Connection
from autosync.directory.errors import DirectoryError, RequestFailed, ServerUnreachable
from autosync.directory.names import same_name_key
from autosync.directory.ranges import complete, has_ranges
from autosync.directory.referrals import access_to
from autosync.directory.results import COMPARE_TRUE, NO_SUCH_OBJECT, REFERRAL, Result
from autosync.directory.searching import Entry, Found, Reference, Scope, Search
from autosync.directory.servers import Access, Server, connect
from autosync.directory.writes import WINDOW, Write, write_all

_MOST_HOPS: Final = 5

_Place: TypeAlias = tuple[Sequence[str], Search, int]
"""Where to go on: the URLs of a referral, what was asked, and how many hops it is away."""


class Directory:
    """A directory that we are signed in to. Every time-out is that of its ``Access``."""

    def __init__(self, connection: Connection, server: Server, access: Access) -> None:
        self.connection = connection
        self.server = server
        self._access = access

    async def read(self, dn: str, attributes: Sequence[str] = (), *, controls: Sequence[Control] = ()) -> Entry | None:
        """Return one entry; None where there is none (or none for us). Raise ``RequestFailed``."""
        search = Search(base=dn, scope=Scope.BASE, attributes=attributes, page_size=0, controls=controls)
        async with self.search(search) as found:
            answers = await found.take(2)
        entry = next((each for each in answers if isinstance(each, Entry)), None)
        if found.ended and found.result.code == NO_SUCH_OBJECT:
            return None
        if found.ended:
            found.result.require(f"cannot read {dn or 'the root of the directory'}")
        return None if entry is None else await self.whole(entry, search)

    async def root(self) -> Entry:
        """Return what the server says about itself (RFC 4512 section 5.1)."""
        entry = await self.read("", ("*", "+"))
        return entry or Entry("", {})

    def search(self, search: Search, *, timeout_s: float | None = -1.0) -> Found:
        """Start a search. ``timeout_s`` is for each answer; None waits for ever, as listeners do."""
        return Found(self.connection, search, self._access.timeout_s if timeout_s == -1.0 else timeout_s)

    async def entries(self, search: Search, *, follow_referrals: bool = False) -> AsyncIterator[Entry]:
        """Yield every entry with all its values; raise ``RequestFailed`` when the search does not end well.

        Referrals to other servers are followed only when asked, with the same sign-in; otherwise they are left out.
        """
        places: list[_Place] = []
        async with self.search(search) as found:
            async for answer in found:
                if isinstance(answer, Entry):
                    yield await self.whole(answer, search)
                elif isinstance(answer, Reference):
                    places.append((answer.urls, search, 1))
            result = found.result
        if result.code == REFERRAL and follow_referrals:
            places.append((result.referral, search, 0))
        else:
            result.require(f"cannot search {search.base or 'the directory'}")
        if follow_referrals:
            async for entry in self._follow(places):
                yield entry

    async def elsewhere(self, urls: Sequence[str], search: Search) -> AsyncIterator[Entry]:
        """Yield what a reference that a search has met leads to; raise what signing in and searching raise."""
        async for entry in self._follow([(urls, search, 1)]):
            yield entry

    async def whole(self, entry: Entry, search: Search) -> Entry:
        """Return the entry with all values of attributes that the server gives in pieces."""
        if not has_ranges(entry):
            return entry
        return await complete(self.connection, entry, search, self._access.timeout_s)

    async def write(self, write: Write) -> Result:
        """Make one change and return its result, whatever it is."""
        return await self.connection.ask(write.operation(), write.controls, timeout_s=self._access.timeout_s)

    def write_all(self, writes: Iterable[Write], *, window: int = WINDOW) -> AsyncIterator[Result]:
        """Make many changes, ``window`` of them at a time, and yield the result of each, in order."""
        return write_all(self.connection, writes, window=window, timeout_s=self._access.timeout_s)

    async def compare(self, dn: str, attribute: str, value: bytes) -> bool:
        """Return whether an entry's attribute has a value; raise ``RequestFailed``."""
        assertion = {"attributeDesc": attribute.encode("ascii"), "assertionValue": value}
        request = ("compareRequest", {"entry": dn.encode("utf-8"), "ava": assertion})
        result = await self.connection.ask(request, timeout_s=self._access.timeout_s)
        return result.require(f"cannot compare {attribute} of {dn}").code == COMPARE_TRUE

    async def extended(self, oid: str, value: bytes | None = None, *, controls: Sequence[Control] = ()) -> Result:
        """Make an extended request and return its result."""
        fields: dict[str, bytes] = {"requestName": oid.encode("ascii")}
        if value is not None:
            fields["requestValue"] = value
        return await self.connection.ask(("extendedRequest", fields), controls, timeout_s=self._access.timeout_s)

    async def who_am_i(self) -> str:
        """Return who the server takes us for (RFC 4532); raise ``RequestFailed`` where it does not tell."""
        result = await self.extended(known.WHO_AM_I)
        return (result.require("the server does not tell who we are").value or b"").decode("utf-8", "replace")

    async def _follow(self, places: list[_Place]) -> AsyncIterator[Entry]:
        """Yield what other servers have, each place once, a few hops far."""
        seen: set[tuple[str, str]] = set()
        for urls, search, hops in places:
            access, target = access_to(urls, self._access)
            asked = target.search(search, continuation=hops > 0)
            place = (str(target.server), same_name_key(asked.base))
            if place in seen:
                continue
            seen.add(place)
            if len(seen) > _MOST_HOPS * 20 or hops > _MOST_HOPS:
                raise ServerUnreachable(f"the referrals lead in circles: {urls[0]}")
            async with open_directory(access) as there:
                async with there.search(asked) as found:
                    async for answer in found:
                        if isinstance(answer, Entry):
                            yield await there.whole(answer, asked)
                        elif isinstance(answer, Reference):
                            places.append((answer.urls, asked, hops + 1))
                    result = found.result
                if result.code == REFERRAL:
                    places.append((result.referral, asked, hops + 1))
                else:
                    result.require(f"cannot search {asked.base} on {target.server}")


@asynccontextmanager
async def open_directory(access: Access) -> AsyncIterator[Directory]:
    """Sign in to the first server that answers, and sign off at the end; raise what ``connect`` raises."""
    connection, server = await connect(access)
    async with connection:
        yield Directory(connection, server, access)


def octets(attributes: Mapping[str, str | bytes | Sequence[str | bytes]]) -> dict[str, list[bytes]]:
    """Return attributes as a directory takes them: lists of octets."""
    found: dict[str, list[bytes]] = {}
    for name, values in attributes.items():
        listed = [values] if isinstance(values, str | bytes) else values
        found[name] = [each.encode("utf-8") if isinstance(each, str) else each for each in listed]
    return found


__all__ = ["Directory", "DirectoryError", "RequestFailed", "octets", "open_directory"]
