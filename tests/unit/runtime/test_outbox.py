import asyncio
from datetime import timedelta
from random import Random

from autosync.adapters.stores.memory import MemoryStore
from autosync.model.errors import AutoSyncError
from autosync.ports.store import Commit, NewMessage
from autosync.runtime.outbox import Outbox
from autosync.testing.simulation import run_simulated


class Post:
    """Delivers, unless its line is down."""

    def __init__(self) -> None:
        self.delivered: list[tuple[float, object]] = []
        self.tries = 0
        self.is_down = False
        self.hangs = False

    async def send(self, body) -> None:
        self.tries += 1
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.is_down:
            raise AutoSyncError("no route to host")
        self.delivered.append((asyncio.get_running_loop().time(), body["text"]))


def delivering(play):
    """Run ``play(clock, post, put, outbox)`` beside an outbox, and return the post and the store."""

    async def main(clock, _random):
        store, post = MemoryStore(), Post()
        outbox = Outbox(store, {"mail": post}, clock, Random(1))

        async def put(*texts: str, channel: str = "mail") -> None:
            messages = tuple(NewMessage(channel=channel, body={"text": text}) for text in texts)
            await store.commit(Commit(at=clock.now(), messages=messages))
            outbox.wake()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(outbox.run())
            await play(clock, post, put, outbox)
            task.cancel()
        return post, store, clock.now()

    return run_simulated(main)


def test_a_message_goes_out_at_once_and_only_once():
    async def play(clock, _post, put, _outbox):
        await clock.sleep(10)
        await put("one", "two")
        await clock.sleep(3600)

    post, _, _ = delivering(play)
    assert post.delivered == [(10.0, "one"), (10.0, "two")]


def test_w43_a_channel_that_is_down_is_tried_with_growing_pauses_and_everything_arrives():
    async def play(clock, post, put, _outbox):
        post.is_down = True
        await put("one")
        await clock.sleep(4 * 3600)
        assert post.tries < 20
        post.is_down = False
        await clock.sleep(3 * 3600)

    post, _, _ = delivering(play)
    assert [text for _, text in post.delivered] == ["one"]


def test_one_channel_s_trouble_does_not_keep_the_others():
    async def play(clock, _post, put, _outbox):
        await put("to nobody", channel="gone")
        await put("one")
        await clock.sleep(1)

    post, store, now = delivering(play)
    assert [text for _, text in post.delivered] == ["one"]
    assert len(asyncio.run(store.due_messages(now + timedelta(days=2)))) == 1, "it waits until the channel is back"


def test_a_channel_that_hangs_is_given_up_for_a_while():
    async def play(clock, post, put, _outbox):
        post.hangs = True
        await put("one")
        await clock.sleep(100)
        post.hangs = False
        await clock.sleep(3600)

    post, _, _ = delivering(play)
    assert [text for _, text in post.delivered] == ["one"]


def test_messages_of_an_earlier_life_go_out():
    async def play(clock, _post, put, outbox):
        await put("left over")
        await clock.sleep(1)
        other = Post()
        outbox.use({"mail": other})
        await put("new")
        await clock.sleep(1)
        assert [text for _, text in other.delivered] == ["new"]

    assert len(delivering(play)[0].delivered) == 1
