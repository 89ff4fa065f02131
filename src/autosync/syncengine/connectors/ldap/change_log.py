"""What changed by the changelog that 389 Directory Server and others keep: numbered rows with the name of what changed."""

from typing import Final

from autosync.directory.changelog import CHANGELOG, LogState, log_state, rows_after
from autosync.directory.client import Directory
from autosync.directory.names import parent_of
from autosync.directory.searching import Entry
from autosync.syncengine.connectors.ldap.changes import Changes, Lookup
from autosync.syncengine.connectors.ldap.failures import needs_full_import
from autosync.syncengine.connectors.ldap.settings import DeltaKind, LdapSettings
from autosync.syncengine.connectors.ldap.token import Token, scope_of
from autosync.syncengine.connectors.ldap.whereabouts import Whereabouts
from autosync.syncengine.connectors.port import ConnectorError

_ROW: Final = ("changeType", "targetDN", "newRDN", "newSuperior")


class ChangeLog:
    """Reads the rows, and follows the names through them."""

    def __init__(self, settings: LdapSettings, base: str, lookup: Lookup) -> None:
        self._settings = settings
        self._base = base
        self._lookup = lookup

    async def begin(self, directory: Directory) -> Token:
        """Return the newest number."""
        state = await _state(directory)
        return self._token(state, state.last)

    async def since(self, directory: Directory, token: Token) -> Changes:
        """Return what has a greater number."""
        state = await _state(directory)
        lost = state.why_lost(token.server, token.number)
        if lost is not None:
            raise needs_full_import(lost)
        places, reached = Whereabouts(self._base), token.number
        async for number, row in rows_after(directory, state, token.number, _ROW):
            _follow(row, places)
            reached = number
        places.settle()
        changes = Changes(token=self._token(state, reached))
        await self._report(directory, places, changes)
        return changes

    async def _report(self, directory: Directory, places: Whereabouts, changes: Changes) -> None:
        """Say what to look at, and what is gone. What is below a renamed object was renamed without a word."""
        changes.replaced = list(places.gone)
        changes.named = places.touched()
        changes.left = [name for name in places.left if self._is_anchored_by_name(name)]
        for moved in places.moved.values():
            for below in await self._lookup.names_below(directory, moved):
                was = places.before(below)
                if places.is_ours(below):
                    changes.named.setdefault(below, was)
                    changes.left += [was] if was is not None and self._is_anchored_by_name(was) else []
                elif was is not None:
                    changes.replaced.append(was)

    def _is_anchored_by_name(self, name: str) -> bool:
        """Return whether another name may mean another anchor: then the object of the old one is gone."""
        return self._settings.by_dn or name.partition("=")[0].strip().lower() == self._settings.anchor.lower()

    def _token(self, state: LogState, number: int) -> Token:
        scope = scope_of(self._settings, self._base)
        return Token(kind=DeltaKind.CHANGELOG.value, scope=scope, server=state.identity, number=number)


def _follow(row: Entry, places: Whereabouts) -> None:
    name = row.text("targetDN") or ""
    match (row.text("changeType") or "").lower():
        case "add":
            places.added(name)
        case "delete":
            places.deleted(name)
        case "modrdn" | "moddn":
            above = row.text("newSuperior") or parent_of(name)
            places.renamed(name, f"{row.text('newRDN')},{above}")
        case _:
            places.changed(name)


async def _state(directory: Directory) -> LogState:
    """Return what there is of a change log; raise ``ConnectorError`` where there is none."""
    state = await log_state(directory)
    if state is None:
        message = f"{directory.server} shows no {CHANGELOG}: switch its changelog on, let us read it, or set delta"
        raise ConnectorError("no-start-bad-ma-configuration", message)
    return state
