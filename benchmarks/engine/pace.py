"""How fast this processor is while a run goes on: a little work, always the same, measured after each batch.

On a machine that others use, the same run takes up to half as much processor time again from one minute to the next, and a
run of minutes meets other neighbours than one of seconds. Both counted in units of this work can be compared.
"""

import sqlite3
import time
from typing import Final

from autosync.syncengine.store.codec import decode, encode

_OBJECTS: Final = 5_000
_STEPS: Final = 400


class Pace:
    """Measures when it is called, as a run's ``on_progress``; the seconds are what that took in all."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """Of the processor."""
        self.elapsed = 0.0
        self._times = 0
        self._blob = encode({f"a{number}": f"value {number} of some length" for number in range(20)})
        self._store = sqlite3.connect(":memory:")
        self._store.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, blob BLOB)")
        self._store.execute("CREATE INDEX t_name ON t (name)")
        rows = [(number, self._name(number), self._blob) for number in range(_OBJECTS)]
        self._store.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)

    def __call__(self, *_: object) -> None:
        """Decode and encode some objects, and move them about in an index."""
        started, worked = time.perf_counter(), time.process_time()
        for number in range(_STEPS):
            values = decode(self._blob)
            values["a1"] = number
            encode(values)
        places = [(number * 31 + self._times * 17) % _OBJECTS for number in range(_STEPS)]
        self._store.executemany("UPDATE t SET name = ? WHERE id = ?", [(self._name(each * 3), each) for each in places])
        self.seconds += time.process_time() - worked
        self.elapsed += time.perf_counter() - started
        self._times += 1

    def units(self, seconds: float) -> float:
        """Return processor time in units of 1,000 times this work, at the pace of the measurements until now."""
        if not self._times:
            self()
        return seconds / (self.seconds / self._times) / 1000

    @staticmethod
    def _name(number: int) -> str:
        return f"E{number * 7919 % _OBJECTS:07d}"
