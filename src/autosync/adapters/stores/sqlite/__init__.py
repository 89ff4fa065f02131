"""The durable store: one SQLite file in WAL mode, plain SQL in named files, invariants as partial unique indexes."""

from autosync.adapters.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
