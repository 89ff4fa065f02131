"""Threads that own what must not be shared."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from autosync.windows_remoting.workers import Workers, WorkersBusy, WorkersClosed, WorkTimedOut


class Tool:
    """What a thread owns: it knows who made it, and whether it was let go."""

    made: list["Tool"]

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.gate = threading.Event()
        self.closed_by: int | None = None

    def abort(self) -> None:
        self.gate.set()

    def close(self) -> None:
        self.closed_by = threading.get_ident()


@pytest.fixture
def made() -> list[Tool]:
    return []


def workers(made: list[Tool], most: int, **options: Any) -> Workers[Tool]:
    def make() -> Tool:
        tool = Tool()
        made.append(tool)
        return tool

    return Workers(make, most=most, name="test", **options)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await main()

    asyncio.run(limited())


def test_what_a_thread_owns_is_used_and_closed_by_it_alone(made: list[Tool]) -> None:
    async def main() -> None:
        pool = workers(made, 3)
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(pool.call(check, limit_s=5), name=str(number))
        await pool.close()

    def check(tool: Tool) -> None:
        assert tool.thread == threading.get_ident()

    run(main)

    assert 1 <= len(made) <= 3
    assert all(tool.closed_by == tool.thread for tool in made)


def test_one_thread_is_enough_for_one_at_a_time(made: list[Tool]) -> None:
    async def main() -> None:
        pool = workers(made, 5)
        for _ in range(5):
            await pool.call(lambda _: None, limit_s=5)
        await pool.close()

    run(main)

    assert len(made) == 1


def test_what_the_work_raises_reaches_who_asked(made: list[Tool]) -> None:
    def fail(_: Tool) -> None:
        raise TimeoutError("of the work itself")

    async def main() -> None:
        pool = workers(made, 1)
        with pytest.raises(TimeoutError, match="of the work itself"):
            await pool.call(fail, limit_s=5)
        await pool.close()

    run(main)


def test_work_that_takes_too_long_goes_on_and_says_so(made: list[Tool]) -> None:
    done = threading.Event()

    def work(tool: Tool) -> None:
        tool.gate.wait(10)
        done.set()

    async def main() -> None:
        pool = workers(made, 1)
        with pytest.raises(WorkTimedOut):
            await pool.call(work, limit_s=0.05)
        made[0].gate.set()
        assert await asyncio.to_thread(done.wait, 5)
        await pool.close()

    run(main)


def test_work_that_found_no_thread_is_never_done(made: list[Tool]) -> None:
    begun: list[str] = []

    async def main() -> None:
        pool = workers(made, 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(pool.call(lambda tool: tool.gate.wait(10), limit_s=10), name="long")
            await until(lambda: bool(made))
            with pytest.raises(WorkersBusy):
                await pool.call(lambda _: begun.append("late"), limit_s=0.05)
            waiting = group.create_task(pool.call(lambda _: begun.append("given up"), limit_s=5), name="given up")
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.sleep(0)
            made[0].gate.set()
        await pool.call(lambda _: None, limit_s=5)
        await pool.close()

    run(main)

    assert begun == []


def test_closing_breaks_off_what_goes_on_and_what_waits(made: list[Tool]) -> None:
    async def main() -> None:
        pool = workers(made, 1)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(pool.call(lambda tool: tool.gate.wait(10), limit_s=10), name="first")
            second = group.create_task(refused(pool), name="second")
            await until(lambda: bool(made))
            await pool.close()
        assert first.result() is True
        assert second.result()
        assert await pool.call(lambda _: "again", limit_s=5) == "again"
        await pool.close()
        await pool.close()

    async def refused(pool: Workers[Tool]) -> bool:
        with pytest.raises(WorkersClosed):
            await pool.call(lambda _: None, limit_s=10)
        return True

    run(main)

    assert len(made) == 2


def test_a_thread_without_work_ends_and_lets_go(made: list[Tool]) -> None:
    async def main() -> None:
        pool = workers(made, 1, idle_s=0.05)
        await pool.call(lambda _: None, limit_s=5)
        await until(lambda: made[0].closed_by is not None)
        await pool.call(lambda _: None, limit_s=5)
        await pool.close()

    run(main)

    assert len(made) == 2


def test_what_cannot_be_made_is_tried_again(made: list[Tool]) -> None:
    tries = iter([OSError("not now")])

    def make() -> Tool:
        for error in tries:
            raise error
        return Tool()

    async def main() -> None:
        pool = Workers(make, most=1, name="test")
        with pytest.raises(OSError, match="not now"):
            await pool.call(lambda _: None, limit_s=5)
        assert await pool.call(lambda _: "well", limit_s=5) == "well"
        await pool.close()

    run(main)


async def until(is_so: Callable[[], bool]) -> None:
    while True:
        if is_so():
            return
        await asyncio.sleep(0.002)
