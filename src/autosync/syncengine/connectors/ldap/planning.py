"""What has to be asked of a directory for one change: the requests, one after the other, or why there are none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from autosync.directory.codec import Control
from autosync.directory.names import ancestors, parse_name, same_name_key, split_name
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename, Write
from autosync.syncengine.connectors.changes import as_list
from autosync.syncengine.connectors.ldap.shape import Shape
from autosync.syncengine.connectors.port import Change, ChangeKind, ChangeOutcome, Scalar
from autosync.syncengine.connectors.settings_reading import nearest

_PASSWORDS: Final = frozenset({"unicodepwd", "userpassword"})


class Unwritable(Exception):
    """A change that no request can carry."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.outcome = ChangeOutcome(error_type=error_type, message=message)


@dataclass(slots=True, kw_only=True)
class Planned:
    """One change on its way. ``steps`` are the requests that are still to be made, in order."""

    change: Change
    steps: list[Write] = field(default_factory=list)
    outcome: ChangeOutcome | None = None

    @property
    def depth(self) -> int:
        """Return how deep in the tree the change is."""
        return len(parse_name(self.change.dn))


class Planner:
    """Turns changes into requests for one directory."""

    def __init__(
        self, shape: Shape, *, private: bool, modify_controls: Sequence[Control], delete_controls: Sequence[Control]
    ) -> None:
        self._shape = shape
        self._private = private
        self._modify_controls = tuple(modify_controls)
        self._delete_controls = tuple(delete_controls)

    def plan(self, change: Change) -> Planned:
        """Return the requests for a change, or its outcome where it cannot be written. Never raises."""
        planned = Planned(change=change)
        try:
            planned.steps = self._steps(change)
        except Unwritable as error:
            planned.outcome = error.outcome
        except ValueError as error:  # a value or a name that is none
            kind = getattr(error, "error_type", "invalid-dn")
            planned.outcome = ChangeOutcome(error_type=kind, message=f"{change.dn}: {error}")
        return planned

    def modify(self, dn: str, change: Change, whole: Mapping[str, Scalar | list[Scalar]] | None = None) -> list[Write]:
        """Return the request for the attributes of a change; with ``whole``, whole values instead of single ones.

        What the entry's own name says is left out: Active Directory lets nobody modify it, not even to what it is.
        """
        named = {kind.lower(): [value] for kind, value in parse_name(dn)[0]}
        changes = [
            Modification(ModifyKind.REPLACE, name, self._octets(name, value))
            for name, value in (whole if whole is not None else change.attributes).items()
            if named.get(name.lower()) != as_list(value)
        ]
        if whole is None:
            for kind, values in ((ModifyKind.DELETE, change.removed), (ModifyKind.ADD, change.added)):
                changes += [
                    Modification(kind, name, self._octets(name, value))
                    for name, value in values.items()
                    if name not in change.attributes
                ]
        return [Modify(dn=dn, changes=changes, controls=self._modify_controls)] if changes else []

    def _steps(self, change: Change) -> list[Write]:
        for dn in filter(None, (change.dn, change.old_dn)):
            parse_name(dn)
        match change.kind:
            case ChangeKind.ADD:
                return [self._add(change)]
            case ChangeKind.DELETE:
                return [self._delete(change.dn)]
            case ChangeKind.DELETE_ADD:
                return [self._delete(change.old_dn or change.dn), self._add(change)]
            case ChangeKind.UPDATE:
                return self.modify(change.dn, change)
            case ChangeKind.RENAME:
                return [self.rename(change.old_dn or change.dn, change.dn), *self.modify(change.dn, change)]

    def rename(self, old: str, new: str) -> Rename:
        """Return the request for another name; the parent is named only where it is another one."""
        rdn, above = split_name(new)
        moved = next(iter(ancestors(same_name_key(old))), "") != same_name_key(above)
        return Rename(dn=old, new_rdn=rdn, new_parent=above if moved else None)

    def _delete(self, dn: str) -> Delete:
        return Delete(dn=dn, controls=self._delete_controls)

    def _add(self, change: Change) -> Add:
        attributes = {name: self._octets(name, value) for name, value in change.attributes.items()}
        lower = {name.lower() for name in attributes}
        if "objectclass" not in lower:
            classes = self._shape.classes_of(change.object_type)
            if not classes:
                message = f"no object class means {change.object_type!r}; add it to object-types or export objectClass"
                raise Unwritable("missing-object-class", message)
            attributes = {"objectClass": [name.encode("ascii") for name in classes], **attributes}
        if not (name := parse_name(change.dn)):
            raise Unwritable("invalid-dn", "an object without a name")
        for kind, value in name[0]:  # the entry has to hold what its own name says
            if kind.lower() not in lower and isinstance(value, str):
                attributes[kind] = self._octets(kind, value)
        return Add(dn=change.dn, attributes={name: values for name, values in attributes.items() if values})

    def _octets(self, name: str, value: Scalar | list[Scalar]) -> list[bytes]:
        known, base = self._shape.schema.attributes, name.partition(";")[0].lower()
        if known and base not in known:
            hint = nearest(name, [each.name for each in known.values()])
            raise Unwritable("schema-violation", f"the directory has no attribute {name!r}{hint}")
        if not base.replace("-", "").replace(".", "").isalnum() or not base.isascii():
            raise Unwritable("schema-violation", f"{name!r} is no name for an attribute")
        if base in _PASSWORDS and not self._private:
            raise Unwritable("password-not-protected", f"{name} is only sent over TLS or a sealed connection")
        return self._shape.octets(name, as_list(value))
