"""The routes of the configuration: looked at, planned, then applied by whoever saw the revision that it replaces."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from autosync.model.wording import number
from autosync.service import views
from autosync.service.service import Service
from autosync.web.asking import Asked, Body, Limit, Page, Person
from autosync.web.errors import ApiError, Code

router = APIRouter(prefix="/configuration")


class TextBody(Body):
    """A whole configuration, in YAML. Secrets are references in it."""

    text: str


@router.get("")
async def configuration(service: Asked, response: Response) -> views.RevisionView:
    """Return the configuration in force; its `ETag` goes back as `If-Match` with a change."""
    revision = await service.configuring.revision()
    response.headers["ETag"] = _tag(revision)
    return revision


@router.get("/revisions")
async def revisions(service: Asked, limit: Limit = 50) -> Page[views.RevisionView]:
    """Who applied what and why, newest first, without the texts."""
    return Page(items=await service.configuring.revisions(limit))


@router.post("/plan")
async def plan(service: Asked, body: TextBody) -> views.PlanView:
    """Return what a text would change, or its mistakes with file, line and column. Nothing is applied."""
    return await service.configuring.plan(body.text)


@router.put("")
async def apply(
    service: Asked,
    person: Person,
    body: TextBody,
    response: Response,
    if_match: Annotated[str | None, Header(description="`ETag` of the revision that was looked at.")] = None,
) -> views.RevisionView:
    """Put a text in force, unless somebody else was faster or it has mistakes."""
    looked_at = await _check_revision(service, if_match)
    planned = await service.configuring.plan(body.text)
    if planned.mistakes:
        count = len(planned.mistakes)
        said = f"{number(count, 'mistake')}; revision {planned.revision} stays in force"
        details = [_told(mistake) for mistake in planned.mistakes]
        raise ApiError(422, Code.INVALID_CONFIGURATION, said, mistakes=details)
    applied = await service.configuring.apply(body.text, person, body.reason, over=looked_at)
    response.headers["ETag"] = _tag(applied)
    return applied


@router.post("/reload")
async def reload(service: Asked, person: Person, body: Body) -> views.RevisionView:
    """Read the configuration file again and put it in force."""
    return await service.configuring.reload(person, body.reason)


async def _check_revision(service: Service, if_match: str | None) -> int:
    """Return the revision that the change is to replace."""
    if if_match is None:
        raise ApiError(
            428, Code.PRECONDITION_REQUIRED, "send If-Match with the ETag of the configuration that you changed"
        )
    running = await service.configuring.revision()
    if if_match.strip() != _tag(running):
        said = f"revision {running.number} by {running.by} came first: look at it, then send your change again"
        raise ApiError(412, Code.CHANGED_MEANWHILE, said, revision=running.number)
    return running.number


def _tag(revision: views.RevisionView) -> str:
    return f'"{revision.number}"'


def _told(mistake: views.MistakeView) -> dict[str, object]:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "path": mistake.path,
        "message": mistake.message,
    }
