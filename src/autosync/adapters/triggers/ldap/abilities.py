"""What a directory says that it can, and which way follows from it."""

from dataclasses import dataclass

from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.directory.changelog import NO_IDS, LogState, log_state
from autosync.directory.client import Directory
from autosync.directory.controls import PERSISTENT_SEARCH, SYNC_REQUEST
from autosync.directory.searching import NO_ATTRIBUTES
from autosync.model.errors import TriggerFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What the root of a directory tells (RFC 4512 section 5.1; the change log's attributes from draft-good-ldap-changelog)."""

    syncrepl: bool
    persistent_search: bool
    changelog: LogState | None = None
    """The change log, where we may read it."""


async def abilities(directory: Directory, options: LdapOptions) -> Abilities:
    """Return what the directory can; raise ``TriggerFailed`` for a base that it does not have."""
    root = await directory.read("", ("supportedControl",))
    if await directory.read(options.base, NO_ATTRIBUTES) is None:
        raise TriggerFailed(f"{options.base} does not exist on {directory.server}, or is hidden from us; check base")
    known = {each.decode("ascii", "replace") for each in root.values("supportedControl")} if root else set()
    return Abilities(
        syncrepl=SYNC_REQUEST in known,
        persistent_search=PERSISTENT_SEARCH in known,
        changelog=await log_state(directory),
    )


def chosen(able: Abilities, options: LdapOptions) -> Way:
    """Return the way to go; raise ``TriggerFailed`` when the directory cannot go the one that was asked for.

    Who keeps a change log that we may read is asked by it, also where syncrepl is offered: it is what that is made from.
    """
    log = able.changelog
    if options.way is Way.SYNCREPL and not able.syncrepl:
        raise TriggerFailed("the directory does not offer syncrepl (OpenLDAP: overlay syncprov); choose another way")
    if options.way is Way.CHANGELOG and log is None:
        raise TriggerFailed(
            "the directory shows no change log (389: plugin Retro Changelog), or we may not read it; choose another way"
        )
    way = options.way
    if way is Way.AUTO:
        way = Way.CHANGELOG if log is not None else Way.SYNCREPL if able.syncrepl else Way.TIMESTAMP
    if way is Way.SYNCREPL and log is not None and not log.has_ids:
        raise TriggerFailed(f"{NO_IDS}, or set way: changelog")
    return way
