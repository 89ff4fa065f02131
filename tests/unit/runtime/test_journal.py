import asyncio
import json
from datetime import UTC, datetime

import structlog

from autosync.adapters.stores.memory import MemoryStore
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.ids import AgentId, RunId
from autosync.ports.secrets import Secret
from autosync.ports.store import Commit, StoredFact
from autosync.runtime.journal import Journal, line_of
from autosync.testing.simulation import run_simulated

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def fact(text: str = "it ran", **more) -> Fact:
    return Fact(kind=FactKind.RUN_ENDED, at=NOON, text=text, **more)


async def tell(store, journal, *texts) -> None:
    journal.publish(await store.commit(Commit(at=NOON, facts=tuple(fact(text) for text in texts))))


async def follow(journal, after, into: list[str]) -> None:
    async for stored in journal.subscribe(after):
        into.append(stored.fact.text)  # noqa: PERF401 - it never ends


def following(play, *, after=None, capacity=100) -> list[str]:
    """Return what a follower saw while ``play(store, journal)`` went on."""

    async def main(clock, _random):
        store, seen = MemoryStore(), []
        journal = Journal(store, capacity=capacity, logged=False)
        await tell(store, journal, "before 1", "before 2")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(follow(journal, after, seen))
            await clock.sleep(1)
            await play(store, journal)
            await clock.sleep(1)
            task.cancel()
        return seen

    return run_simulated(main)


async def a_fact_more(store, journal):
    await tell(store, journal, "after")


def test_who_follows_from_now_sees_what_comes():
    assert following(a_fact_more) == ["after"]


def test_who_resumes_by_number_misses_nothing():
    assert following(a_fact_more, after=1) == ["before 2", "after"]
    assert following(a_fact_more, after=0) == ["before 1", "before 2", "after"]


def test_a_slow_follower_reads_from_the_store_what_the_buffer_lost():
    async def play(store, journal):
        for number in range(1200):
            await tell(store, journal, str(number))

    assert following(play, capacity=5) == [str(number) for number in range(1200)]


def test_a_follower_whose_facts_were_pruned_goes_on_with_what_is_left():
    async def main(clock, _random):
        store, seen = MemoryStore(), []
        journal = Journal(store, capacity=2, logged=False)
        for number in range(10):
            await tell(store, journal, str(number))
        await store.prune(datetime(2027, 1, 1, tzinfo=UTC))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(follow(journal, 3, seen))
            await clock.sleep(1)
            await tell(store, journal, "new")
            await clock.sleep(1)
            task.cancel()
        return seen

    assert run_simulated(main) == ["8", "9", "new"]


def test_many_followers_see_the_same():
    async def main(clock, _random):
        store, seen = MemoryStore(), [[] for _ in range(20)]
        journal = Journal(store, logged=False)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(follow(journal, None, each)) for each in seen]
            await clock.sleep(1)
            await tell(store, journal, "a", "b")
            await clock.sleep(1)
            for task in tasks:
                task.cancel()
        return seen

    assert run_simulated(main) == [["a", "b"]] * 20


def test_each_fact_is_one_log_line_with_the_words_of_the_design():
    with structlog.testing.capture_logs() as lines:
        journal = Journal(MemoryStore())
        journal.publish(
            [StoredFact(number=7, fact=fact(agent=AgentId("sim/hr"), run=RunId(3), severity=Severity.WARNING))]
        )

    assert lines == [
        {
            "event": "run-ended",
            "log_level": "warning",
            "fact": 7,
            "agent": "sim/hr",
            "run": 3,
            "text": "it ran",
        }
    ]


def test_no_secret_reaches_a_log_line():
    secret = Secret("hunter2")
    line = line_of(StoredFact(number=1, fact=fact(data={"a": secret, "b": {"c": [secret]}, "d": (secret,)})))

    assert "hunter2" not in json.dumps(line, default=vars)
    assert "***" in json.dumps(line)
