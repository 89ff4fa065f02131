"""What an object that was read means for the connector space: nothing, a confirmation, or a staged import."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from autosync.syncengine.connectors.port import Entry
from autosync.syncengine.names import name_key, same_name
from autosync.syncengine.results import StagingCounters
from autosync.syncengine.rules.coercion import same
from autosync.syncengine.rules.plan import AgentPlan
from autosync.syncengine.running.doubt import is_in_doubt
from autosync.syncengine.running.escrow import again, expected, not_kept, pack, unpack
from autosync.syncengine.store.codec import decode, encode
from autosync.syncengine.store.port import ExportRef, Store
from autosync.syncengine.store.rows import (
    ADD,
    DELETE,
    DELETE_ADD,
    NONE,
    RENAME,
    UPDATE,
    CsRow,
    Space,
    WriteBatch,
)

_COUNTERS = {
    NONE: "stage_no_change",
    ADD: "stage_add",
    UPDATE: "stage_update",
    RENAME: "stage_rename",
    DELETE: "stage_delete",
    DELETE_ADD: "stage_delete_add",
}


@dataclass(slots=True)
class Links:
    """The reference values of one object by attribute number: of the store, and what waits for confirmation."""

    stored: dict[int, dict[str, int]] = field(default_factory=dict)
    sent: dict[int, list[ExportRef]] = field(default_factory=dict)
    waiting: dict[tuple[int, int, str | bytes], ExportRef] = field(default_factory=dict)
    """What waits for export: by (attribute, removes, what makes names equal)."""


class Staging:
    """Stages the objects of one batch into a ``WriteBatch``."""

    def __init__(self, store: Store, agent: AgentPlan, space: Space, counters: StagingCounters) -> None:
        self.batch = WriteBatch()
        self.unkept: list[CsRow] = []
        """Objects whose export the connected system did not keep."""
        self._store = store
        self._agent = agent
        self._space = space
        self._counters = counters
        self._multiple = {name: store.attribute_number(name) for name in sorted(agent.multiple_references)}
        self._single = {name: store.attribute_number(name) for name in sorted(agent.single_references)}

    def links(self, rows: Iterable[CsRow]) -> dict[int, Links]:
        """Return the references of objects, where the agent has any."""
        found = {row.id: Links() for row in rows}
        if not self._agent.references:
            return found
        for cs, attribute, value, state in self._store.refs(list(found)):
            found[cs].stored.setdefault(attribute, {})[value] = state
        for ref in self._store.export_refs(list(found)):
            if ref[5]:
                found[ref[0]].sent.setdefault(ref[1], []).append(ref)
            else:
                found[ref[0]].waiting[ref[1], ref[2], name_key(str(ref[3] if ref[2] else ref[4]))] = ref
        return found

    def stage_new(self, entry: Entry, digest: bytes | None) -> None:
        """Stage an object that the connector space does not have."""
        values, links = self._split(entry)
        row = CsRow(
            self._store.next_cs_id(), self._agent.number, self._space.id, entry.object_type, entry.anchor, entry.dn,
            digest, staged=ADD, blob=encode(values),
        )  # fmt: skip
        for number, wanted in links.items():
            self.batch.refs_new.extend((row.id, number, value, row.agent, 0) for value in wanted)
        self.batch.cs_new.append(row)
        self.batch.count_new(row)
        self._counters.stage_add += 1

    def stage_known(self, row: CsRow, entry: Entry, digest: bytes | None, links: Links) -> None:
        """Stage an object that the connector space has: confirm its export, and see what else is different."""
        was_staged, was_pending, was = row.staged, row.pending, (row.dn, row.type, row.digest, row.space)
        values, wanted = self._split(entry)
        synchronized, believed = self._images(row)
        kept = self._confirm(row, values, believed)
        refs_changed, refs_kept = self._stage_links(row, wanted, links)
        changed = self._is_news(entry.object_type, values, synchronized, believed)
        staged = self._kind(row, entry, was_staged, changed=changed or refs_changed)
        if staged in {NONE, ADD}:
            row.before = None
        elif row.before is None:
            row.before = encode(believed if row.blob is None else synchronized)
        row.staged, row.type, row.dn = staged, entry.object_type, entry.dn
        row.digest, row.space = digest, self._space.id
        fresh_anchor, row.anchor = row.anchor != entry.anchor, entry.anchor
        blob, had_escrow = encode(values), row.escrow is not None
        row.escrow = None
        self._drop_satisfied_export(row, values)
        if not (kept and refs_kept):
            self.unkept.append(row)
        unchanged = row.blob == blob and was == (row.dn, row.type, row.digest, row.space)
        row.blob = blob
        if not unchanged or fresh_anchor or had_escrow or (row.staged, row.pending) != (was_staged, was_pending):
            self.batch.cs_read.append(row)
            if row.space == was[3]:
                self.batch.count(row, was_staged, was_pending)
            else:  # the object moved here from another partition
                self.batch.count_gone(was[3], was_staged, was_pending)
                self.batch.count_new(row)
        news = staged if staged != was_staged or not unchanged else NONE
        self._count(NONE if not changed and not refs_changed and staged == was_staged else news)

    def stage_gone(self, row: CsRow) -> None:
        """Stage that the connected system has an object no more."""
        if row.staged == DELETE:
            self._counters.stage_no_change += 1
            return
        if row.blob is None and row.escrow is None:
            return  # not yet exported: nothing to be seen
        if is_in_doubt(row) and row.pending == ADD:
            row.escrow = None  # it was not made, and is to be made still, as it should be by now
            self.batch.cs_sent.append(row)
            if row.mv is not None:
                self.batch.due_new.append((row.mv, 0, ""))
            return
        escrow = unpack(row.escrow)
        if row.staged == ADD or DELETE in {escrow.kind, row.pending} or (row.blob is None and row.mv is None):
            # Never synchronized, or gone because we said so: nothing is left to tell anybody.
            self.batch.cs_gone.append(row.id)
            self.batch.count_gone(row.space, row.staged, row.pending)
            self._count(DELETE if row.staged == ADD else NONE)
            return
        if row.blob is None:
            self._expect_again(row)
            return
        was = row.staged
        row.before = row.before if row.before is not None else row.blob
        row.staged, row.digest, row.escrow = DELETE, None, None
        self.batch.cs_read.append(row)
        self.batch.count(row, was, row.pending)
        self._count(DELETE)

    def _split(self, entry: Entry) -> tuple[dict[str, Any], dict[int, set[str]]]:
        values = entry.attributes
        if not self._agent.references:
            return values, {}
        links: dict[int, set[str]] = {}
        for name, number in self._single.items():
            value = values.get(name)
            if value is not None:
                links[number] = {str(each) for each in value} if isinstance(value, list) else {str(value)}
        if self._multiple:
            values = dict(values)
            for name, number in self._multiple.items():
                value = values.pop(name, None)
                if value is not None:
                    links[number] = {str(each) for each in value} if isinstance(value, list) else {str(value)}
        return values, links

    @staticmethod
    def _images(row: CsRow) -> tuple[dict[str, Any], dict[str, Any]]:
        believed = expected(row.blob, row.escrow)
        return decode(row.before) if row.before is not None else decode(row.blob), believed

    def _is_news(
        self, object_type: str, values: dict[str, Any], synchronized: dict[str, Any], believed: dict[str, Any]
    ) -> bool:
        """Return whether a synchronization must look: something differs that the engine has not written itself."""
        if values == synchronized:
            return False
        rules = self._agent.rules_for(object_type)
        reads = frozenset() if rules is None else rules.reads
        if not reads and reads is not None and values == believed:
            return False  # the usual confirmation
        for name in values.keys() | synchronized.keys():
            shown, known = values.get(name), synchronized.get(name)
            if shown == known or (shown is not None and known is not None and same(shown, known)):
                continue
            ours = believed.get(name)
            explained = shown == ours or (shown is not None and ours is not None and same(shown, ours))
            if not explained or reads is None or name in reads:
                return True
        return False

    @staticmethod
    def _kind(row: CsRow, entry: Entry, was_staged: int, *, changed: bool) -> int:
        if was_staged == ADD:
            return ADD
        if row.type != entry.object_type and row.blob is not None:
            return DELETE_ADD
        if was_staged == DELETE_ADD:
            return DELETE_ADD
        # Seen for the first time after it was made here: the system may write its name in other letters.
        same_name = row.blob is None and name_key(row.dn) == name_key(entry.dn)
        if (row.dn != entry.dn and not same_name) or was_staged == RENAME:
            return RENAME
        return UPDATE if changed else NONE

    def _confirm(self, row: CsRow, image: dict[str, Any], believed: dict[str, Any]) -> bool:
        """Compare what was exported with what is there; put back what is missing."""
        if row.escrow is None:
            return True
        escrow = unpack(row.escrow)
        if escrow.kind == DELETE:
            row.pending, row.export = DELETE, pack(escrow)
            return False
        if image == believed:
            return True
        missing = {
            name: value
            for name, value in not_kept(escrow, image).items()
            if not (name in self._single and self._agent.by_dn and same_name(image.get(name), value))
        }
        if missing and row.pending != DELETE:
            pending = again(missing, unpack(row.export))
            row.pending, row.export = row.pending or UPDATE, pack(pending)
        return not missing

    def _stage_links(self, row: CsRow, wanted: dict[int, set[str]], links: Links) -> tuple[bool, bool]:
        """Stage the differences of the references; return whether there is news, and whether exports were kept."""
        news, kept = False, True
        for number in self._single.values():
            self._replace_single(row, number, wanted.get(number, set()), links.stored.get(number, {}))
        for number in self._multiple.values():
            values, stored = wanted.get(number, set()), links.stored.get(number, {})
            explained, all_kept = self._confirm_links(row, number, values, links)
            kept = kept and all_kept
            news = self._stage_multiple(row, number, values, stored, explained) or news
        return news, kept

    def _replace_single(self, row: CsRow, number: int, values: set[str], stored: dict[str, int]) -> None:
        self.batch.refs_gone.extend((row.id, number, value) for value in stored.keys() - values)
        self.batch.refs_new.extend((row.id, number, value, row.agent, 0) for value in values - stored.keys())

    def _stage_multiple(
        self, row: CsRow, number: int, values: set[str], stored: dict[str, int], explained: set[str | bytes]
    ) -> bool:
        news = False
        fresh = row.staged == ADD
        for value in values - stored.keys():
            state = 0 if fresh or name_key(value) in explained else 1
            self.batch.refs_new.append((row.id, number, value, row.agent, state))
            news = news or state != 0
        if values.issuperset(stored) and not any(stored.values()):
            return news
        for value, state in stored.items():
            if value not in values:
                if fresh or state == 1 or name_key(value) in explained:
                    self.batch.refs_gone.append((row.id, number, value))
                else:
                    news = True
                    if state != 2:
                        self.batch.refs_state.append((2, row.id, number, value))
            elif state == 2:
                self.batch.refs_state.append((0, row.id, number, value))
            else:
                news = news or state == 1
        return news

    def _confirm_links(self, row: CsRow, number: int, values: set[str], links: Links) -> tuple[set[str | bytes], bool]:
        """Settle exported differences of a reference; return the names that they explain, and whether all were kept."""
        explained: set[str | bytes] = set()
        kept, sent = True, links.sent.get(number, ())
        shown = {name_key(value) for value in values} if sent else set()
        for cs, attribute, removes, key, value, _ in sent:
            assert value is not None
            if (name_key(value) in shown) is not bool(removes):
                self.batch.export_refs_gone.append((cs, attribute, removes, key))
                explained.add(name_key(value))
            else:
                opposite = links.waiting.get((attribute, 1 - removes, name_key(value)))
                if opposite is not None:  # it did not happen, and is to be undone: nothing is left to do
                    self.batch.export_refs_gone.append((cs, attribute, removes, key))
                    self.batch.export_refs_gone.append(opposite[:4])
                    continue
                kept = False
                self.batch.export_refs_sent.append((0, value, cs, attribute, removes, key))
                if row.pending != DELETE:
                    export = unpack(row.export)
                    row.export = pack(export._replace(kind=export.kind or UPDATE, many=True))
                    row.pending = row.pending or UPDATE
        rules = self._agent.rules_for(row.type)
        if rules is not None and any(self._multiple.get(ours) == number for _, ours in rules.multiple_references):
            return set(), kept  # it flows inwards, too: the metaverse must hear of it
        return explained, kept

    @staticmethod
    def _drop_satisfied_export(row: CsRow, image: dict[str, Any]) -> None:
        """Forget a pending update that has come true by itself."""
        if row.pending != UPDATE or row.export is None:
            return
        export = unpack(row.export)
        open_attributes = not_kept(export, image)
        if len(open_attributes) == len(export.attributes):
            return
        left = export._replace(attributes=open_attributes)
        if left.is_empty:
            row.pending, row.export = NONE, None
        else:
            row.export = pack(left)

    def _expect_again(self, row: CsRow) -> None:
        """Put an exported add that nobody can see back among the pending exports."""
        was, escrow = row.pending, unpack(row.escrow)
        row.pending = ADD
        export = again(escrow.attributes, unpack(row.export))
        row.export = pack(export._replace(kind=ADD, initial=escrow.initial))
        if self._multiple and row.mv is not None:
            self.batch.export_refs_forgotten.append(row.id)
            self.batch.due_new.append((row.mv, 0, ""))
        row.escrow = None
        self.batch.cs_read.append(row)
        self.batch.count(row, row.staged, was)
        self.unkept.append(row)

    def _count(self, kind: int) -> None:
        name = _COUNTERS[kind]
        setattr(self._counters, name, getattr(self._counters, name) + 1)
