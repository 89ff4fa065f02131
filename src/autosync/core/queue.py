"""The queue: a wish becomes a waiting request, or part of the equal one that waits already. A running run takes none in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from autosync.core import cascades, combined, discovery
from autosync.core.narration import slot_text
from autosync.core.turn import Turn
from autosync.model.causes import Cause, CauseKind
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, CascadeId, PartitionName, ProfileName, TriggerId, engine_of
from autosync.model.requests import Request, Token, Trail, Wanted
from autosync.model.steps import Slot

_NOT_YET = ProfileName("")
"""Until ``ask`` says which profiles the wish is for."""

KEPT_CAUSES = 20
"""Of more causes than these only the number is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What shall be run because of what, before it is known whether an equal request waits."""

    agent: AgentId
    causes: tuple[Cause, ...]
    profile: ProfileName = _NOT_YET
    cascades: frozenset[CascadeId] = frozenset()
    changed: datetime | None = None
    """When the change happened that an outside cause tells of, where known."""
    exclusive: bool = False
    front: bool = False
    tokens: Mapping[TriggerId, Token] = field(default_factory=dict)
    not_before: datetime | None = None
    confirms: bool = False
    trail: Mapping[AgentId, Trail] = field(default_factory=dict)
    expected: int | None = None


def ask(turn: Turn, profiles: tuple[ProfileName, ...], wish: Wish) -> tuple[Request, ...]:
    """Queue a wish for each of the profiles, in one cascade for each outside cause."""
    waiting = [turn.waiting(wish.agent, profile) for profile in profiles]
    carried = frozenset[CascadeId]().union(*(each.cascades for each in waiting if each is not None))
    opened = cascades.opened_by(turn, wish.causes, wish.changed, carried)
    wish = replace(wish, cascades=wish.cascades | opened)
    return tuple(add(turn, replace(wish, profile=profile)) for profile in profiles)


def add(turn: Turn, wish: Wish) -> Request:
    """Queue a wish whose cascades are open, or merge it into the equal request that waits.

    A wish for a run that the guards could not look into becomes one for the runs that it is made of; the first is returned.
    """
    pieces = _apart(turn, wish)
    if pieces:
        first, *_ = [add(turn, replace(wish, profile=each)) for each in pieces]
        return first
    waiting = turn.waiting(wish.agent, wish.profile)
    if waiting is not None:
        return _merge(turn, waiting, wish)
    request = Request(
        id=turn.next_request(),
        agent=wish.agent,
        profile=wish.profile,
        exclusive=wish.exclusive,
        front=wish.front,
        wished=turn.now,
        causes=united((), wish.causes),
        cascades=wish.cascades,
        tokens=wish.tokens,
        not_before=wish.not_before,
        confirms=wish.confirms,
        trail={} if _is_outside(wish.causes) else wish.trail,
        expected=wish.expected,
    )
    turn.put_request(request)
    text = f"{wish.profile} of {wish.agent} was queued: {wish.causes[-1].text}"
    turn.record(FactKind.REQUEST_QUEUED, text, agent=wish.agent, request=request.id, data=_links(wish))
    return request


def _apart(turn: Turn, wish: Wish) -> tuple[ProfileName, ...]:
    known = turn.agent(wish.agent).agent
    profile = turn.profile(wish.agent, wish.profile)
    if known is None or profile is None or not combined.is_kept_back(turn.agent_settings(wish.agent), profile):
        return ()
    pieces = combined.apart(known, profile)
    if not pieces:
        combined.tell(turn, wish.agent, profile)
    return pieces


def _merge(turn: Turn, waiting: Request, wish: Wish) -> Request:
    merged = replace(
        waiting,
        exclusive=waiting.exclusive or wish.exclusive,
        front=waiting.front or wish.front,
        wished=min(waiting.wished, turn.now),
        causes=united(waiting.causes, wish.causes),
        cascades=waiting.cascades | wish.cascades,
        tokens={**waiting.tokens, **wish.tokens},
        not_before=None if _is_persons(wish.causes) else waiting.not_before,
        confirms=waiting.confirms or wish.confirms,
        trail=_united_trail(waiting, wish),
        expected=wish.expected if wish.expected is not None else waiting.expected,
    )
    if merged == waiting:
        return waiting
    turn.put_request(merged)
    text = f"{wish.profile} of {wish.agent} waits already; it now also runs because {wish.causes[-1].text}"
    turn.record(FactKind.REQUEST_MERGED, text, agent=wish.agent, request=waiting.id, data=_links(wish))
    return merged


def put_back(turn: Turn, request: Request) -> Request:
    """Have a request wait again that was started already: its run came to nothing."""
    waiting = turn.waiting(request.agent, request.profile)
    if waiting is None:
        turn.put_request(request)
        return request
    merged = replace(
        waiting,
        exclusive=waiting.exclusive or request.exclusive,
        front=waiting.front or request.front,
        wished=min(waiting.wished, request.wished),
        causes=united(request.causes, waiting.causes),
        cascades=waiting.cascades | request.cascades,
        tokens=_newer_tokens(request, waiting),
        attempt=max(waiting.attempt, request.attempt),
        not_before=None if _is_persons(waiting.causes) else request.not_before,
        setback=request.setback,
        confirms=waiting.confirms or request.confirms,
        trail={} if _is_outside(waiting.causes) else {**request.trail, **waiting.trail},
    )
    turn.put_request(merged)
    return merged


def _newer_tokens(one: Request, other: Request) -> Mapping[TriggerId, Token]:
    """Return the tokens of both; of the same trigger that of the later wish."""
    earlier, later = sorted((one, other), key=lambda request: request.id)
    return {**earlier.tokens, **later.tokens}


def united(first: tuple[Cause, ...], more: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Return the causes of both, equal ones counted together, and only a number of those beyond the twentieth."""
    found = list(first)
    for cause in more:
        place = next((i for i, each in enumerate(found[:KEPT_CAUSES]) if _same(each, cause)), None)
        if place is not None:
            if cause.run is None or cause.kind is not CauseKind.RUN:
                found[place] = replace(found[place], count=found[place].count + cause.count)
        elif len(found) < KEPT_CAUSES:
            found.append(cause)
        else:
            rest = (found[KEPT_CAUSES].count if len(found) > KEPT_CAUSES else 0) + cause.count
            found[KEPT_CAUSES:] = [replace(cause, text=f"and {rest:,} more", count=rest)]
    return tuple(found)


