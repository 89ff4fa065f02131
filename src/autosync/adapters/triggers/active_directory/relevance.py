"""Which changed objects count. When in doubt, they do: an import too many costs little, one too few loses a change."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from autosync.adapters.triggers.active_directory.metadata import UNNAMED
from autosync.adapters.triggers.active_directory.options import ActiveDirectoryOptions
from autosync.directory.filters import ANYTHING, And, Equals, Filter, Not, Or
from autosync.directory.names import is_within, same_name_key
from autosync.directory.searching import Entry

_BOOKKEEPING: Final = frozenset(
    {"objectguid", "instancetype", "whenchanged", "usnchanged", "usncreated", "dscorepropagationdata"}
)
"""What comes with every answer, or is only about the copy that was asked."""
_PLACE: Final = frozenset({"name", "parentguid", "isdeleted", "isrecycled", "lastknownparent"})
_NEW: Final = frozenset({"objectclass", "whencreated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched: below which DN, and changes of which attributes. All names in lower case."""

    base_key: str
    attributes: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


def watched(options: ActiveDirectoryOptions, base_key: str) -> Watched:
    """Return what is watched."""
    return Watched(
        base_key=base_key,
        attributes=frozenset(name.lower() for name in options.attributes),
        ignored=frozenset(name.lower() for name in options.ignore_attributes),
    )


def class_filter(classes: Iterable[str]) -> Filter:
    """Return the filter for object classes. Computers are users in the schema, and not meant by ``user``."""
    names = tuple(classes)
    if not names:
        return ANYTHING
    wanted = Or([Equals("objectClass", name) for name in names])
    if "computer" in {name.lower() for name in names}:
        return wanted
    return And([wanted, Not(Equals("objectClass", "computer"))])


def counts(entry: Entry, changed: Collection[str] | None, what: Watched) -> bool:
    """Return whether an object's change counts. ``changed`` are attribute names; None when nobody can tell which."""
    names = None if changed is None else frozenset(name.lower().partition(";")[0] for name in changed) - _BOOKKEEPING
    return _is_in_place(entry, names, what.base_key) and (names is None or _is_about_what_counts(names, what))


def _is_about_what_counts(names: frozenset[str], what: Watched) -> bool:
    if what.attributes:
        return bool(names & (what.attributes | _PLACE)) or any(name.startswith(UNNAMED) for name in names)
    return bool(names - what.ignored)


def _is_in_place(entry: Entry, names: frozenset[str] | None, base_key: str) -> bool:
    if is_within(same_name_key(_plain(entry.dn) or ""), base_key):
        return True
    if entry.text("isDeleted") == "TRUE":
        parent = _plain(entry.text("lastKnownParent"))
        return parent is None or is_within(same_name_key(parent), base_key)
    if names is None:
        return False
    # It stands elsewhere now; it may have been moved away from here. What is new elsewhere never was here.
    return bool(names & _PLACE) and not names & _NEW


def _plain(dn: str | None) -> str | None:
    """Return a DN without the ids that DirSync writes before it: ``<GUID=…>;<SID=…>;CN=…``."""
    while dn is not None and dn.startswith("<"):
        dn = dn.partition(";")[2]
    return dn
