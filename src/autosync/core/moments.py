"""Moments as the world tells them: one without a time zone is meant in UTC, as engines write theirs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from autosync.model.counts import RunResult
from autosync.model.stimuli import RunEnded, Sighted, Stimulus, TriggerFired


def in_utc(stimulus: Stimulus) -> Stimulus:
    """Return the stimulus with every moment aware: a naive one could be compared with nothing."""
    match stimulus:
        case TriggerFired(changed=datetime(tzinfo=None)):
            return replace(stimulus, changed=_aware(stimulus.changed))
        case Sighted(sighting=sighting) if _is_naive(sighting.started):
            return Sighted(sighting=replace(sighting, started=_aware(sighting.started)))
        case RunEnded(result=result) if any(_is_naive(each) for each in _moments(result)):
            return replace(stimulus, result=_result(result))
    return stimulus


def _is_naive(moment: datetime | None) -> bool:
    return moment is not None and moment.tzinfo is None


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _moments(result: RunResult) -> Iterator[datetime | None]:
    yield result.started
    yield result.ended
    for step in result.steps:
        yield step.started
        yield step.ended


def _result(result: RunResult) -> RunResult:
    steps = tuple(replace(step, started=_aware(step.started), ended=_aware(step.ended)) for step in result.steps)
    return replace(result, started=_aware(result.started), ended=_aware(result.ended), steps=steps)
