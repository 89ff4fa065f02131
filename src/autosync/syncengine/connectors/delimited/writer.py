"""Change the rows of a delimited file: those that change are rendered anew, everything else stays byte by byte."""

from autosync.syncengine.connectors.changes import Unfit, changed_attributes
from autosync.syncengine.connectors.delimited.target import Target
from autosync.syncengine.connectors.port import Attributes, Change, ChangeKind, ChangeOutcome


class DelimitedEdits:
    """The changes of one export to a delimited file."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._layout = target.layout
        self._rows = target.rows
        self._render = target.render
        self.changed = not target.exists

    def add(self, change: Change) -> ChangeOutcome:
        """Add a row; one that is there already with the same content is done."""
        cells = self._render.cells(change.attributes)
        anchor = self._complete(cells, change)
        old = self._rows.get(anchor)
        if old is None:
            self._put(anchor, cells)
        elif not self._has(old, cells):
            message = f"a row with the anchor {anchor!r} is there already, with other values"
            return ChangeOutcome(error_type="cd-existing-object", message=message)
        return ChangeOutcome(anchor=anchor)

    def delete(self, change: Change) -> ChangeOutcome:
        """Delete a row; one that has gone is done."""
        anchor = change.anchor or change.dn
        if anchor in self._rows:  # gone already: done
            self._rows.remove(anchor)
            self.changed = True
        return ChangeOutcome()

    def update(self, change: Change) -> ChangeOutcome:
        """Change the cells of a row; a rename changes its anchor's columns as well."""
        anchor = change.anchor or change.old_dn or change.dn
        wanted = change.dn if change.kind is ChangeKind.RENAME else anchor
        old = self._rows.get(anchor)
        if old is None and wanted in self._rows:  # renamed in an earlier try
            anchor, old = wanted, self._rows.get(wanted)
        if old is None:
            return ChangeOutcome(error_type="cd-missing-object", message=f"no row has the anchor {anchor!r}")
        if wanted != anchor and wanted in self._rows:
            return ChangeOutcome(error_type="duplicate-anchor", message=f"another row has the anchor {wanted!r}")
        cells = self._changed_cells(old, change)
        if wanted != anchor:
            self._render.set_anchor(cells, wanted)
        new = self._layout.anchor_of(cells)
        if new != wanted:
            message = f"the anchor {anchor!r} cannot become {new!r} by an update"
            return ChangeOutcome(error_type="modify-naming-attribute", message=message)
        self._put(anchor, cells, old)
        if new != anchor:
            self._rows.rename(anchor, new)
        return ChangeOutcome(anchor=new)

    def _changed_cells(self, old: bytes, change: Change) -> list[str]:
        fields = self._target.form.fields(old)
        current: Attributes = self._layout.attributes(fields) if change.added or change.removed else {}
        for index, text in self._render.some(changed_attributes(change, current)).items():
            fields[index] = text
        return fields

    def _complete(self, cells: list[str], change: Change) -> str:
        """Fill in the anchor's and the type's columns of a new row; return the anchor."""
        if change.anchor and not all(cells[index] for index in self._layout.anchor):
            self._render.set_anchor(cells, change.anchor)
        if (index := self._layout.type_index) is not None and not cells[index]:
            cells[index] = change.object_type
        anchor = self._layout.anchor_of(cells)
        if not anchor:
            raise Unfit("missing-anchor-component", f"no value for {' or '.join(self._layout.settings.anchor)}")
        return anchor

    def _has(self, record: bytes, cells: list[str]) -> bool:
        """Return whether a row has everything that an add wants."""
        fields = self._target.form.fields(record)
        return all(have == want for have, want in zip(fields, cells, strict=True) if want)

    def _put(self, anchor: str, cells: list[str], old: bytes | None = None) -> None:
        record = self._render.record(cells)
        if record != old:
            self._rows.put(anchor, record)
            self.changed = True
