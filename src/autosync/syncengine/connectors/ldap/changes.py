"""What a directory says has changed, before anybody has looked at the entries themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from autosync.directory.client import Directory
from autosync.directory.filters import And, Equals, Filter, Or
from autosync.directory.searching import Entry, Scope, Search
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.shape import Shape
from autosync.syncengine.connectors.ldap.token import Token

_AT_ONCE = 100


@dataclass(slots=True, kw_only=True)
class Changes:
    """What may have changed since a token.

    ``touched`` maps the identities (entryUUID, objectGUID) of entries to the last name that is known of them, ``named`` are
    names of entries whose identity is not known: whoever reads must look what they are now. ``entries`` were sent whole,
    ``gone`` are identities or names that are certainly no more.
    """

    token: Token
    touched: dict[str, str | None] = field(default_factory=dict)
    named: dict[str, None] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


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
        touched = list(changes.touched)
        for start in range(0, len(touched), _AT_ONCE):
            some = touched[start : start + _AT_ONCE]
            found = {self._shape.identity(entry): entry for entry in await self._with_identity(directory, some)}
            entries += found.values()
            gone += [self._name_of(identity, changes.touched[identity]) for identity in some if identity not in found]
        for dn in changes.named:
            entry = await self._named(directory, dn)
            if entry is None:
                gone.append(dn)
            else:
                entries.append(entry)
        return entries, gone

    async def below(self, directory: Directory, dn: str) -> dict[str, str | None]:
        """Return the identities of our entries below one that was renamed: their names changed without a word."""
        search = Search(base=dn, filter=self._settings.wanted(), attributes=(self._settings.identity,))
        return {self._shape.identity(entry): None async for entry in directory.entries(search)}

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

    async def _named(self, directory: Directory, dn: str) -> Entry | None:
        search = Search(
            base=dn, scope=Scope.BASE, filter=self._settings.wanted(), attributes=self._shape.asked(), page_size=0
        )  # fmt: skip
        async with directory.search(search) as found:
            answers = [each for each in await found.take(2) if isinstance(each, Entry)]
        return await directory.whole(answers[0], search) if answers else None

    def _name_of(self, identity: str, dn: str | None) -> str:
        if self._settings.anchor.lower() == self._settings.identity.lower():
            return identity
        if dn is None:
            message = f"an object that is gone has no {self._settings.anchor} any more by which to know it"
            raise needs_full_import(message)
        return dn
