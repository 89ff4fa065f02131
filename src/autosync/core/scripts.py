"""Controller scripts: a user's own code that is asked before a start, hears how each run ended, and may stop everything.

A script never holds anybody else up: while it is asked, its request steps aside after a moment, and a run's locks are free as
soon as the run has ended. What follows from that run waits for the script's verdict, which is asked for until it is given.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from autosync.core import holds, intake
from autosync.core.state import AgentState, ScriptWord
from autosync.core.turn import Turn
from autosync.model.commands import AskScript, TellScript
from autosync.model.counts import StepResult
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, EngineName, RunId, engine_of
from autosync.model.requests import Request
from autosync.model.rows import Unheard
from autosync.model.runs import Run
from autosync.model.scripts import UnexpectedChange
from autosync.model.settings import IfFalse, OnScriptError, ScriptPolicy
from autosync.model.stimuli import ScriptAnswered, ScriptHeard

WORD_LASTS: Final = timedelta(minutes=1)
"""How long a script's yes or no counts before it is asked again, and how long it rests after a failure."""
MARGIN: Final = timedelta(seconds=30)
"""So much later than the time limit allows (to load the script, and to be asked) a lost answer is asked for again."""
_KEY: Final = "controller script"


def allow(turn: Turn, known: AgentState, request: Request, policy: ScriptPolicy) -> bool:
    """Return whether the script lets the request start; have it asked where it has not said."""
    word = known.script.get(request.profile)
    if word is not None and turn.now < word.until:
        return word.allowed is True
    asked = ScriptWord(allowed=None, until=_lost_after(turn, policy), asked=turn.now)
    turn.put_agent(replace(known, script={**known.script, request.profile: asked}))
    turn.command(AskScript(agent=request.agent, profile=request.profile))
    return False


def answered(turn: Turn, answer: ScriptAnswered) -> None:
    """Take in a script's word. A no delays the request; it is dropped only where the configuration says so (W10)."""
    known = turn.agents.now.get(answer.agent)
    policy = turn.agent_settings(answer.agent).script
    if known is None or policy is None or answer.profile not in known.script:
        return
    _tell_health(turn, answer.agent, answer.error)
    request = turn.waiting(answer.agent, answer.profile)
    allowed = policy.on_error is OnScriptError.RUN if answer.error else answer.allowed and answer.unexpected is None
    drops = not (allowed or answer.error or answer.unexpected) and policy.if_false is IfFalse.DROP
    known = turn.agent(answer.agent)
    words = {profile: word for profile, word in known.script.items() if profile != answer.profile}
    if request is not None and not drops:
        text = f"it failed: {answer.error}" if answer.error else answer.text
        words[answer.profile] = ScriptWord(allowed=allowed, until=turn.now + WORD_LASTS, text=text)
    turn.put_agent(replace(known, script=words))
    if request is not None and drops:
        intake.drop(turn, request, f"the controller script said so{': ' + answer.text if answer.text else ''}")
    if answer.unexpected is not None:
        _stop(turn, answer.agent, answer.unexpected, f"asked about {answer.profile}")


def run_ended(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Have the script told how a run ended, ours or somebody else's; what follows from it waits for the verdict."""
    policy = turn.agent_settings(run.agent).script
    if policy is None:
        return
    targets = {target for step in steps for target, count in (step.outbound or {}).items() if count}
    known = turn.agent(run.agent)
    entry = Unheard(again=_lost_after(turn, policy), targets=frozenset(targets))
    turn.put_agent(replace(known, row=replace(known.row, unheard={**known.row.unheard, run.id: entry})))
    turn.command(TellScript(agent=run.agent, run=run.id))


def heard(turn: Turn, word: ScriptHeard) -> None:
    """Take in a script's verdict about an ended run: what follows may go on, waits for another try, or is held."""
    known = turn.agents.now.get(word.agent)
    if known is None or word.run not in known.row.unheard:
        return
    _tell_health(turn, word.agent, word.error)
    policy = turn.agent_settings(word.agent).script
    if word.error and policy is not None and policy.on_error is OnScriptError.HOLD:
        entry = replace(known.row.unheard[word.run], again=turn.now + WORD_LASTS, error=word.error)
        _put(turn, word.agent, {**known.row.unheard, word.run: entry})
        return
    _put(turn, word.agent, {run: entry for run, entry in known.row.unheard.items() if run != word.run})
    if word.unexpected is not None:
        _stop(turn, word.agent, word.unexpected, f"told how run {word.run} ended")


def tell_again(turn: Turn, engine: EngineName) -> None:
    """Tell the scripts of an engine that was just described of every run whose verdict is missing."""
    for agent, known in tuple(turn.agents.now.items()):
        if engine_of(agent) == engine and known.row.unheard:
            _tell(turn, agent, tuple(known.row.unheard))


def tell_due(turn: Turn) -> None:
    """Tell scripts again that did not answer in time."""
    for agent, known in tuple(turn.agents.now.items()):
        late = tuple(run for run, entry in known.row.unheard.items() if entry.again <= turn.now)
        if late and known.agent is not None:
            _tell(turn, agent, late)


def forget_unneeded(turn: Turn) -> None:
    """Let nothing wait for a script that the configuration no longer has."""
    for agent, known in tuple(turn.agents.now.items()):
        if known.row.unheard and turn.agent_settings(agent).script is None:
            _put(turn, agent, {})


def _tell(turn: Turn, agent: AgentId, runs: Sequence[RunId]) -> None:
    unheard = dict(turn.agent(agent).row.unheard)
    policy = turn.agent_settings(agent).script or ScriptPolicy()
    for run in runs:
        unheard[run] = replace(unheard[run], again=_lost_after(turn, policy))
        turn.command(TellScript(agent=agent, run=run))
    _put(turn, agent, unheard)


def _put(turn: Turn, agent: AgentId, unheard: dict[RunId, Unheard]) -> None:
    known = turn.agent(agent)
    turn.put_agent(replace(known, row=replace(known.row, unheard=unheard)))


def _lost_after(turn: Turn, policy: ScriptPolicy) -> datetime:
    return turn.now + 2 * policy.time_limit + MARGIN


def _tell_health(turn: Turn, agent: AgentId, error: str) -> None:
    """Record that a script failed, once until it is well again, and that it is."""
    known = turn.agent(agent)
    if error and _KEY not in known.reported:
        turn.report(agent, _KEY)
        text = f"the controller script of {agent} failed: {error}. It is asked again"
        turn.record(FactKind.SCRIPT_FAILED, text, severity=Severity.WARNING, agent=agent)
    elif not error and _KEY in known.reported:
        turn.put_agent(replace(known, reported=known.reported - {_KEY}))
        turn.record(FactKind.SCRIPT_RECOVERED, f"the controller script of {agent} answers again", agent=agent)


def _stop(turn: Turn, agent: AgentId, change: UnexpectedChange, when: str) -> None:
    """Stop the agent, or its whole engine with everything that runs there, until a person lifts it."""
    if not holds.open_script(turn, agent, change, when) or not change.stop_all:
        return
    for run in tuple(turn.runs.now.values()):
        if engine_of(run.agent) == engine_of(agent) and run.stop_asked_by is None:
            intake.stop_run(turn, run, f"the controller script of {agent}", comes_back=True)
