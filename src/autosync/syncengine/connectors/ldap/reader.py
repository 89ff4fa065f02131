"""Read a directory: whole, or what changed."""

from collections.abc import Iterator
from types import TracebackType
from typing import Final, Protocol, Self

from autosync.directory import searching
from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import Directory
from autosync.directory.errors import DirectoryError
from autosync.directory.results import ADMIN_LIMIT_EXCEEDED, SIZE_LIMIT_EXCEEDED, TIME_LIMIT_EXCEEDED
from autosync.directory.searching import Search
from autosync.syncengine.connectors.ldap.changes import ChangeSource, Lookup
from autosync.syncengine.connectors.ldap.failures import run_error
from autosync.syncengine.connectors.ldap.shape import MissingAnchor, Shape
from autosync.syncengine.connectors.ldap.syncrepl import Known
from autosync.syncengine.connectors.ldap.token import Token
from autosync.syncengine.connectors.port import Entry, ReadBatch, ReadError

BATCH: Final = 2000
_LIMITS: Final = frozenset({SIZE_LIMIT_EXCEEDED, TIME_LIMIT_EXCEEDED, ADMIN_LIMIT_EXCEEDED})


class LdapBatch:
    """Up to 2,000 entries; one is decoded when it is asked for."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._entries: list[searching.Entry] = []
        self.anchors: list[str] = []
        self.digests: list[bytes] = []
        self.deleted: list[str] = []
        self.errors: list[ReadError] = []

    def add(self, entry: searching.Entry, anchor: str) -> None:
        """Take an entry in."""
        self._entries.append(entry)
        self.anchors.append(anchor)
        self.digests.append(self._shape.digest(entry))

    def entry(self, index: int) -> Entry:
        """Decode the entry at ``index``; raise ``EntryError``."""
        return self._shape.entry(self._entries[index], self.anchors[index])


class Source(Protocol):
    """Where entries come from."""

    async def begin(self, directory: Directory) -> list[str]:
        """Return names that are gone, and may be others' by now: they count before any entry."""
        ...

    async def take(self, directory: Directory, most: int) -> list[searching.Entry]:
        """Return the next entries; none at the end."""
        ...

    async def end(self, directory: Directory) -> tuple[Token | None, list[str], ReadError | None]:
        """Return the token, what is gone, and why the reading is not whole."""
        ...


class PagedSource:
    """All entries, page by page."""

    def __init__(self, search: Search, token: Token | None, *, follow_referrals: bool) -> None:
        self._search = search
        self._token = token
        self._follow = follow_referrals
        self._found: searching.Found | None = None
        self._elsewhere: list[searching.Entry] = []

    async def begin(self, directory: Directory) -> list[str]:  # noqa: ARG002 (everything is read)
        """Return nothing."""
        return []

    async def take(self, directory: Directory, most: int) -> list[searching.Entry]:
        """Return the next entries with all their values."""
        if self._found is None:
            self._found = directory.search(self._search)
        entries: list[searching.Entry] = []
        while len(entries) < most and (answer := await self._found.next()) is not None:
            if isinstance(answer, searching.Entry):
                entries.append(await directory.whole(answer, self._search))
            elif isinstance(answer, searching.Reference) and self._follow:
                self._elsewhere += [each async for each in directory.elsewhere(answer.urls, self._search)]
        if not entries and self._elsewhere:
            entries, self._elsewhere = self._elsewhere[:most], self._elsewhere[most:]
        return entries

    async def end(self, directory: Directory) -> tuple[Token | None, list[str], ReadError | None]:
        """Return the token; a search that a limit has cut is not whole."""
        assert self._found is not None
        result = self._found.result
        if result.code in _LIMITS:
            message = f"{directory.server} cut the search short: {result.say()}. Raise its limit for the account"
            return self._token, [], ReadError(error_type="read-error", message=message)
        result.require(f"cannot read {self._search.base}")
        return self._token, [], None


