"""The routes that tell whether all is well, and what happens."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse, Response

from autosync.web.asking import Asked, Streams, number_of
from autosync.web.errors import Code, answer
from autosync.web.event_stream import EventStream

router = APIRouter()
health = APIRouter()


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Facts as they are recorded, as `EventView`."}
    },
)
async def events(
    service: Asked,
    streams: Streams,
    after: Annotated[int | None, Query(ge=0, description="Begin behind this fact; without it, from now on.")] = None,
    last_event_id: Annotated[str | None, Header(description="Sent by readers that come back.")] = None,
) -> Response:
    """Follow the journal live (server-sent events). Whoever comes back with `Last-Event-ID` misses nothing."""
    streams.check_room()
    begin = after if last_event_id is None else number_of(last_event_id)
    return EventStream(streams, lambda: service.events(begin))


@health.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@health.get("/readyz", responses={503: {"description": "Nothing can be recorded now."}})
async def readyz(service: Asked) -> Response:
    """Say whether the store answers, so that wishes are recorded."""
    if await service.trouble():
        return answer(503, Code.UNAVAILABLE, "the store cannot be written now; nothing acknowledged is lost")
    return JSONResponse({"status": "ready"})
