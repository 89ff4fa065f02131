"""What people want done: their words become stimuli, and what was recorded of them becomes the answer."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autosync.model.agents import Agent
from autosync.model.errors import NotFound, Refused
from autosync.model.facts import FactKind
from autosync.model.holds import Hold, HoldState
from autosync.model.ids import AgentId, PartitionName, ProfileName, RequestId, RunId
from autosync.model.requests import Wanted
from autosync.model.steps import Slot
from autosync.model.stimuli import AgentSwitched, HoldDecided, RequestDropAsked, RunAsked, Stimulus, StopAsked
from autosync.ports.store import StoredFact
from autosync.service import showing, views
from autosync.service.naming import find_agent, find_hold, hold_name, nearest_of
from autosync.service.showing import Scene

_NO = frozenset({FactKind.REFUSED, FactKind.REQUEST_UNRESOLVED})
_QUEUED = frozenset({FactKind.REQUEST_QUEUED, FactKind.REQUEST_MERGED})

DECISIONS = {"approve": HoldState.OPEN, "reject": HoldState.OPEN, "lift": HoldState.REJECTED}
"""What can be decided about a hold, and the state that it must be in."""


class HoldChanged(Refused):
    """The pending set is no longer the one that was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """A run that somebody wants, in their words: ``what`` is a profile or a slot such as ``full-import``."""

    agent: str
    what: str
    partition: str | None = None
    front: bool = False
    exclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision about a hold: ``approve``, ``reject`` or ``lift``, with what its author looked at."""

    hold: str
    decision: str
    fingerprint: str
    seen: Mapping[str, int] = field(default_factory=dict)
    """The counts that were seen (``deletes``: 212), for the sentence of a refusal."""


class Wishes:
    """Passes wishes on. ``by`` is who wants it; the answer is what the journal says about it, or ``Refused``."""

    def __init__(
        self, submit: Callable[[Stimulus], Awaitable[Sequence[StoredFact]]], scene: Callable[[], Scene]
    ) -> None:
        self._submit = submit
        self._scene = scene

    async def ask_run(self, wish: RunWish, by: str, reason: str = "") -> views.Recorded:
        """Ask for a run; guards stand in its path like in any other's."""
        scene = self._scene()
        agent = find_agent(wish.agent, scene.agents())
        wanted = _wanted(agent, wish.what, scene.described(agent))
        wanted = replace(
            wanted,
            partition=None if wish.partition is None else PartitionName(wish.partition),
            front=wish.front,
            exclusive=wish.exclusive,
        )
        return await self._pass_on(RunAsked(wanted=wanted, by=by, reason=reason), agent)

    async def stop_run(self, written: str, by: str, reason: str = "") -> views.Recorded:
        """Ask the engine to stop a run, named by its number or by its agent."""
        scene = self._scene()
        if written.isdecimal():
            run = scene.state.runs.get(RunId(int(written)))
            if run is None:
                raise Refused(f"run {written} does not go on: there is nothing to stop")
            agent = run.agent
        else:
            agent = find_agent(written, scene.agents())
            if all(run.agent != agent for run in scene.state.runs.values()):
                raise Refused(f"{agent} runs nothing now")
        return await self._pass_on(StopAsked(agent=agent, by=by, reason=reason), agent)

    async def drop_request(self, number: RequestId, by: str, reason: str = "") -> views.Recorded:
        """Take a waiting request back."""
        request = self._scene().state.requests.get(number)
        if request is None:
            raise NotFound(f"no request R-{number} waits (see: autosync queue)")
        return await self._pass_on(
            RequestDropAsked(agent=request.agent, profile=request.profile, by=by, reason=reason), request.agent
        )

    async def switch_agent(self, written: str | None, by: str, reason: str = "", *, started: bool) -> views.Recorded:
        """Start or stop an agent, or all of them (None). A stopped agent keeps its wishes; nothing of it starts."""
        known = self._scene().agents()
        events: list[views.EventView] = []
        for agent in known if written is None else [find_agent(written, known)]:
            done = await self._pass_on(AgentSwitched(agent=agent, started=started, by=by, reason=reason), agent)
            events.extend(done.events)
        return views.Recorded(text="\n".join(event.text for event in events), events=tuple(events))

    async def decide_hold(self, verdict: Verdict, by: str, reason: str = "") -> views.Recorded:
        """Approve, reject or lift a hold; raise ``HoldChanged`` where the pending set is not the one that was seen."""
        scene = self._scene()
        hold = scene.state.holds.get(find_hold(verdict.hold))
        if hold is None:
            raise NotFound(f"no hold {verdict.hold} waits for a decision (see: autosync hold list --all)")
        if verdict.decision not in DECISIONS:
            raise Refused(f'"{verdict.decision}" is no decision: approve, reject or lift')
        if hold.state is not DECISIONS[verdict.decision]:
            raise Refused(f"{hold_name(hold.id)} is {hold.state.value}: there is nothing to {verdict.decision}")
        return await self._pass_on(
            HoldDecided(
                hold=hold.id,
                decision=verdict.decision,
                by=by,
                reason=reason,
                fingerprint=_seen_identity(scene, hold, verdict),
            ),
            hold.agent,
        )

    async def _pass_on(self, stimulus: Stimulus, about: AgentId) -> views.Recorded:
        everything = await self._submit(stimulus)
        # The decision may have started something else as well: that is in the journal, not in this answer.
        recorded = [stored for stored in everything if stored.fact.agent in {None, about}]
        for stored in recorded:
            if stored.fact.kind in _NO:
                raise Refused(stored.fact.text)
        return views.Recorded(
            text="\n".join(stored.fact.text for stored in recorded) or "nothing had to change",
            events=tuple(showing.event(stored) for stored in recorded),
            request=next((stored.fact.request for stored in recorded if stored.fact.kind in _QUEUED), None),
        )


