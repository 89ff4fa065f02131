"""What a change means for an object that is written as a whole."""

from autosync.syncengine.connectors.port import Attributes, Change, Scalar


class Unfit(ValueError):
    """An object that a system's format cannot hold as it is; ``error_type`` is the engine's word for it (an export error)."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


def as_list(value: Scalar | list[Scalar] | None) -> list[Scalar]:
    """Return the values of an attribute."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def changed_attributes(change: Change, current: Attributes) -> Attributes:
    """Return the new whole value of every attribute that ``change`` touches; an empty list removes one.

    Where only single values are given (``added``, ``removed``) the rest comes from ``whole``, and where there is no
    ``whole`` from ``current``, the object as it is now.
    """
    changed = dict(change.attributes)
    for name in (*change.added, *change.removed):
        if name in changed:
            continue
        if change.whole:
            changed[name] = change.whole.get(name, [])
            continue
        gone = as_list(change.removed.get(name))
        values = [value for value in as_list(current.get(name)) if value not in gone]
        changed[name] = values + [value for value in as_list(change.added.get(name)) if value not in values]
    return changed


def apply_change(current: Attributes, change: Change) -> Attributes:
    """Return the object's attributes after an update."""
    changed = changed_attributes(change, current)
    return {name: value for name, value in (current | changed).items() if value != []}
