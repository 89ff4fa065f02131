"""The routes that only look."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from autosync.model.facts import FactKind, Severity
from autosync.model.ids import CascadeId, EngineName, RequestId, RunId
from autosync.model.runs import OutcomeKind
from autosync.ports.store import FactFilter, RunFilter
from autosync.service import views
from autosync.service.naming import find_hold
from autosync.web.asking import Asked, Limit, Page, number_of

router = APIRouter()

LONGEST_WAIT_S = 30


class Listing(BaseModel):
    """What every listing takes: how many at most, and nothing that it does not know."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=500, description="How many at most.")


class RunQuery(Listing):
    """Which runs."""

    agent: str | None = None
    engine: str | None = None
    outcome: list[OutcomeKind] = []
    cascade: int | None = None
    since: datetime | None = None
    cursor: str | None = Field(default=None, description="`next` of the page before.")


class HoldQuery(Listing):
    """Which holds."""

    all: bool = Field(default=False, description="Decided ones too.")


class FactQuery(Listing):
    """Which facts."""

    agent: str | None = None
    run: int | None = None
    request: int | None = None
    hold: str | None = None
    cascade: int | None = None
    kind: list[FactKind] = []
    severity: list[Severity] = []
    cursor: str | None = Field(default=None, description="Only facts behind this number; `next` of the page before.")


@router.get("/status")
async def status(service: Asked) -> views.StatusView:
    """Return everything at a glance: engines, agents, what runs, what waits and why, what needs a person."""
    return await service.status()


@router.get("/agents")
async def agents(service: Asked) -> Page[views.AgentView]:
    """Return every agent of every engine."""
    return Page(items=await service.agents())


@router.get("/agents/{agent:path}")
async def agent(service: Asked, agent: str) -> views.AgentView:
    """Return one agent, by id or by its own name where only one has it."""
    return await service.agent(agent)


@router.get("/queue")
async def queue(service: Asked) -> Page[views.RequestView]:
    """Return every waiting request, with the reasons why it waits."""
    return Page(items=service.queue())


@router.get("/requests/{request}")
async def request(
    service: Asked,
    request: int,
    wait_s: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_S, description="Answer when its run ended, or after this.")
    ] = 0,
) -> views.RequestView:
    """Return one request and what became of it."""
    return await service.request(RequestId(request), timedelta(seconds=wait_s))


@router.get("/runs")
async def runs(service: Asked, which: Annotated[RunQuery, Query()]) -> Page[views.RunBrief]:
    """Return runs, newest first, running ones included."""
    before = number_of(which.cursor)
    found = await service.runs(
        RunFilter(
            agent=None if which.agent is None else service.find_agent(which.agent),
            engine=None if which.engine is None else EngineName(which.engine),
            outcomes=frozenset(which.outcome) or None,
            cascade=None if which.cascade is None else CascadeId(which.cascade),
            since=which.since,
            before=None if before is None else RunId(before),
            limit=which.limit,
        )
    )
    return Page(items=found, next=str(found[-1].run) if len(found) == which.limit else None)


@router.get("/runs/{run}")
async def run(service: Asked, run: int) -> views.RunView:
    """Return one run with its steps, counters, object errors, causes and waiting times."""
    return await service.run(RunId(run))


@router.get("/why/{subject:path}")
async def why(service: Asked, subject: str) -> views.WhyView:
    """Explain why something ran, waits, is held or does not run: `4711`, `last`, `R-12`, `H-7`, or an agent."""
    return await service.why(subject)


@router.get("/holds")
async def holds(service: Asked, which: Annotated[HoldQuery, Query()]) -> Page[views.HoldView]:
    """Return holds that need a decision, newest first; with `all`, decided ones too."""
    return Page(items=await service.holds(only_open=not which.all, limit=which.limit))


@router.get("/holds/{hold}")
async def hold(service: Asked, hold: str) -> views.HoldView:
    """Return one hold, with the pending set as it is now and its fingerprint."""
    return await service.hold(hold)


@router.get("/triggers")
async def triggers(service: Asked) -> Page[views.TriggerView]:
    """Return every trigger and schedule, and how it is."""
    return Page(items=service.triggers())


@router.get("/cascades")
async def cascades(service: Asked, limit: Limit = 50) -> Page[views.CascadeView]:
    """Return cascades, newest first."""
    return Page(items=await service.cascades(limit))


@router.get("/cascades/{cascade}")
async def cascade(service: Asked, cascade: int) -> views.CascadeView:
    """Return one cascade with its runs."""
    return await service.cascade(CascadeId(cascade))


@router.get("/shadow")
async def shadow(
    service: Asked, since: Annotated[datetime | None, Query(description="Only what was recorded from then on.")] = None
) -> views.ShadowView:
    """Compare what AutoSync would have run on engines that are only watched with what somebody else's scheduler ran."""
    return await service.shadow(since)


@router.get("/facts")
async def facts(service: Asked, which: Annotated[FactQuery, Query()]) -> Page[views.EventView]:
    """Return facts of the journal: oldest first behind `cursor`, or the newest `limit` without one."""
    found = await service.facts(
        FactFilter(
            after=number_of(which.cursor),
            agent=None if which.agent is None else service.find_agent(which.agent),
            run=None if which.run is None else RunId(which.run),
            request=None if which.request is None else RequestId(which.request),
            hold=None if which.hold is None else find_hold(which.hold),
            cascade=None if which.cascade is None else CascadeId(which.cascade),
            kinds=frozenset(which.kind) or None,
            severities=frozenset(which.severity) or None,
            limit=which.limit,
        )
    )
    return Page(items=found, next=str(found[-1].number) if len(found) == which.limit else None)
