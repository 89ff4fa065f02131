"""Why: the chain of causes of a run or a request back to what happened outside, and what followed from it."""

from collections.abc import Iterable, Sequence

from autosync.model.causes import Cause
from autosync.model.facts import FactKind
from autosync.model.ids import AgentId, CascadeId, RequestId, RunId
from autosync.model.requests import Request
from autosync.model.runs import OutcomeKind, Run
from autosync.ports.store import FactFilter, RunFilter, Store
from autosync.service import showing, views
from autosync.service.naming import find_hold
from autosync.service.sentences import because, confirmation, did, kind_of, spoken
from autosync.service.showing import Scene

_LONGEST = 40
"""Links of a chain that are shown: enough for any story, and an end for one that goes round."""

_CONSEQUENCES = frozenset(
    {
        FactKind.RETRY_PLANNED,
        FactKind.REQUEST_UNRESOLVED,
        FactKind.HOLD_OPENED,
        FactKind.DELETIONS_SKIPPED,
        FactKind.FLAPPING_FOUND,
        FactKind.BREAKER_OPENED,
        FactKind.UNKNOWN_STATUS,
        FactKind.NOT_UNDERSTOOD,
    }
)


class Explainer:
    """Tells stories from what the store remembers and the state knows."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self, scene: Scene, of: Run) -> views.WhyView:
        """Explain why a run ran, where its waiting time went, and what followed."""
        kind = spoken(kind_of(of, scene.described(of.agent)))
        how = [_ending(of), did(of), of.outcome.message if of.outcome is not None else ""]
        if not of.managed:
            how.append("started by somebody else in the engine")
        return views.WhyView(
            subject=f"run {of.id}",
            text=f"{of.agent}  {kind}",
            result=", ".join(part for part in how if part),
            at=of.started,
            until=of.ended,
            because=await self._chain(scene, of.causes, of.agent),
            waited_s=None if of.wished is None else max(0.0, (of.started - of.wished).total_seconds()),
            waited=showing.shares(of),
            then=await self._then(scene, of),
            cascades=await self._cascades(scene, of.cascades),
        )

    async def request(self, scene: Scene, of: Request) -> views.WhyView:
        """Explain why a request waits, and why it exists."""
        shown = showing.request(scene, of)
        return views.WhyView(
            subject=f"request R-{of.id}",
            text=f"{of.agent}  {of.profile}  {'waits' if shown.state == 'waiting' else 'waits no longer'}",
            at=of.wished,
            because=await self._chain(scene, of.causes, of.agent),
            waited_s=shown.waited_s if shown.state == "waiting" else None,
            waits=shown.why,
            cascades=await self._cascades(scene, of.cascades),
        )

    async def hold(self, scene: Scene, of: views.HoldView) -> views.WhyView:
        """Explain what a hold keeps from running, over which limits, and what was said about it."""
        facts = await self._store.facts(FactFilter(hold=find_hold(of.id)))
        waiting = [scene.state.requests[RequestId(one)] for one in of.requests]
        return views.WhyView(
            subject=f"hold {of.id}",
            text=f"{of.agent}  {of.state}  {of.text}",
            at=of.opened,
            until=of.decided,
            because=tuple(
                views.LinkView(text=f"{one.what}: {one.count:,}, limit {one.limit}", at=of.opened)
                for one in of.breaches
            ),
            waits=tuple(views.WaitView(kind="held", text=f"{one.agent} {one.profile} (R-{one.id})") for one in waiting),
            then=tuple(views.LinkView(text=one.fact.text, at=one.fact.at, kind=one.fact.kind.value) for one in facts),
        )

    async def _chain(self, scene: Scene, causes: Sequence[Cause], target: AgentId) -> tuple[views.LinkView, ...]:
        links: list[views.LinkView] = []
        told: set[RunId] = set()
        level = [(cause, target) for cause in causes]
        depth = 1
        while level and len(links) < _LONGEST:
            further: list[tuple[Cause, AgentId]] = []
            for cause, agent in level:
                if cause.run is not None and cause.run in told:
                    continue
                source = await self._source(scene, cause)
                links.append(_link(scene, cause, source, agent, depth))
                if source is not None:
                    told.add(source.id)
                    further.extend((earlier, source.agent) for earlier in source.causes)
            level, depth = further, depth + 1
        return tuple(links[:_LONGEST])

    async def _source(self, scene: Scene, cause: Cause) -> Run | None:
        if cause.run is None:
            return None
        return scene.state.runs.get(cause.run) or await self._store.run(cause.run)

    async def _then(self, scene: Scene, of: Run) -> tuple[views.LinkView, ...]:
        followers = await self._followers(scene, of)
        links = [_follower(scene, one, of) for one in followers]
        for request in scene.state.requests.values():
            if _names(request.causes, of.id):
                reasons = "; ".join(reason.text for reason in scene.waits.get(request.id, ()))
                text = f"{_where(request.agent, of)}{request.profile} waits" + (f": {reasons}" if reasons else "")
                links.append(views.LinkView(text=text, at=request.wished, request=request.id, kind="waits"))
        facts = await self._store.facts(FactFilter(run=of.id, kinds=_CONSEQUENCES))
        links.extend(views.LinkView(text=one.fact.text, at=one.fact.at, kind=one.fact.kind.value) for one in facts)
        return tuple(links)

    async def _followers(self, scene: Scene, of: Run) -> list[Run]:
        found: dict[RunId, Run] = {}
        wanted = [RunFilter(cascade=cascade, limit=200) for cascade in sorted(of.cascades)]
        for listing in wanted or [RunFilter(since=of.ended or of.started, limit=200)]:
            found.update({run.id: run for run in await self._store.runs(listing)})
        found.update(scene.state.runs)
        return sorted((run for run in found.values() if _names(run.causes, of.id)), key=lambda run: run.id)

    async def _cascades(self, scene: Scene, ids: Iterable[CascadeId]) -> tuple[views.CascadeView, ...]:
        shown: list[views.CascadeView] = []
        for cascade in sorted(ids):
            one = scene.state.cascades.get(cascade) or await self._store.cascade(cascade)
            if one is not None:
                shown.append(showing.cascade(one))
        return tuple(shown)


def agent_story(agent: views.AgentView) -> views.WhyView:
    """Explain why an agent runs, or why it does not."""
    links: list[views.LinkView] = []
    if agent.last is not None:
        did_last = f"last: {spoken(agent.last.kind)}, {agent.last.summary or agent.last.status or agent.last.outcome}"
        links.append(views.LinkView(text=did_last, at=agent.last.ended, run=agent.last.run))
    for trigger in agent.triggers:
        said = f"trigger {trigger.name} is {trigger.state}" + (f": {trigger.error}" if trigger.error else "")
        links.append(views.LinkView(text=said, at=trigger.next or trigger.last_fired, kind="trigger"))
    if not agent.triggers:
        links.append(views.LinkView(text="it has no trigger: only people, schedules and other runs wake it"))
    waits = tuple(
        views.WaitView(kind=wait.kind, text=f"{one.profile}: {wait.text}", until=wait.until, blocker=wait.blocker)
        for one in agent.waiting
        for wait in one.why
    )
    text = agent.text or ("nothing asks for a run of it" if agent.state == "idle" else "")
    return views.WhyView(
        subject=f"agent {agent.id}",
        text=text if text.startswith(agent.state) else ": ".join(part for part in (agent.state, text) if part),
        at=agent.now.started if agent.now is not None else None,
        waits=waits,
        because=tuple(links),
    )


def _link(scene: Scene, cause: Cause, source: Run | None, target: AgentId, depth: int) -> views.LinkView:
    described = None if source is None else scene.described(source.agent)
    return views.LinkView(
        text=because(cause, source, described, target),
        at=cause.at if source is None else source.ended or source.started,
        depth=depth,
        run=cause.run,
        kind=cause.kind.value,
    )


def _follower(scene: Scene, one: Run, of: Run) -> views.LinkView:
    kind = spoken(kind_of(one, scene.described(one.agent)))
    confirms = one.request_as_started is not None and one.request_as_started.confirms
    if one.ended is None:
        end = "running"
    elif confirms and one.outcome is not None and one.outcome.kind in {OutcomeKind.SUCCESS, OutcomeKind.OBJECT_ERRORS}:
        end = confirmation(one)
    else:
        end = did(one) or _ending(one)
    text = f"{_where(one.agent, of)}{kind}{' (confirming)' if confirms else ''} → {end}"
    return views.LinkView(text=text, at=one.started, run=one.id, kind="run")


def _where(agent: AgentId, of: Run) -> str:
    return "" if agent == of.agent else f"{agent} "


def _names(causes: Iterable[Cause], run: RunId) -> bool:
    return any(cause.run == run for cause in causes)


def _ending(run: Run) -> str:
    if run.outcome is None:
        return run.state.value
    word = run.outcome.kind.value.replace("-", " ")
    return word if run.outcome.status in {"", run.outcome.kind.value} else f"{word} [{run.outcome.status}]"
