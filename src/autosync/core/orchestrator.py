"""The one entry of the core: what has happened goes in, what must be recorded, stored and done comes out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from autosync.core import (
    cascades,
    descriptions,
    endings,
    holds,
    inspection,
    intake,
    planning,
    recovery,
    scripts,
    timers,
)
from autosync.core.decision import Decision
from autosync.core.moments import in_utc
from autosync.core.state import State
from autosync.core.turn import Turn
from autosync.model.stimuli import (
    AgentsDescribed,
    AgentSwitched,
    EngineConnected,
    EngineLost,
    HoldDecided,
    Inspected,
    PendingAsked,
    RequestDropAsked,
    RunAccepted,
    RunAsked,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    ScriptAnswered,
    ScriptHeard,
    ServiceStarted,
    SettingsApplied,
    Sighted,
    Stimulus,
    StopAsked,
    TimePassed,
    TriggerFired,
    TriggerHealth,
)


def decide(state: State, stimuli: Sequence[Stimulus], now: datetime, chance: float) -> Decision:
    """Take in everything that happened, then start what may start.

    ``now`` is aware and in UTC; ``chance`` in [0, 1) spreads retries. Never raises because of what a stimulus says:
    what cannot be done becomes a fact with the reason. ``state`` stays as it was.
    """
    turn = Turn(state, now, chance)
    for stimulus in drawn_together(map(in_utc, stimuli)):
        _take_in(turn, stimulus)
    rang = (state.timer is not None and now >= state.timer) or any(isinstance(each, TimePassed) for each in stimuli)
    if not turn.touched and not rang:
        return turn.decision() if turn.spoke else Decision(state=state)
    timers.due(turn)
    recovery.deferred(turn)
    revisit = planning.plan(turn)
    cascades.settle(turn)
    moments = (timers.next_due(turn), revisit)
    turn.set_timer(min((each for each in moments if each is not None), default=None), again=rang)
    turn.clock = now
    return turn.decision()


def drawn_together(stimuli: Iterable[Stimulus]) -> list[Stimulus]:
    """Return the stimuli with equal firings as one with a count: a storm costs as much as a breeze."""
    found: list[Stimulus] = []
    firings: dict[object, tuple[int, TriggerFired]] = {}
    for stimulus in stimuli:
        if not isinstance(stimulus, TriggerFired):
            found.append(stimulus)
            if isinstance(stimulus, RequestDropAsked | ScriptAnswered):
                firings.clear()  # what fires after a request is taken back is a wish of its own
            continue
        key = (stimulus.trigger, stimulus.wanted, stimulus.full)
        if key in firings:
            place, earlier = firings[key]
            found[place] = both = _both(earlier, stimulus)
            firings[key] = place, both
        else:
            firings[key] = len(found), stimulus
            found.append(stimulus)
    return found


def _both(earlier: TriggerFired, later: TriggerFired) -> TriggerFired:
    changed = [each for each in (earlier.changed, later.changed) if each is not None]
    return replace(
        later,
        token=later.token if later.token is not None else earlier.token,
        changed=min(changed, default=None),
        text=later.text or earlier.text,
        count=earlier.count + later.count,
    )


def _take_in(turn: Turn, stimulus: Stimulus) -> None:
    match stimulus:
        case TimePassed():
            pass  # what is due is done anyway
        case TriggerHealth():
            intake.trigger_health(turn, stimulus)
        case RunAccepted() | RunRefused() | RunEnded() | RunNeverBegan() | RunLost() | Sighted():
            _take_in_run(turn, stimulus)
        case RunAsked() | StopAsked() | RequestDropAsked() | AgentSwitched() | HoldDecided():
            _take_in_person(turn, stimulus)
        case ServiceStarted() | SettingsApplied() | EngineConnected() | EngineLost() | AgentsDescribed():
            _take_in_setting(turn, stimulus)
        case TriggerFired():
            intake.fired(turn, stimulus)
        case ScriptAnswered() | ScriptHeard() | Inspected() | PendingAsked():
            _take_in_answer(turn, stimulus)


def _take_in_answer(turn: Turn, stimulus: ScriptAnswered | ScriptHeard | Inspected | PendingAsked) -> None:
    match stimulus:
        case PendingAsked():
            inspection.wanted(turn, stimulus)
        case ScriptAnswered():
            scripts.answered(turn, stimulus)
        case ScriptHeard():
            scripts.heard(turn, stimulus)
        case Inspected():
            if inspection.take_in(turn, stimulus):
                holds.review(turn, stimulus.agent)


def _take_in_run(turn: Turn, stimulus: RunAccepted | RunRefused | RunEnded | RunNeverBegan | RunLost | Sighted) -> None:
    match stimulus:
        case RunAccepted():
            recovery.accepted(turn, stimulus)
        case RunRefused():
            endings.refused(turn, stimulus)
        case RunEnded():
            endings.ended(turn, stimulus)
        case RunNeverBegan():
            endings.never_began(turn, stimulus)
        case RunLost():
            recovery.lost(turn, stimulus)
        case Sighted():
            recovery.sighted(turn, stimulus)


def _take_in_person(
    turn: Turn, stimulus: RunAsked | StopAsked | RequestDropAsked | AgentSwitched | HoldDecided
) -> None:
    match stimulus:
        case RunAsked():
            intake.asked(turn, stimulus)
        case StopAsked():
            intake.stop_asked(turn, stimulus)
        case RequestDropAsked():
            intake.drop_asked(turn, stimulus)
        case AgentSwitched():
            intake.switched(turn, stimulus)
        case HoldDecided():
            holds.decided(turn, stimulus)


def _take_in_setting(
    turn: Turn, stimulus: ServiceStarted | SettingsApplied | EngineConnected | EngineLost | AgentsDescribed
) -> None:
    match stimulus:
        case ServiceStarted():
            recovery.started(turn, stimulus)
            timers.align(turn, None)
        case SettingsApplied():
            before = turn.settings
            descriptions.settings_applied(turn, stimulus)
            timers.align(turn, before)
        case EngineConnected():
            descriptions.connected(turn, stimulus)
        case EngineLost():
            descriptions.lost(turn, stimulus)
        case AgentsDescribed():
            descriptions.described(turn, stimulus)
