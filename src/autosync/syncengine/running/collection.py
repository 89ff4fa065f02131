"""The garbage collector out of the way of a run: batches make many small containers that plain counting frees."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 200_000
"""Containers between collections of the youngest; with Python's 700 decoding alone costs three to five times as much."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Collect seldom within, and put everything back afterwards. What is there already is not looked at."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