def _wanted(agent: AgentId, what: str, described: Agent | None) -> Wanted:
    profiles = [] if described is None else list(described.profiles)
    folded = what.strip().casefold()
    exact = [name for name in profiles if name == what] or [name for name in profiles if name.casefold() == folded]
    if exact:
        return Wanted(agent=agent, profile=exact[0])
    slot = folded.replace(" ", "-").replace("_", "-")
    if slot in set(Slot):
        return Wanted(agent=agent, slot=Slot(slot))
    if described is None:
        return Wanted(agent=agent, profile=ProfileName(what))
    known = [*profiles, *(slot.value for slot in Slot)]
    near = nearest_of(what, known) or profiles[:5]
    raise NotFound(
        f'{agent} has no profile "{what}" (did you mean {" or ".join(near)}?)'
        if near
        else f'{agent} has no profile "{what}", and no other either'
    )


def _seen_identity(scene: Scene, hold: Hold, verdict: Verdict) -> str:
    """Return the identity of the pending set that was seen; raise where it is not the one that waits now."""
    shown = showing.hold(scene, hold)
    live = showing.pending_now(scene, hold)
    identity = live.identity if live is not None and hold.state is HoldState.OPEN else hold.fingerprint
    if verdict.fingerprint in {shown.fingerprint, identity}:
        return identity
    name = hold_name(hold.id)
    if not verdict.fingerprint:
        raise HoldChanged(f"say which pending set you looked at: autosync hold show {name}")
    raise HoldChanged(f"the pending set has {_how(verdict.seen, shown.counts)}. Look again: autosync hold show {name}")


def _how(seen: Mapping[str, int], now: views.CountsView | None) -> str:
    if now is None:
        return "changed since you looked"
    kinds = ("adds", "updates", "renames", "deletes", "delete_adds")
    pairs = [(kind, seen.get(kind, 0), int(getattr(now, kind))) for kind in kinds if seen]
    told = [f"{then:,} → {count:,} {kind.replace('_', '-')}" for kind, then, count in pairs if then != count]
    if not told:
        return f"changed since you looked (now {now.total:,} in all)"
    growth = sum(count - then for _, then, count in pairs)
    return f"{'grown' if growth > 0 else 'changed'} since you looked ({', '.join(told)})"
