"""The routes that want something done. Each goes to the writer, past the guards, and answers with what was recorded."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from autosync.model.ids import RequestId
from autosync.service import views
from autosync.service.wishes import RunWish, Verdict
from autosync.web.asking import Asked, Body, Person
from autosync.web.errors import ApiError, Code

router = APIRouter()

PATIENCE_S = 25
"""How long a wish may take to become durable, before its author is told to ask again."""


class AgentBody(Body):
    """Which agent; `all` instead of a name means every one."""

    agent: str | None = None
    all: bool = False


class RunBody(Body):
    """A wish for a run: a profile by name, or what it is for (`full-import`)."""

    agent: str
    profile: str
    partition: str | None = None
    front: bool = False
    exclusive: bool = False


class StopBody(Body):
    """Which run to stop: its number, or its agent."""

    target: str


class DecisionBody(Body):
    """A decision about a hold, with the fingerprint of the pending set that was looked at."""

    decision: Literal["approve", "reject", "lift"]
    fingerprint: str = Field(min_length=1)
    seen: Mapping[str, int] = Field(default_factory=dict)


@router.post("/agents/start", status_code=200)
async def start_agent(service: Asked, person: Person, body: AgentBody) -> views.Recorded:
    """Start an agent that a person stopped, or all of them."""
    return await _in_time(service.wishes.switch_agent(_which(body), person, body.reason, started=True))


@router.post("/agents/stop")
async def stop_agent(service: Asked, person: Person, body: AgentBody) -> views.Recorded:
    """Stop an agent, or all of them: what runs goes on, wishes are kept, nothing more starts."""
    return await _in_time(service.wishes.switch_agent(_which(body), person, body.reason, started=False))


@router.post("/runs", status_code=202)
async def ask_run(service: Asked, person: Person, body: RunBody) -> views.Recorded:
    """Ask for a run. It waits its turn like any other, behind the same guards."""
    wish = RunWish(
        agent=body.agent, what=body.profile, partition=body.partition, front=body.front, exclusive=body.exclusive
    )
    return await _in_time(service.wishes.ask_run(wish, person, body.reason))


@router.post("/runs/stop", status_code=202)
async def stop_run(service: Asked, person: Person, body: StopBody) -> views.Recorded:
    """Ask the engine to stop a run."""
    return await _in_time(service.wishes.stop_run(body.target, person, body.reason))


@router.delete("/requests/{request}")
async def drop_request(service: Asked, person: Person, request: int, reason: str = "") -> views.Recorded:
    """Take a waiting request back."""
    return await _in_time(service.wishes.drop_request(RequestId(request), person, reason))


@router.post("/holds/{hold}/decision")
async def decide_hold(service: Asked, person: Person, hold: str, body: DecisionBody) -> views.Recorded:
    """Approve exactly the pending set that was looked at, reject it, or lift a rejection."""
    verdict = Verdict(hold=hold, decision=body.decision, fingerprint=body.fingerprint, seen=body.seen)
    return await _in_time(service.wishes.decide_hold(verdict, person, body.reason))


def _which(body: AgentBody) -> str | None:
    if body.all == (body.agent is not None):
        raise ApiError(422, Code.INVALID, "name one agent, or say all: not both, not neither")
    return body.agent


async def _in_time(wish: Awaitable[views.Recorded]) -> views.Recorded:
    async with asyncio.timeout(PATIENCE_S):
        return await wish
