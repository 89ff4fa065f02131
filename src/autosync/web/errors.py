"""How the API says no: one shape, stable codes, a status, and a sentence with the way out."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from autosync.model.errors import (
    AutoSyncError,
    ConfigError,
    EngineRejected,
    EngineUnavailable,
    NotFound,
    Refused,
    StoreDamaged,
    StoreUnavailable,
)
from autosync.service.configuring import RevisionChanged
from autosync.service.wishes import HoldChanged


class Code(StrEnum):
    """What programs may rely on. Sentences change; codes do not."""

    NOT_FOUND = "not-found"
    REFUSED = "refused"
    HOLD_CHANGED = "hold-changed"
    INVALID = "invalid"
    INVALID_CONFIGURATION = "invalid-configuration"
    UNAUTHORIZED = "unauthorized"
    WRONG_HOST = "wrong-host"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    CHANGED_MEANWHILE = "changed-meanwhile"
    PRECONDITION_REQUIRED = "precondition-required"
    UNAVAILABLE = "unavailable"
    ENGINE_REJECTED = "engine-rejected"
    INTERNAL = "internal"


class ApiError(Exception):
    """A no of the border itself."""

    def __init__(self, status: int, code: Code, message: str, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.more: Mapping[str, object] = more


_BY_TYPE: Final[tuple[tuple[type[AutoSyncError], int, Code], ...]] = (
    (NotFound, 404, Code.NOT_FOUND),
    (HoldChanged, 409, Code.HOLD_CHANGED),
    (RevisionChanged, 412, Code.CHANGED_MEANWHILE),
    (Refused, 409, Code.REFUSED),
    (ConfigError, 422, Code.INVALID_CONFIGURATION),
    (EngineUnavailable, 503, Code.UNAVAILABLE),
    (EngineRejected, 502, Code.ENGINE_REJECTED),
    (StoreUnavailable, 503, Code.UNAVAILABLE),
    (StoreDamaged, 503, Code.UNAVAILABLE),
)
"""First match wins: the special before the general."""

_BY_STATUS: Final[Mapping[int, Code]] = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED, 413: Code.TOO_LARGE}


def answer(status: int, code: Code, message: str, **more: object) -> JSONResponse:
    """Return the one shape: ``{"error": {"code": …, "message": …, …}}``."""
    return JSONResponse({"error": {"code": code.value, "message": message, **more}}, status_code=status)


def answer_of(error: Exception) -> JSONResponse | None:
    """Return the answer for an error that was raised on purpose; None for one that was not."""
    if isinstance(error, ApiError):
        return answer(error.status, error.code, error.message, **error.more)
    for kind, status, code in _BY_TYPE:
        if isinstance(error, kind):
            return answer(status, code, str(error))
    if isinstance(error, TimeoutError):
        return answer(503, Code.UNAVAILABLE, "it could not be recorded in time; ask again: equal wishes merge")
    return None


async def answer_http(_request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework itself refuses: unknown routes, wrong methods."""
    assert isinstance(error, HTTPException)
    code = _BY_STATUS.get(error.status_code, Code.INVALID)
    return answer(error.status_code, code, str(error.detail))


async def answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request that does not fit: where and why, without what was sent (it may hold a secret)."""
    assert isinstance(error, RequestValidationError)
    details = [
        {"where": ".".join(str(part) for part in each["loc"]), "message": each["msg"]} for each in error.errors()
    ]
    told = "; ".join(f"{each['where']}: {each['message']}" for each in details)
    return answer(422, Code.INVALID, f"the request does not fit: {told}", details=details)
