"""A store in memory, under the same contract: for tests and for simulated time, where threads do not exist."""

from autosync.adapters.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
