"""What a run did, in the fewest words that say it."""

from collections.abc import Iterable, Iterator

from autosync.core import outcomes
from autosync.model.agents import Agent
from autosync.model.causes import Cause, CauseKind
from autosync.model.counts import ChangeKind, Counts, StepResult
from autosync.model.ids import AgentId, ProfileName
from autosync.model.runs import Run
from autosync.model.steps import Profile, StepKind
from autosync.model.wording import number

NOT_CONFIRMED = "exported-change-not-reimported"


def kind_of(run: Run, agent: Agent | None) -> str:
    """Return the kinds of the run's steps, joined with ``+``; the profile's name where nobody knows its steps."""
    if run.result is not None and run.result.steps:
        return _joined(step.kind for step in run.result.steps)
    return kind_of_profile(agent.profiles.get(run.profile) if agent is not None else None, run.profile)


def kind_of_profile(profile: Profile | None, name: ProfileName) -> str:
    """Return the kinds of the profile's steps, joined with ``+``; its name where nobody knows its steps."""
    return name if profile is None else _joined(step.kind for step in profile.steps)


def _joined(kinds: Iterable[StepKind]) -> str:
    return "+".join(dict.fromkeys(kind.value for kind in kinds))


def spoken(kind: str) -> str:
    """Return step kinds as people say them: ``full-import-delta-sync`` is ``full import and delta sync``."""
    parts = kind.replace("-delta", "+delta").replace("import-full", "import+full").split("+")
    return " and ".join(part.replace("-", " ") for part in parts)


def by_kind(counts: Counts) -> str:
    """Return the counts that are not zero, kind by kind: ``2 adds, 1 delete``."""
    said = [number(counts.of(kind), kind.value.removesuffix("s")) for kind in ChangeKind if counts.of(kind)]
    return ", ".join(said) or "nothing"


def did(run: Run) -> str:
    """Return what the run did, step by step: ``14 staged, 3 pending exports``. Empty while nothing is known."""
    if run.result is None:
        return ""
    said = [part for step in run.result.steps for part in _step_did(step)]
    if run.outcome is not None and run.outcome.kind not in outcomes.WELL:
        said = [part for part in said if not part.startswith("nothing")]  # it did not look: that is no news
    return ", ".join(said)


def _step_did(step: StepResult) -> Iterator[str]:
    if step.kind.imports and step.staged is not None:
        yield f"{step.staged.total:,} staged" if step.staged.total else "nothing new"
    if step.kind.syncs and step.outbound is not None:
        yield (
            number(sum(step.outbound.values()), "pending export")
            if any(step.outbound.values())
            else "nothing to export"
        )
    if step.kind.exports and step.exported is not None:
        yield by_kind(step.exported) if step.exported.total else "nothing exported"
    if step.export_failures:
        yield f"{step.export_failures:,} failed"
    if step.error_count:
        yield number(step.error_count, "error")


def errors_of(run: Run) -> int:
    """Return how many objects failed in the run."""
    return 0 if run.result is None else sum(step.error_count for step in run.result.steps)


def because(cause: Cause, source: Run | None, source_agent: Agent | None, target: AgentId) -> str:
    """Return one link of the chain: what ``source`` left behind that made ``target`` run, or the cause's own text."""
    if cause.kind is not CauseKind.RUN or source is None:
        return f"{cause.text} ({number(cause.count, 'time')})" if cause.count > 1 else cause.text
    who = f"{source.agent} {spoken(kind_of(source, source_agent))}"
    return f"{who} {_left_behind(source, target) or 'left work behind: ' + cause.text}"


def _left_behind(source: Run, target: AgentId) -> str:
    steps = source.result.steps if source.result is not None else ()
    outbound = sum((step.outbound or {}).get(target, 0) for step in steps)
    exported = sum(step.exported.total for step in steps if step.exported is not None)
    staged = sum(step.staged.total for step in steps if step.staged is not None)
    if outbound:
        return f"left {number(outbound, 'pending export')} here"
    if exported and source.agent == target:
        return f"exported {number(exported, 'change')}, which needed confirming"
    if exported:
        return f"exported {number(exported, 'change')}"
    return f"staged {number(staged, 'change')}" if staged else ""


def confirmation(run: Run) -> str:
    """Return what a confirming import found: ``confirmed``, or how many exported changes did not arrive."""
    if run.result is None:
        return "not ended"
    missing = sum(error.error_type == NOT_CONFIRMED for step in run.result.steps for error in step.errors)
    return f"{missing:,} not confirmed" if missing else "confirmed"
