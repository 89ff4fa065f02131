"""The import step: read the connected system, stage the differences, and take what was not seen for deleted.

An object that has not changed costs a look at its digest and one bit; nothing is written for it. Every few batches are
committed, so that a run that died can be started again and finds its work done.
"""

from collections.abc import Sequence

from autosync.syncengine.connectors.port import EntryError, ReadBatch, Reader, ReadError, Remembering
from autosync.syncengine.names import name_key
from autosync.syncengine.results import DiscoveryError
from autosync.syncengine.running.context import RunContext
from autosync.syncengine.running.doubt import has_doubts, settle_doubts
from autosync.syncengine.running.report import StepReport, Stopped
from autosync.syncengine.running.seen import SeenObjects
from autosync.syncengine.running.staging import Staging
from autosync.syncengine.store.rows import DELETE, CsRow, ErrorRow, Known

_SCAN = 50_000


class ImportStep:
    """One import of one partition, full or delta."""

    def __init__(self, context: RunContext, report: StepReport) -> None:
        self._context = context
        self._report = report
        self._store = context.store
        self._space = self._store.space(context.agent.number, report.step.partition)
        self._signature = context.agent.reading_signature
        self._digests_count = self._space.signature == self._signature
        self._seen = SeenObjects()

    def run(self, *, delta: bool, whole: bool) -> None:
        """Import. ``delta`` asks for changes only; ``whole`` says that what is not seen is gone.

        Where nothing was ever read to its end there is no ground for changes: then everything is read. So it is where an
        export broke off: changes alone do not tell what is not there.
        """
        partition = self._report.step.partition
        if delta and self._space.signature is None:
            self._report.message = "nothing had been read before: everything was read"
            delta, whole = False, True
        elif delta and has_doubts(self._store, self._space.id):
            self._report.message = "an export had broken off: everything was read to see what it did"
            delta, whole = False, True
        if delta and not self._digests_count:
            raise Stopped("no-start-full-import-required", "the rules changed how objects are read: run a full import")
        connector = self._context.connected()
        opened = connector.open_delta(partition, self._space.token) if delta else connector.open_full(partition)
        with opened as reader, self._store.together(self._context.together):
            if isinstance(reader, Remembering):
                reader.recall(self._space.token)
            for read in reader:
                self._context.check_stop()
                self._stage(read)
                self._check_object_limit()
            self._finish(reader, whole=whole)

    def _finish(self, reader: Reader, *, whole: bool) -> None:
        report = self._report
        if isinstance(reader, Remembering):
            report.message = reader.remark
        complete = reader.complete and not report.discovery_count
        if whole and complete:
            report.nothing_there = report.done == 0
            self._obsolete()
            settle_doubts(self._store, self._space.id)
        elif whole:
            report.deletions_skipped = True
        if complete:
            changed = (reader.token, self._signature) != (self._space.token, self._space.signature)
            if changed:
                self._store.set_reading(self._space.id, reader.token, self._signature)

    def _stage(self, read: ReadBatch) -> None:
        for error in read.errors:
            self._fail(error)
        known = self._store.known(self._space, read.anchors)
        fresh, changed = self._look(read, known)
        staging = Staging(self._store, self._context.agent, self._space, self._report.staging)
        rows = {row.id: row for row in self._store.rows([entry[1] for entry in changed])}
        self._stage_changed(staging, read, changed, rows)
        self._stage_fresh(staging, read, fresh)
        gone = self._store.by_name(self._context.agent.number, read.deleted)
        for row in gone:
            staging.stage_gone(row)
        self._write(staging)
        self._report.advance(len(read.anchors) + len(read.deleted))

    def _look(self, read: ReadBatch, known: dict[str, Known]) -> tuple[list[int], list[tuple[int, int]]]:
        """Tell new and perhaps changed objects from the others: the loop that sees every object."""
        fresh: list[int] = []
        changed: list[tuple[int, int]] = []
        add, find, trusted = self._seen.add, known.get, self._digests_count
        unchanged = 0
        for index, (anchor, digest) in enumerate(zip(read.anchors, read.digests, strict=True)):
            found = find(anchor)
            if found is None:
                fresh.append(index)
                continue
            add(found.id)
            if trusted and not found.special and found.digest == digest:
                unchanged += 1
            else:
                changed.append((index, found.id))
        self._report.staging.stage_no_change += unchanged
        return fresh, changed

    def _stage_changed(
        self, staging: Staging, read: ReadBatch, changed: list[tuple[int, int]], rows: dict[int, CsRow]
    ) -> None:
        links, digests = staging.links(rows.values()), read.digests
        for index, number in changed:
            row = rows[number]
            try:
                entry = read.entry(index)
            except EntryError as error:
                self._fail(error.error)
                continue
            staging.stage_known(row, entry, digests[index], links[number])

    def _stage_fresh(self, staging: Staging, read: ReadBatch, fresh: list[int]) -> None:
        entries = []
        taken: set[str] = set()
        for index in fresh:
            try:
                entry = read.entry(index)
            except EntryError as error:
                self._fail(error.error)
                continue
            if entry.anchor in taken:
                self._fail(
                    ReadError(error_type="duplicate-anchor", message="the anchor occurs twice", anchor=entry.anchor)
                )
                continue
            taken.add(entry.anchor)
            entries.append((index, entry))
        if not entries:
            return
        # Exported under this name, and the connected system never told the anchor: this is it.
        nameless = self._store.nameless(self._context.agent.number, [entry.dn for _, entry in entries])
        ours = {name_key(row.dn): row for row in nameless}
        links, digests = staging.links(nameless), read.digests
        for index, entry in entries:
            row = ours.pop(name_key(entry.dn), None)
            if row is None:
                staging.stage_new(entry, digests[index])
            else:
                self._seen.add(row.id)
                staging.stage_known(row, entry, digests[index], links[row.id])
        for row in staging.batch.cs_new:
            self._seen.add(row.id)

    def _obsolete(self) -> None:
        """Stage deletions of what this reading has not shown."""
        self._check_deletion_limit()
        after = 0
        while ids := self._store.scan_ids(self._space.id, after, _SCAN):
            after = ids[-1]
            seen = self._seen
            unseen = [number for number in ids if number not in seen]
            size = self._context.batch_size
            for start in range(0, len(unseen), size):
                self._context.check_stop()
                self._obsolete_batch(unseen[start : start + size])

    def _obsolete_batch(self, ids: Sequence[int]) -> None:
        staging = Staging(self._store, self._context.agent, self._space, self._report.staging)
        for row in self._store.rows(ids):
            staging.stage_gone(row)
        self._write(staging)

    def _check_deletion_limit(self) -> None:
        limit = self._report.step.deletion_limit
        if limit is None:
            return
        count, after = 0, 0
        while ids := self._store.scan_ids(self._space.id, after, _SCAN):
            after = ids[-1]
            unseen = [number for number in ids if number not in self._seen]
            count += sum(
                row.blob is not None and DELETE not in {row.staged, row.pending} for row in self._store.rows(unseen)
            )
            if count > limit:
                raise Stopped("stopped-deletion-limit", f"more than {limit} objects would be staged as deleted")

    def _check_object_limit(self) -> None:
        limit = self._report.step.object_limit
        if limit is not None and self._report.done >= limit:
            raise Stopped("stopped-object-limit", f"the step's limit is {limit} objects")

    def _write(self, staging: Staging) -> None:
        if staging.unkept:
            message = "the connected system does not show what was exported to it"
            words = ("exported-change-not-reimported", "staging", message)
            errors = [self._error(row, words) for row in staging.unkept]
            for error in self._context.record(staging.batch, "import", errors):
                self._report.warning(error)
        self._store.apply(staging.batch)

    def _error(self, row: CsRow, words: tuple[str, str, str]) -> ErrorRow:
        return self._context.failure(row.id, row.agent, row.dn, words)

    def _fail(self, error: ReadError) -> None:
        self._report.staging.stage_failure += 1
        self._report.discovery_error(
            DiscoveryError(
                error_type=error.error_type,
                message=error.message,
                line=error.line,
                anchor=error.anchor,
                attribute=error.attribute,
            )
        )
