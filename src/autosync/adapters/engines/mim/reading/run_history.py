"""Run history to what a run did: the XML of ``RunDetails()``, saved histories, and the pieces that ADSync hands out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.connections import Incident, incidents
from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.adapters.engines.mim.reading.object_errors import UNREAD
from autosync.adapters.engines.mim.reading.partitions import PartitionIndex
from autosync.adapters.engines.mim.reading.step_results import Context, step_result
from autosync.adapters.engines.mim.reading.values import guid, whole
from autosync.model.counts import RunResult, StepResult
from autosync.model.ids import EngineName, ProfileName
from autosync.untrusted_xml import Choice, Limits, Node, Source, XmlRefused, subtrees

MOST_STEPS: Final = 1000
_LIMITS: Final = Limits(size=256 * 1024 * 1024)
_LONGEST_MESSAGE: Final = 1000
_RUN: Final = "run-details"
_HEAD: Final = frozenset({"ma-id", "ma-name", "run-number", "run-profile-name", "security-id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known about the engine, so that names can be resolved."""

    engine: EngineName
    partitions: Mapping[str, PartitionIndex] = field(default_factory=dict)
    """By the agent's name in lower case. Without it partitions keep the name that the history uses."""
    agents: Mapping[str, str] = field(default_factory=dict)
    """Agents' names by their ids (lower case, no braces), for targets that the history names by id alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReading:
    """One run of the history."""

    agent: str
    agent_guid: str
    profile: ProfileName
    account: str
    """Who ran it, as ``DOMAIN\\user``."""
    result: RunResult
    is_running: bool
    connection_log: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    number: int | None
    result: StepResult
    log: tuple[Incident, ...]


@dataclass(slots=True)
class _Run:
    head: dict[str, str] = field(default_factory=dict)
    steps: list[_Step] = field(default_factory=list)
    doubts: Doubts = field(default_factory=Doubts)


def read_runs(source: Source, known: Known) -> Iterator[RunReading]:
    """Yield the runs of a history, in the order of the file. Raises ``XmlRefused``.

    What a method returns instead of XML (``access-denied``) is none: ask ``answers.history_text`` first.
    """
    run = _Run()
    for node in subtrees(source, _choose, dropped=UNREAD, limits=_LIMITS):
        if node.name in run.head:
            yield _reading(run)
            run = _Run()
        if node.name in _HEAD:
            run.head[node.name] = node.text.strip()
        else:
            run.steps.append(_step(node, run, known))
        if len(run.steps) > MOST_STEPS:
            raise XmlRefused(f"a run with more than {MOST_STEPS} steps")
    if run.head or run.steps:
        yield _reading(run)


def read_run(source: Source, known: Known) -> RunReading | None:
    """Return the newest run of a history; None for an agent that never ran, or whose history was cleared."""
    return max(read_runs(source, known), key=lambda run: whole(run.result.handle) or 0, default=None)


def _choose(path: tuple[str, ...]) -> Choice:
    if _RUN not in path:
        # run-history or execution-histories around it
        return Choice.ENTER if len(path) <= 3 else Choice.SKIP
    if path[-1] == _RUN:
        return Choice.ENTER
    wanted = path[-2] == _RUN and (path[-1] in _HEAD or path[-1] == "step-details")
    return Choice.KEEP if wanted else Choice.SKIP


def _step(node: Node, run: _Run, known: Known) -> _Step:
    """Return a step at once, so that no more than one step's XML is in memory. The agent's name stands before the steps."""
    partitions = known.partitions.get(run.head.get("ma-name", "").casefold())
    context = Context(engine=known.engine, partitions=partitions, agents=known.agents, doubts=run.doubts)
    number = whole(node.attributes.get("step-number") or node.attributes.get("number") or "")
    return _Step(number, step_result(node, context), incidents(node))


def _reading(run: _Run) -> RunReading:
    ran = _in_order(run.steps)
    steps = tuple(step.result for step in ran)
    log = [
        (f"step {place}: {each.text}", each.is_failure) for place, step in enumerate(ran, start=1) for each in step.log
    ]
    goes_on = any(statuses.is_transitional(step.status) for step in steps)
    return RunReading(
        agent=run.head.get("ma-name", ""),
        agent_guid=guid(run.head.get("ma-id", "")),
        profile=ProfileName(run.head.get("run-profile-name", "")),
        account=run.head.get("security-id", ""),
        result=RunResult(
            handle=run.head.get("run-number", ""),
            status=run_status(steps),
            steps=steps,
            started=min(_moments(step.started for step in steps), default=None),
            ended=None if goes_on else max(_moments(step.ended for step in steps), default=None),
            message="; ".join(text for text, is_failure in log if is_failure)[:_LONGEST_MESSAGE],
        ),
        is_running=goes_on,
        connection_log=tuple(text for text, _ in log),
        warnings=run.doubts.told,
    )


def run_status(steps: Sequence[StepResult]) -> str:
    """Return how the run ended, as far as its steps tell: the last status, unless it hides an earlier one.

    The history XML has no status of the run itself. Where ``Execute`` or ``MIIS_RunHistory`` gave one, that one counts.
    """
    if not steps:
        return ""
    bad = [step.status for step in steps if step.status != "success"]
    return bad[-1] if bad else "success"


def _in_order(steps: Sequence[_Step]) -> list[_Step]:
    """Return the steps in the order in which they ran; the file lists the newest first."""
    numbered = [(step.number, step) for step in steps if step.number is not None]
    if len({number for number, _ in numbered}) == len(steps):
        return [step for _, step in sorted(numbered, key=lambda pair: pair[0])]
    return list(reversed(steps))


def _moments(moments: Iterator[datetime | None]) -> Iterator[datetime]:
    return (moment for moment in moments if moment is not None)
