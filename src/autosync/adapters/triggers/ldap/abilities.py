"""What a directory says that it can, and which way follows from it."""

from dataclasses import dataclass

from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.directory.client import Directory
from autosync.directory.controls import PERSISTENT_SEARCH, SYNC_REQUEST
from autosync.directory.searching import NO_ATTRIBUTES
from autosync.model.errors import TriggerFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What the root of a directory tells (RFC 4512 section 5.1; the change log's attributes from draft-good-ldap-changelog)."""

    syncrepl: bool
    persistent_search: bool
    changelog: str | None = None
    """The DN of the change log."""


async def abilities(directory: Directory, options: LdapOptions) -> Abilities:
    """Return what the directory can; raise ``TriggerFailed`` for a base that it does not have."""
    root = await directory.read("", ("supportedControl", "changelog"))
    if await directory.read(options.base, NO_ATTRIBUTES) is None:
        raise TriggerFailed(f"{options.base} does not exist on {directory.server}, or is hidden from us; check base")
    known = {each.decode("ascii", "replace") for each in root.values("supportedControl")} if root else set()
    return Abilities(
        syncrepl=SYNC_REQUEST in known,
        persistent_search=PERSISTENT_SEARCH in known,
        changelog=root.text("changelog") if root else None,
    )


def chosen(able: Abilities, options: LdapOptions) -> Way:
    """Return the way to go; raise ``TriggerFailed`` when the directory cannot go the one that was asked for."""
    if options.way is Way.SYNCREPL and not able.syncrepl:
        raise TriggerFailed("the directory does not offer syncrepl (OpenLDAP: overlay syncprov); choose another way")
    if options.way is Way.CHANGELOG and able.changelog is None:
        raise TriggerFailed("the directory names no change log (389: plugin Retro Changelog); choose another way")
    if options.way is not Way.AUTO:
        return options.way
    if able.syncrepl:
        return Way.SYNCREPL
    return Way.TIMESTAMP if able.changelog is None else Way.CHANGELOG
