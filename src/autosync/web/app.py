"""The application: routes under ``/api/v1``, the borders before them, and the OpenAPI description of it all."""

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from autosync.ports.clock import Clock
from autosync.service.service import Service
from autosync.web import configuring, hooks, reading, watching, wishing
from autosync.web.borders import Access, Doorkeeper, LastResort, SizeLimit
from autosync.web.errors import answer_http, answer_invalid
from autosync.web.event_stream import EventStreams

PREFIX = "/api/v1"

_DESCRIPTION = """What AutoSync knows, and what may be asked of it.

Every request carries `Authorization: Bearer` with the token of the service's token file. Times are UTC, durations are
seconds. Lists are `{"items": […], "next": …}`. Errors are `{"error": {"code": …, "message": …}}`; codes are stable."""


class ErrorDetail(BaseModel):
    """What went wrong: a code for programs, a sentence for people."""

    model_config = ConfigDict(extra="allow")

    code: str
    message: str


class ErrorBody(BaseModel):
    """The shape of every answer that is not a success."""

    error: ErrorDetail


def build_app(
    service: Service,
    access: Access,
    clock: Clock,
    version: str = "",
    find_webhook: hooks.FindWebhook = lambda _address: None,
) -> FastAPI:
    """Return the application. It has no pages that load anything from elsewhere."""
    app = FastAPI(
        title="AutoSync",
        version=version or "0",
        description=_DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    app.state.streams = EventStreams(clock)
    app.state.find_webhook = find_webhook
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    token = Depends(HTTPBearer(auto_error=False, description="The token of the service's token file."))
    routes = APIRouter(prefix=PREFIX, dependencies=[token], responses={"default": {"model": ErrorBody}})
    for part in (wishing, reading, configuring, watching):
        routes.include_router(part.router)
    app.include_router(routes)
    app.include_router(watching.health)
    app.include_router(hooks.router)
    # The last one added stands outermost.
    app.add_middleware(SizeLimit)
    app.add_middleware(Doorkeeper, access=access)
    app.add_middleware(LastResort)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