class KnownSource(PagedSource):
    """All entries, page by page, and in the token which they were: a delta by syncrepl tells deletions by UUID alone."""

    def __init__(self, search: Search, token: Token, shape: Shape) -> None:
        super().__init__(search, token, follow_referrals=shape.settings.follow_referrals)
        self._cookie = token.cookie
        self._known = Known(shape, token)

    async def take(self, directory: Directory, most: int) -> list[searching.Entry]:
        """Return the next entries."""
        entries = await super().take(directory, most)
        for entry in entries:
            self._known.add(entry)
        return entries

    async def end(self, directory: Directory) -> tuple[Token | None, list[str], ReadError | None]:
        """Return the cookie of the beginning: what has changed since is read once more, and that is all."""
        _, gone, error = await super().end(directory)
        return self._known.token(self._cookie), gone, error


class ChangedSource:
    """What a source of changes tells, looked up."""

    def __init__(self, changes: ChangeSource, lookup: Lookup, token: Token) -> None:
        self._changes = changes
        self._lookup = lookup
        self._token = token
        self._entries: list[searching.Entry] = []
        self._gone: list[str] = []

    async def begin(self, directory: Directory) -> list[str]:
        """Ask what changed, and look at it."""
        changes = await self._changes.since(directory, self._token)
        self._token = changes.token
        self._entries, self._gone = await self._lookup.resolve(directory, changes)
        return changes.replaced

    async def take(self, directory: Directory, most: int) -> list[searching.Entry]:  # noqa: ARG002 (they are here)
        """Return the next changed entries."""
        some, self._entries = self._entries[:most], self._entries[most:]
        return some

    async def end(self, directory: Directory) -> tuple[Token | None, list[str], ReadError | None]:  # noqa: ARG002
        """Return the new token and what is gone."""
        return self._token, self._gone, None


class LdapReader:
    """One reading. ``complete`` is False as soon as an entry may hide whose it is, or a limit has cut the search."""

    def __init__(self, directory: BlockingDirectory, shape: Shape, source: Source) -> None:
        self._directory = directory
        self._shape = shape
        self._source = source
        self._token: Token | None = None
        self._seen: set[int] = set()
        self._gap = False
        self._whole = False

    @property
    def complete(self) -> bool:
        """Return whether the end was reached and every entry is known."""
        return self._whole and not self._gap

    @property
    def token(self) -> bytes | None:
        """Return where a delta import starts after this reading."""
        return self._token.octets() if self._token else None

    def __iter__(self) -> Iterator[ReadBatch]:
        """Yield batches; raise ``ConnectorError``."""
        started = False
        try:
            replaced = self._directory.run(self._source.begin)
            if replaced:
                yield self._deletions(replaced)
            while entries := self._directory.run(lambda directory: self._source.take(directory, BATCH)):
                started = True
                yield self._batch(entries)
            self._token, gone, error = self._directory.run(self._source.end)
        except DirectoryError as failure:
            raise run_error(failure, started=started) from None
        last = self._deletions(gone)
        if error is not None:
            self._gap = True
            last.errors.append(error)
        if gone or error:
            yield last
        self._whole = True

    def _deletions(self, gone: list[str]) -> LdapBatch:
        batch = LdapBatch(self._shape)
        batch.deleted = gone
        return batch

    def _batch(self, entries: list[searching.Entry]) -> LdapBatch:
        batch = LdapBatch(self._shape)
        for entry in entries:
            try:
                anchor = self._shape.anchor(entry)
            except (MissingAnchor, ValueError) as error:
                self._fail(batch, "missing-anchor-component", str(error))
                continue
            key = hash(anchor)
            if key in self._seen:
                self._fail(batch, "duplicate-object", f"{entry.dn}: another entry has the anchor {anchor!r}", anchor)
                continue
            self._seen.add(key)
            batch.add(entry, anchor)
        return batch

    def _fail(self, batch: LdapBatch, error_type: str, message: str, anchor: str | None = None) -> None:
        self._gap = True
        batch.errors.append(ReadError(error_type=error_type, message=message, anchor=anchor))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._directory.close()
