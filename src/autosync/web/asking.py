"""What every handler is given: the service, who asks, and where a listing goes on."""

from typing import Annotated, Generic, TypeVar
from urllib.parse import unquote

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict

from autosync.service.service import Service
from autosync.web.errors import ApiError, Code
from autosync.web.event_stream import EventStreams

Item = TypeVar("Item")

_LONGEST_NAME = 100


class Page(BaseModel, Generic[Item]):
    """A part of a listing. ``next`` goes back as ``cursor`` to continue; null at the end."""

    items: tuple[Item, ...]
    next: str | None = None


class Body(BaseModel):
    """What every body is: nothing unknown in it, and a reason that the journal keeps."""

    model_config = ConfigDict(extra="forbid")

    reason: str = ""


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _streams(request: Request) -> EventStreams:
    streams: EventStreams = request.app.state.streams
    return streams


def _person(
    autosync_person: Annotated[str, Header(description="Who asks, percent-encoded; for the journal.")] = "",
) -> str:
    """Return who asks as they say it: the token says that they may, the name is for the journal."""
    name = unquote(autosync_person).strip() or "api"
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise ApiError(422, Code.INVALID, f"AutoSync-Person takes at most {_LONGEST_NAME} printable characters")
    return name


def number_of(cursor: str | None) -> int | None:
    """Return the number in a cursor; raise where it is none of ours."""
    if cursor is None:
        return None
    if not cursor.isdecimal():
        raise ApiError(422, Code.INVALID, "this cursor is not from this listing: begin again without one")
    return int(cursor)


Asked = Annotated[Service, Depends(_service)]
Streams = Annotated[EventStreams, Depends(_streams)]
Person = Annotated[str, Depends(_person)]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
