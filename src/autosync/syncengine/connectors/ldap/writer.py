"""Write changes to a directory, many on their way at once, each with its own outcome."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import Directory
from autosync.directory.errors import DirectoryError
from autosync.directory.names import same_name_key
from autosync.directory.results import (
    ATTRIBUTE_OR_VALUE_EXISTS,
    ENTRY_ALREADY_EXISTS,
    NO_SUCH_ATTRIBUTE,
    NO_SUCH_OBJECT,
    NOT_ALLOWED_ON_NON_LEAF,
    UNWILLING_TO_PERFORM,
    Result,
)
from autosync.directory.searching import Entry
from autosync.directory.writes import Delete, Modify, Rename, Write
from autosync.syncengine.connectors.changes import changed_attributes
from autosync.syncengine.connectors.ldap.failures import outcome, run_error
from autosync.syncengine.connectors.ldap.planning import Planned, Planner
from autosync.syncengine.connectors.ldap.recognizing import Recognizer
from autosync.syncengine.connectors.ldap.shape import Shape
from autosync.syncengine.connectors.port import Change, ChangeKind, ChangeOutcome, EntryError

_ROUNDS: Final = 4
_VALUES_DIFFER: Final = frozenset(
    {NO_SUCH_ATTRIBUTE, ATTRIBUTE_OR_VALUE_EXISTS, UNWILLING_TO_PERFORM, ENTRY_ALREADY_EXISTS}
)
"""A value that is there already, or gone already; the last two are Active Directory's words for members of groups."""


