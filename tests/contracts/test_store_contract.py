"""Both stores under the one suite."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from autosync.adapters.stores.memory import MemoryStore
from autosync.adapters.stores.sqlite import SqliteStore
from autosync.ports.store import Store
from autosync.testing.contracts.store import CASES, StoreContract


@pytest.fixture(params=["sqlite", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "autosync.db")
    memory = MemoryStore()
    return lambda: memory


@pytest.mark.parametrize("case", CASES)
def test_a_store_keeps_its_promises(case: str, make: Callable[[], Store]) -> None:
    asyncio.run(getattr(StoreContract(make), case)())
