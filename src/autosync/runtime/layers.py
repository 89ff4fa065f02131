"""Parts that live beside a body and are gone when it is left: the shape of an ordered shutdown."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def layer(work: Coroutine[None, None, object], *, name: str) -> AsyncGenerator[None]:
    """Run ``work`` beside the body; on the way out cancel it and wait until it has gone."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work, name=name)
        try:
            yield
        finally:
            task.cancel()
