"""What a directory says has changed, before anybody has looked at the entries themselves."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from autosync.directory.client import Directory
from autosync.directory.errors import RequestFailed
from autosync.directory.filters import And, Equals, Filter, Or
from autosync.directory.results import NO_SUCH_OBJECT
from autosync.directory.searching import Entry, Found, Scope, Search
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.shape import Shape
from autosync.syncengine.connectors.ldap.token import Token
from autosync.syncengine.names import name_key

_AT_ONCE = 100


@dataclass(slots=True, kw_only=True)
class Changes:
    """What may have changed since a token.

    ``touched`` maps the identities (entryUUID, objectGUID) of entries to the last name that is known of them, ``named`` are
    names of entries whose identity is not known, with the name that each had at the last import (None for what is new):
    whoever reads must look what they are now. ``entries`` were sent whole, ``gone`` are identities or names that are
    certainly no more. ``replaced`` are names that are no more, either, but others may be called so by now: they must be
    told before any entry. ``left`` are names that meant another anchor, and are gone unless somebody is called so again.
    """

    token: Token
    touched: dict[str, str | None] = field(default_factory=dict)
    named: dict[str, str | None] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


class ChangeSource(Protocol):
    """One way to learn what changed below one base."""

    async def begin(self, directory: Directory) -> Token:
        """Return the token for what is read from now on."""
        ...

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what changed; raise ``ConnectorError`` when only a full import helps."""
        ...


class Lookup:
    """Finds out what became of touched entries."""

    def __init__(self, shape: Shape, base: str) -> None:
        self._shape = shape
        self._base = base
        self._settings = shape.settings

    async def resolve(self, directory: Directory, changes: Changes) -> tuple[list[Entry], list[str]]:
        """Return the entries as they are, and the anchors or names of what is not (or no longer ours)."""
        entries, gone = list(changes.entries), list(changes.gone)
        found = await self.there(directory, list(changes.touched))
        entries += found.values()
        gone += [self._name_of(identity, was) for identity, was in changes.touched.items() if identity not in found]
        found_by_name = await self._all_named(directory, list(changes.named))
        for (_, was), entry in zip(changes.named.items(), found_by_name, strict=True):
            if entry is not None:
                entries.append(entry)
            elif was is not None:
                gone.append(was)
        taken = {name_key(entry.dn) for entry in found_by_name if entry is not None}
        gone += [name for name in changes.left if name_key(name) not in taken]
        return entries, gone

    async def there(self, directory: Directory, identities: Sequence[str]) -> dict[str, Entry]:
        """Return those of the entries that are there and ours, by identity."""
        found: dict[str, Entry] = {}
        for start in range(0, len(identities), _AT_ONCE):
            some = await self._with_identity(directory, identities[start : start + _AT_ONCE])
            found.update((self._shape.identity(entry), entry) for entry in some)
        return found

    async def below(self, directory: Directory, dn: str) -> dict[str, str | None]:
        """Return the identities of our entries below one that was renamed: their names changed without a word."""
        entries = await self._entries_below(directory, dn, self._settings.identity)
        return {self._shape.identity(entry): None for entry in entries}

    async def names_below(self, directory: Directory, dn: str) -> list[str]:
        """Return the names of our entries below one, without its own; none where there is none, or is none any more."""
        own = name_key(dn)
        return [entry.dn for entry in await self._entries_below(directory, dn, "1.1") if name_key(entry.dn) != own]

    async def _entries_below(self, directory: Directory, dn: str, attribute: str) -> list[Entry]:
        search = Search(base=dn, filter=self._settings.wanted(), attributes=(attribute,))
        try:
            return [entry async for entry in directory.entries(search)]
        except RequestFailed as error:
            if error.code == NO_SUCH_OBJECT:  # deleted or renamed again meanwhile, which another row tells
                return []
            raise

    async def _with_identity(self, directory: Directory, identities: Sequence[str]) -> list[Entry]:
        name = self._settings.identity
        any_of: Filter = Or([Equals(name, self._shape.octets(name, [identity])[0]) for identity in identities])
        search = Search(
            base=self._base,
            filter=And([any_of, self._settings.wanted()]),
            attributes=self._shape.asked(),
            page_size=0,
        )
        return [entry async for entry in directory.entries(search)]

    async def _all_named(self, directory: Directory, dns: Sequence[str]) -> list[Entry | None]:
        """Return the entries of these names, None where there is none of ours; many are asked for at once."""
        found: list[Entry | None] = []
        flying: deque[Found] = deque()
        search = Search(
            base="", scope=Scope.BASE, filter=self._settings.wanted(), attributes=self._shape.asked(), page_size=0
        )  # fmt: skip
        for dn in dns:
            if len(flying) >= self._settings.window:
                found.append(await self._only(directory, flying.popleft(), search))
            asked = directory.search(replace(search, base=dn))
            await asked.start()
            flying.append(asked)
        while flying:
            found.append(await self._only(directory, flying.popleft(), search))
        return found

    @staticmethod
    async def _only(directory: Directory, asked: Found, search: Search) -> Entry | None:
        answers = [each for each in await asked.take(2) if isinstance(each, Entry)]
        return await directory.whole(answers[0], search) if answers else None

    def _name_of(self, identity: str, dn: str | None) -> str:
        if self._settings.anchor.lower() == self._settings.identity.lower():
            return identity
        if dn is None:
            message = f"an object that is gone has no {self._settings.anchor} any more by which to know it"
            raise needs_full_import(message)
        return dn
