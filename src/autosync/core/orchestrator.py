"""The one entry of the core: what has happened goes in, what must be recorded, stored and done comes out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from autosync.core import cascades, descriptions, endings, holds, inspection, intake, planning, recovery, timers
from autosync.core.decision import Decision
from autosync.core.state import State
from autosync.core.turn import Turn
from autosync.model.stimuli import (
    AgentsDescribed,
    AgentSwitched,
    EngineConnected,
    EngineLost,
    HoldDecided,
    Inspected,
    RequestDropAsked,
    RunAccepted,
    RunAsked,
    RunEnded,
    RunLost,
    RunNeverBegan,
    RunRefused,
    ScriptAnswered,
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
    time_counts = state.timer is not None and now >= state.timer
    for stimulus in drawn_together(stimuli):
        _take_in(turn, stimulus)
        time_counts = time_counts or isinstance(stimulus, _TIME_COUNTS)
    if not turn.touched and not time_counts:
        return turn.decision() if turn.spoke else Decision(state=state)
    if time_counts:
        timers.due(turn)
    recovery.deferred(turn)
    revisit = planning.plan(turn)
    cascades.settle(turn)
    moments = (timers.next_due(turn), revisit)
    turn.set_timer(min((each for each in moments if each is not None), default=None), again=time_counts)
    turn.clock = now if time_counts or turn.clock is None else max(now, turn.clock)
    return turn.decision()


def drawn_together(stimuli: Iterable[Stimulus]) -> list[Stimulus]:
    """Return the stimuli with equal firings as one with a count: a storm costs as much as a breeze."""
    found: list[Stimulus] = []
    places: dict[object, int] = {}
    for stimulus in stimuli:
        if not isinstance(stimulus, TriggerFired):
            found.append(stimulus)
            continue
        key = (stimulus.trigger, stimulus.wanted, stimulus.full)
        place = places.setdefault(key, len(found))
        if place == len(found):
            found.append(stimulus)
        else:
            found[place] = _both(found[place], stimulus)
    return found


_TIME_COUNTS = (ServiceStarted, SettingsApplied, AgentsDescribed, TimePassed)
"""Stimuli after which something may be due although no timer ran out."""


def _both(earlier: Stimulus, later: TriggerFired) -> Stimulus:
    if not isinstance(earlier, TriggerFired):
        return later
    changed = [each for each in (earlier.changed, later.changed) if each is not None]
    return replace(
        later,
        token=later.token if later.token is not None else earlier.token,
        changed=min(changed, default=None),
        text=later.text or earlier.text,
        count=earlier.count + later.count,
    )


def _take_in(turn: Turn, stimulus: Stimulus) -> None:  # noqa: C901, PLR0912 - a table: one line for each stimulus
    match stimulus:
        case TriggerHealth() | TimePassed():
            pass
        case TriggerFired():
            intake.fired(turn, stimulus)
        case Sighted():
            recovery.sighted(turn, stimulus)
        case RunAccepted():
            recovery.accepted(turn, stimulus)
        case RunEnded():
            endings.ended(turn, stimulus)
        case RunRefused():
            endings.refused(turn, stimulus)
        case RunNeverBegan():
            endings.never_began(turn, stimulus)
        case RunLost():
            recovery.lost(turn, stimulus)
        case Inspected():
            if inspection.take_in(turn, stimulus):
                holds.review(turn, stimulus.agent)
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
        case ScriptAnswered():
            intake.script_answered(turn, stimulus)
        case EngineConnected():
            descriptions.connected(turn, stimulus)
        case EngineLost():
            descriptions.lost(turn, stimulus)
        case AgentsDescribed():
            descriptions.described(turn, stimulus)
        case SettingsApplied():
            before = turn.settings
            descriptions.settings_applied(turn, stimulus)
            timers.align(turn, before)
        case ServiceStarted():
            recovery.started(turn, stimulus)
            timers.align(turn, None)
