"""Find objects again: the anchors of new entries, and where one is that is not where it was."""

from collections import deque
from collections.abc import Sequence

from autosync.directory.client import Directory
from autosync.directory.filters import Equals
from autosync.directory.searching import Entry, Found, Scope, Search
from autosync.syncengine.connectors.ldap.shape import MissingAnchor, Shape
from autosync.syncengine.connectors.port import Change
from autosync.syncengine.connectors.values import ValueMisfit


class Recognizer:
    """Looks into one directory below one base."""

    def __init__(self, shape: Shape, base: str) -> None:
        self._shape = shape
        self._base = base
        self._window = shape.settings.window

    async def anchors(self, directory: Directory, dns: Sequence[str]) -> list[str | None]:
        """Return the anchor of each entry, many asked at once; None where it cannot be told."""
        found: list[str | None] = []
        flying: deque[Found] = deque()
        for dn in dns:
            if len(flying) >= self._window:
                found.append(await self._anchor(flying.popleft()))
            search = directory.search(self._one(dn))
            await search.start()
            flying.append(search)
        while flying:
            found.append(await self._anchor(flying.popleft()))
        return found

    async def current_name(self, directory: Directory, change: Change) -> str | None:
        """Return the name that the object of a change has now; None when it is gone or has no anchor of its own."""
        settings = self._shape.settings
        if settings.by_dn or not change.anchor:
            entry = await directory.read(change.dn, ("1.1",))
            return entry.dn if entry and change.old_dn is not None else None
        try:
            value = self._shape.octets(settings.anchor, [change.anchor])[0]
        except (ValueMisfit, ValueError):
            return None
        search = Search(
            base=self._base, filter=Equals(settings.anchor, value), attributes=("1.1",), page_size=0, size_limit=2
        )
        async with directory.search(search) as found:
            entries = [each for each in await found.take(2) if isinstance(each, Entry)]
        return entries[0].dn if len(entries) == 1 else None

    def _one(self, dn: str) -> Search:
        settings = self._shape.settings
        return Search(base=dn, scope=Scope.BASE, attributes=(settings.identity, settings.anchor), page_size=0)

    async def _anchor(self, search: Found) -> str | None:
        entries = [each for each in await search.take(3) if isinstance(each, Entry)]
        try:
            return self._shape.anchor(entries[0]) if entries else None
        except (MissingAnchor, ValueMisfit):
            return None