def resolve(turn: Turn, wanted: Wanted) -> tuple[ProfileName, ...]:
    """Return the profiles that a wish means, and record why where it means none.

    Where no partition is named, it means the slot of every partition: the change may be in any of them. Before the
    engine has told its profiles, a slot waits under a provisional name.
    """
    known = turn.agents.now.get(wanted.agent)
    if known is None or known.agent is None:
        return _before_description(turn, wanted)
    if wanted.profile is not None:
        named = discovery.profile_named(known.agent, wanted.profile)
        if named is None:
            text = f"{wanted.agent} has no run profile named {wanted.profile}, so it cannot be run"
            turn.record(FactKind.REQUEST_UNRESOLVED, text, severity=Severity.WARNING, agent=wanted.agent)
        return (named,) if named is not None else ()
    slot = wanted.slot or Slot.DELTA_IMPORT
    partitions = discovery.partitions_of(known.agent, wanted.partition)
    settings = turn.agent_settings(wanted.agent)
    found = [discovery.profile_for(known.agent, settings, slot, each) for each in partitions]
    profiles = tuple(dict.fromkeys(each for each in found if each is not None))
    if not profiles:
        unserved(turn, wanted.agent, slot, wanted.partition)
    return profiles


def unserved(turn: Turn, agent: AgentId, slot: Slot, partition: PartitionName | None) -> None:
    """Record, once, that something would have been needed for which the agent has no profile."""
    known = turn.agent(agent)
    key = f"{slot.value} of {partition}"
    if key in known.reported:
        return
    turn.put_agent(replace(known, reported=known.reported | {key}))
    text = f"{agent} needs a {slot_text(slot, partition)}, but has no run profile for it; this is said once"
    turn.record(FactKind.REQUEST_UNRESOLVED, text, severity=Severity.WARNING, agent=agent)


def _before_description(turn: Turn, wanted: Wanted) -> tuple[ProfileName, ...]:
    engine = engine_of(wanted.agent)
    may_come = engine in turn.settings.engines and not turn.engine(engine).described
    if wanted.agent not in turn.agents.now and wanted.agent not in turn.settings.agents and not may_come:
        text = f"there is no agent {wanted.agent}, so nothing was queued for it"
        turn.record(FactKind.REQUEST_UNRESOLVED, text, severity=Severity.WARNING, agent=wanted.agent)
        return ()
    return (wanted.profile or discovery.provisional(wanted.slot or Slot.DELTA_IMPORT, wanted.partition),)


def _is_persons(causes: tuple[Cause, ...]) -> bool:
    """Return whether a person wants it: that alone ends a back-off. A trigger that fires often must not."""
    return any(cause.kind is CauseKind.PERSON for cause in causes)


def _same(one: Cause, other: Cause) -> bool:
    """Return whether two causes are one reason that came up twice."""
    if (one.kind, one.run, one.trigger, one.person) != (other.kind, other.run, other.trigger, other.person):
        return False
    return one.trigger is not None or one.run is not None or one.text == other.text


def _is_outside(causes: tuple[Cause, ...]) -> bool:
    return any(cause.kind.is_outside for cause in causes)


def _united_trail(waiting: Request, wish: Wish) -> Mapping[AgentId, Trail]:
    """Return the trail of both; none once something from outside explains why an agent exports again."""
    if _is_outside(wish.causes) or _is_outside(waiting.causes):
        return {}
    united_trail = dict(waiting.trail)
    for agent, trail in wish.trail.items():
        known = united_trail.get(agent)
        if known is None or known.counts != trail.counts or known.repeats < trail.repeats:
            united_trail[agent] = trail
    return united_trail


def _links(wish: Wish) -> dict[str, object]:
    return {"profile": wish.profile, "causes": [cause.text for cause in wish.causes], "cascades": sorted(wish.cascades)}
