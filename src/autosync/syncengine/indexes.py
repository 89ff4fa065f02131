"""Metaverse indexes that new rules need over objects that are there already."""

from collections.abc import Iterator

from autosync.syncengine.rules.plan import Plan
from autosync.syncengine.store.codec import decode, decode_any, encode
from autosync.syncengine.store.port import Store

_FACT = "metaverse indexes"
_LIMIT = 10_000


def build_missing_indexes(store: Store, plan: Plan) -> None:
    """Fill the indexes that the store does not have yet, and remember which it has."""
    blob = store.fact(_FACT)
    known: list[str] = [] if blob is None else decode_any(blob)
    wanted = sorted(index for each in plan.types.values() for index in each.indexes)
    for each in plan.types.values():
        for name in each.indexes:
            if name not in known:
                store.rebuild_index(name, _entries(store, plan, each.name, name))
    if wanted != known:
        store.remember(_FACT, encode(wanted))


def _entries(store: Store, plan: Plan, of: str, index: str) -> Iterator[tuple[str, str, int]]:
    key = plan.types[of].indexes[index]
    after = 0
    while rows := store.scan_metaverse(after, _LIMIT):
        after = rows[-1][0]
        for number, name, blob, _ in rows:
            if name == of and (value := key(decode(blob).get)) is not None:
                yield index, value, number