class LdapWriter:
    """One export. What is written is visible at once; there is nothing to abandon."""

    def __init__(self, directory: BlockingDirectory, shape: Shape, planner: Planner, base: str) -> None:
        self._directory = directory
        self._shape = shape
        self._planner = planner
        self._recognizer = Recognizer(shape, base)
        self._window = shape.settings.window

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Apply the changes and return an outcome for each; raise ``ConnectorError`` when the connection is lost."""
        planned = [self._planner.plan(change) for change in changes]
        try:
            self._directory.run(lambda directory: self._write(directory, planned))
        except DirectoryError as error:
            raise run_error(error, started=True) from None
        return [each.outcome or ChangeOutcome() for each in planned]

    def close(self) -> None:
        """Sign off."""
        self._directory.close()

    def abandon(self) -> None:
        """Sign off; what was written stays."""
        with suppress(DirectoryError, OSError):  # it may have gone already
            self._directory.close()

    async def _write(self, directory: Directory, planned: list[Planned]) -> None:
        """Make every change's first request, then the second ones: a request whose predecessor failed is never made."""
        for _ in range(_ROUNDS):
            todo = sorted((each for each in planned if each.steps and each.outcome is None), key=_order)
            if not todo:
                break
            steps = [each.steps.pop(0) for each in todo]
            results = [result async for result in directory.write_all(steps, window=self._window)]
            for each, step, result in zip(todo, steps, results, strict=True):
                if not result.succeeded:
                    await self._refused(directory, each, step, result)
        await self._name_new(directory, [each for each in planned if each.outcome is None])

    async def _name_new(self, directory: Directory, done: list[Planned]) -> None:
        """Give every change that was made its anchor, which the directory may have chosen."""
        unknown = []
        for each in done:
            change = each.change
            if change.kind is ChangeKind.DELETE:
                continue
            if self._shape.settings.by_dn:
                each.outcome = ChangeOutcome(anchor=change.dn)
            elif change.kind in {ChangeKind.UPDATE, ChangeKind.RENAME} and change.anchor:
                each.outcome = ChangeOutcome(anchor=change.anchor)
            else:
                unknown.append(each)
        anchors = await self._recognizer.anchors(directory, [each.change.dn for each in unknown])
        for each, anchor in zip(unknown, anchors, strict=True):
            each.outcome = ChangeOutcome(anchor=anchor)

    async def _refused(self, directory: Directory, each: Planned, step: Write, result: Result) -> None:
        """See whether a no is one: done before, moved by somebody, in need of another order."""
        change = each.change
        match result.code, change.kind:
            case (code, ChangeKind.DELETE | ChangeKind.DELETE_ADD) if code == NO_SUCH_OBJECT and isinstance(
                step, Delete
            ):
                now = await self._recognizer.current_name(directory, change)
                if now is not None and same_name_key(now) != same_name_key(step.dn):
                    each.steps.insert(0, Delete(dn=now, controls=step.controls))
            case (code, ChangeKind.DELETE | ChangeKind.DELETE_ADD) if code == NOT_ALLOWED_ON_NON_LEAF:
                await self._again(directory, each, step)
            case (code, ChangeKind.ADD | ChangeKind.DELETE_ADD) if code == ENTRY_ALREADY_EXISTS:
                each.outcome = await self._there_already(directory, change, result)
            case (code, ChangeKind.UPDATE | ChangeKind.RENAME) if code == NO_SUCH_OBJECT:
                await self._moved(directory, each, step, result)
            case (code, _) if code in _VALUES_DIFFER and change.added | change.removed:
                await self._whole_values(directory, each, step, result)
            case _:
                each.outcome = outcome(result, change.dn)

    async def _again(self, directory: Directory, each: Planned, step: Write) -> None:
        """Try a deletion once more: what was below may have gone meanwhile."""
        result = await directory.write(step)
        if not result.succeeded:
            each.outcome = outcome(result, each.change.dn)

    async def _there_already(self, directory: Directory, change: Change, result: Result) -> ChangeOutcome:
        """Return the outcome of an add whose name is taken: done if it is the same, sent by us before."""
        entry = await directory.read(change.dn, self._shape.asked())
        if entry is not None and self._has(entry, change):
            return ChangeOutcome(anchor=self._shape.anchor(entry))
        return outcome(result, f"{change.dn} is there already, with other values")

    def _has(self, entry: Entry, change: Change) -> bool:
        """Return whether an entry has everything that an add wants."""
        try:
            planned = self._planner.plan(change)
            wanted = planned.steps[-1] if planned.steps else None
            have = {name.lower(): set(values) for name, values in entry.attributes.items()}
            attributes = getattr(wanted, "attributes", {})
            self._shape.entry(entry, change.dn)
        except EntryError:
            return False
        return all(
            name.lower() in {"unicodepwd", "userpassword"} or set(values) <= have.get(name.lower(), set())
            for name, values in attributes.items()
            if name.lower() != "objectclass"
        )

    async def _moved(self, directory: Directory, each: Planned, step: Write, result: Result) -> None:
        """Look for an object that is not where it was: renamed by somebody else, or by us in an earlier try."""
        change = each.change
        now = await self._recognizer.current_name(directory, change)
        if now is None:
            words = f"no entry has the name {step.dn}" + (f" or the anchor {change.anchor}" if change.anchor else "")
            each.outcome = outcome(result, words)
        elif isinstance(step, Rename):
            if same_name_key(now) != same_name_key(change.dn):
                each.steps.insert(0, self._planner.rename(now, change.dn))
        elif same_name_key(now) != same_name_key(step.dn):
            each.steps = [*self._planner.modify(now, change), *each.steps]
        else:
            each.outcome = outcome(result, change.dn)

    async def _whole_values(self, directory: Directory, each: Planned, step: Write, result: Result) -> None:
        """Write whole values where single ones do not fit what is there: some were written before."""
        change = each.change
        entry = await directory.read(step.dn, self._shape.asked()) if isinstance(step, Modify) else None
        if entry is None:
            each.outcome = outcome(result, change.dn)
            return
        change.whole = {}
        try:
            current = self._shape.entry(entry, change.dn).attributes
        except EntryError as error:
            each.outcome = ChangeOutcome(error_type=error.error.error_type, message=error.error.message)
            return
        each.steps = self._planner.modify(step.dn, change, changed_attributes(change, current))
        if each.steps == [step]:
            each.steps, each.outcome = [], outcome(result, change.dn)


def _order(planned: Planned) -> int:
    """Parents before children where something is made, children first where it goes."""
    try:
        return -planned.depth if planned.change.kind is ChangeKind.DELETE else planned.depth
    except ValueError:
        return 0
