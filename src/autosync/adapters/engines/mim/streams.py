"""What tools write, as a stream that is let go of wherever its reader stops."""

from collections.abc import AsyncGenerator, AsyncIterator


async def pieces_of(written: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the pieces; closing this closes what writes them, so that nothing goes on for nobody."""
    try:
        async for piece in written:
            yield piece
    finally:
        if isinstance(written, AsyncGenerator):
            await written.aclose()
