"""One export to a file that is replaced as a whole, whatever its format."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from autosync.syncengine.connectors.changes import Unfit
from autosync.syncengine.connectors.port import Change, ChangeKind, ChangeOutcome


class Edits(Protocol):
    """The changes of one export to the records of a file, in its format. They raise ``Unfit``."""

    changed: bool
    """Whether the file will be another than before."""

    def add(self, change: Change) -> ChangeOutcome:
        """Add a record; one that is there already with the same content is done."""
        ...

    def delete(self, change: Change) -> ChangeOutcome:
        """Delete a record; one that has gone is done."""
        ...

    def update(self, change: Change) -> ChangeOutcome:
        """Change a record, or its name."""
        ...


class Target(Protocol):
    """The file."""

    def replace(self) -> None:
        """Put the new content in place; raise ``ConnectorError`` and leave the old when that cannot be done."""
        ...

    def close(self) -> None:
        """Free everything."""
        ...


class WholeFileWriter:
    """One export. Nothing is visible before ``close``; somebody else's change in between ends the export."""

    def __init__(self, target: Target, edits: Edits) -> None:
        self._target = target
        self._edits = edits

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Note the changes; an outcome says whether the file will have them."""
        return [self._write(change) for change in changes]

    def close(self) -> None:
        """Put the new content in place; raise ``ConnectorError`` and leave the old when that cannot be done."""
        try:
            if self._edits.changed:
                self._target.replace()
        finally:
            self._target.close()

    def abandon(self) -> None:
        """Leave the file as it is; never raises."""
        with suppress(OSError):
            self._target.close()

    def _write(self, change: Change) -> ChangeOutcome:
        try:
            match change.kind:
                case ChangeKind.ADD:
                    return self._edits.add(change)
                case ChangeKind.DELETE:
                    return self._edits.delete(change)
                case ChangeKind.DELETE_ADD:
                    self._edits.delete(change)
                    return self._edits.add(change)
                case ChangeKind.UPDATE | ChangeKind.RENAME:
                    return self._edits.update(change)
        except Unfit as error:
            return ChangeOutcome(error_type=error.error_type, message=str(error))
        except UnicodeEncodeError:
            return ChangeOutcome(
                error_type="code-page-conversion", message=f"{change.dn!r}: a value is no Unicode text"
            )
