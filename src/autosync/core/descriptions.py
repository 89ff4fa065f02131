"""Engines as they come and go, and what they say that they have: agents, partitions, profiles."""

from dataclasses import replace

from autosync.core import discovery, queue, recovery, scripts
from autosync.core.narration import duration
from autosync.core.state import AgentState, Inspection
from autosync.core.turn import Turn
from autosync.model.agents import Agent
from autosync.model.commands import Describe
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, EngineName, ProfileName, engine_of
from autosync.model.requests import Request, Wanted
from autosync.model.stimuli import AgentsDescribed, EngineConnected, EngineLost, SettingsApplied
from autosync.model.wording import number


def connected(turn: Turn, news: EngineConnected) -> None:
    """Note that an engine answers; have it describe itself, and ask about what was lost sight of."""
    known = turn.engine(news.engine)
    if known.connected:
        return
    turn.put_engine(news.engine, replace(known, connected=True, lost_since=None, error="", described=False))
    after = f" after {duration(turn.now - known.lost_since)}" if known.lost_since is not None else ""
    turn.record(FactKind.ENGINE_CONNECTED, f"{news.engine} answers{after}", engine=news.engine)
    turn.command(Describe(engine=news.engine))
    recovery.reconnected(turn, news.engine)


def lost(turn: Turn, news: EngineLost) -> None:
    """Note that an engine cannot be reached; told once. What is pending there must be asked for again."""
    known = turn.engine(news.engine)
    if not known.connected and known.lost_since is not None:
        if known.error != news.error:
            turn.put_engine(news.engine, replace(known, error=news.error))
        return
    turn.put_engine(
        news.engine, replace(known, connected=False, lost_since=turn.now, error=news.error, described=False)
    )
    text = f"{news.engine} cannot be reached: {news.error}. Its requests wait; nothing is lost meanwhile"
    turn.record(FactKind.ENGINE_LOST, text, severity=Severity.ERROR, engine=news.engine)
    for agent, state in tuple(turn.agents.now.items()):
        if engine_of(agent) == news.engine and state.inspection is not Inspection.UNKNOWN:
            turn.put_agent(replace(state, inspection=Inspection.UNKNOWN, overtaken=False, pending=None, ask_after=None))


def described(turn: Turn, news: AgentsDescribed) -> None:
    """Take in the whole list of an engine's agents."""
    first = not turn.engine(news.engine).described
    listed = {agent.id: agent for agent in news.agents}
    for agent in news.agents:
        _describe(turn, agent)
    for agent_id in _expected(turn, news.engine):
        if agent_id not in listed:
            _miss(turn, agent_id)
    if first:
        turn.put_engine(news.engine, replace(turn.engine(news.engine), described=True))
        recovery.look_everywhere(turn, news.engine)
        scripts.tell_again(turn, news.engine)


def settings_applied(turn: Turn, news: SettingsApplied) -> None:
    """Put a new configuration in force."""
    turn.settings = news.settings
    turn.touched = True
    by = f" by {news.by}" if news.by else ""
    text = f"configuration revision {news.settings.revision} was applied{by}"
    turn.record(FactKind.SETTINGS_APPLIED, text, person=news.by or None)
    scripts.forget_unneeded(turn)
    for known in tuple(turn.agents.now.values()):
        if known.reported or known.script:
            turn.put_agent(replace(known, reported=frozenset(), script={}))


def _expected(turn: Turn, engine: EngineName) -> tuple[AgentId, ...]:
    """Return the agents that the engine should have: those it had, and those that somebody speaks of."""
    wanted = (request.agent for request in turn.requests.now.values())
    spoken_of = dict.fromkeys((*turn.settings.agents, *turn.agents.now, *wanted))
    return tuple(agent for agent in spoken_of if engine_of(agent) == engine)


def _describe(turn: Turn, agent: Agent) -> None:
    before = turn.agents.now.get(agent.id)
    known = before or turn.agent(agent.id)
    if known.agent == agent:
        return
    turn.put_agent(replace(known, agent=agent, reported=frozenset()))
    if before is None:
        partitions = number(len(agent.partitions), "partition")
        text = f"{agent.id} was found: {partitions}, {number(len(agent.profiles), 'run profile')}"
        turn.record(FactKind.AGENT_FOUND, text, agent=agent.id)
    elif before.agent is not None:
        text = f"{agent.id} has other partitions or run profiles now"
        turn.record(FactKind.AGENT_CHANGED, text, agent=agent.id)
    _rename_requests(turn, agent, before)


def _miss(turn: Turn, agent: AgentId) -> None:
    known = turn.agent(agent)
    if "missing" in known.reported:
        return
    turn.put_agent(replace(known, agent=None, pending=None, reported=known.reported | {"missing"}))
    text = f"{engine_of(agent)} has no agent {agent}; its requests wait until it is there or the configuration says otherwise"
    turn.record(FactKind.AGENT_MISSING, text, severity=Severity.WARNING, agent=agent)


def _rename_requests(turn: Turn, agent: Agent, before: AgentState | None) -> None:
    """Let requests follow renamed profiles, and those that waited for the description become real ones (W30)."""
    for request in tuple(turn.requests.now.values()):
        if request.agent != agent.id or request.profile in agent.profiles:
            continue
        meant = discovery.meant_by(request.profile)
        if meant is not None:
            slot, partition = meant
            wanted = Wanted(agent=agent.id, slot=slot, partition=partition)
            _replace(turn, request, queue.resolve(turn, wanted))
            continue
        old = before.agent.profiles.get(request.profile) if before is not None and before.agent is not None else None
        new = discovery.renamed(old, agent) if old is not None else None
        if new is not None:
            # What had to be changed before it was tried again is changed: it was refused under the old name.
            _replace(
                turn, replace(request, not_before=None, attempt=1, setback="") if request.setback else request, (new,)
            )
        else:
            _tell_unknown(turn, request)


def _replace(turn: Turn, request: Request, profiles: tuple[ProfileName, ...]) -> None:
    """Have the request wait for these profiles instead; for none it stays, where everybody can see it."""
    if not profiles:
        return
    turn.remove_request(request)
    for profile in profiles:
        taken = request.id in turn.requests.now and turn.waiting(request.agent, profile) is None
        number = turn.next_request() if taken else request.id
        queue.put_back(turn, replace(request, id=number, profile=profile, hold=None))
    text = f"the request for {request.profile} of {request.agent} is now one for {', '.join(profiles)}"
    turn.record(FactKind.REQUEST_MERGED, text, agent=request.agent, request=request.id)


def _tell_unknown(turn: Turn, request: Request) -> None:
    text = f"{request.agent} no longer has a run profile named {request.profile}; the request for it waits"
    turn.record(FactKind.REQUEST_UNRESOLVED, text, severity=Severity.WARNING, agent=request.agent, request=request.id)
