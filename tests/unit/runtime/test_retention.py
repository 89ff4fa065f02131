import asyncio
from datetime import timedelta
from typing import Any

from autosync.adapters.stores.memory import MemoryStore
from autosync.model.errors import EngineUnavailable, StoreUnavailable
from autosync.model.facts import Fact, FactKind
from autosync.model.ids import EngineName
from autosync.ports.store import Commit, FactFilter
from autosync.runtime.retention import Keep, Retention
from autosync.testing.simulation import run_simulated


def test_old_facts_go_in_small_bites_and_young_ones_stay():
    async def main(clock, _random):
        store, bites = MemoryStore(), []
        for age in (100, 100, 100, 100, 100, 10):
            at = clock.now() - timedelta(days=age)
            await store.commit(Commit(at=at, facts=(Fact(kind=FactKind.RUN_ENDED, at=at, text=f"{age} days"),)))
        prune = store.prune

        async def watched(before, *, limit):
            bites.append(limit)
            return await prune(before, limit=limit)

        store.prune = watched
        retention = Retention(store, tuple, clock, Keep(bite=2))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(retention.run())
            await clock.sleep(60)
            task.cancel()
        left = await store.facts(FactFilter())
        assert [each.fact.text for each in left] == ["10 days"]
        assert bites == [2, 2, 2]

    run_simulated(main)


def test_a_store_that_is_away_is_tried_again_next_time():
    class Away(MemoryStore):
        tries = 0

        async def prune(self, before, *, limit=5000):
            self.tries += 1
            raise StoreUnavailable("locked")

    async def main(clock, _random):
        store = Away()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(Retention(store, tuple, clock, Keep()).run())
            await clock.sleep(2 * 3600 + 1)
            task.cancel()
        assert store.tries == 3

    run_simulated(main)


def test_engines_history_is_cleared_only_where_asked_and_one_that_is_away_stops_nothing():
    class Engine:
        def __init__(self, name, *, away=False):
            self.name, self.away, self.cleared = name, away, []

        async def clear_history(self, before):
            if self.away:
                raise EngineUnavailable("away")
            self.cleared.append(before)
            return 5

    async def main(clock, _random):
        engines: Any = (Engine("a", away=True), Engine("b"), Engine("c"))
        for keep in (Keep(), Keep(engine_history=dict.fromkeys(map(EngineName, "ab"), timedelta(days=30)))):
            async with asyncio.TaskGroup() as group:
                task = group.create_task(Retention(MemoryStore(), lambda: engines, clock, keep).run())
                await clock.sleep(1)
                task.cancel()
        assert [len(each.cleared) for each in engines] == [0, 1, 0]
        assert engines[1].cleared[0].date() == (clock.now() - timedelta(days=30)).date()

    run_simulated(main)
