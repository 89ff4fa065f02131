"""Tells what the demo's AutoSync does, a line a run, as the journal says that it ended."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from autosync.cli.terminal import Terminal
from autosync.cli.words import plural
from autosync.model.counts import Counts, StepResult
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.ids import RunId, name_of
from autosync.model.runs import Run
from autosync.ports.store import Store, StoredFact

_VERBS = {"adds": "added", "updates": "updated", "renames": "renamed", "deletes": "deleted", "delete_adds": "replaced"}
_STAGED = {"adds": "new", "updates": "changed", "renames": "renamed", "deletes": "gone", "delete_adds": "replaced"}


@dataclass(slots=True)
class Told:
    """What has been told so far, for the summary."""

    runs: int = 0
    exported: int = 0
    latencies: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    by_agent: Counter[str] = field(default_factory=Counter)


class Narrator:
    """Follows the journal and prints."""

    def __init__(self, terminal: Terminal, store: Store) -> None:
        self._terminal = terminal
        self._store = store
        self.told = Told()

    async def follow(self, facts: AsyncIterator[StoredFact]) -> None:
        """Tell every fact that people want to see, without end."""
        async for stored in facts:
            await self._tell(stored.fact)

    async def _tell(self, fact: Fact) -> None:
        match fact.kind:
            case FactKind.TRIGGER_FIRED:
                self._terminal.line(f"  {_clock(fact.at)}  {fact.text.removeprefix('trigger ')}")
            case FactKind.RUN_ENDED if fact.run is not None:
                await self._tell_run(fact.run)
            case FactKind.CASCADE_QUIET:
                self._quiet(fact)
            case FactKind.HOLD_OPENED:
                self._terminal.line(f"  {_clock(fact.at)}  {fact.text}", style="bold red")
            case _ if fact.severity is not Severity.INFO:
                self.told.troubles.append(fact.text)
                self._terminal.line(f"  {_clock(fact.at)}  {fact.text}", style="yellow")
            case _:
                pass

    async def _tell_run(self, number: RunId) -> None:
        run = await self._store.run(number)
        if run is None or run.ended is None:
            return
        self.told.runs += 1
        seconds = (run.ended - run.started).total_seconds()
        what = _what(run)
        self._terminal.line(
            f"  {_clock(run.ended)}  {name_of(run.agent):<10} {run.profile:<13} {what:<52} {seconds:6.2f} s"
        )
        for step in run.result.steps if run.result else ():
            if step.exported is not None:
                self.told.exported += step.exported.total

    def _quiet(self, fact: Fact) -> None:
        latency = fact.data.get("latency_s")
        if isinstance(latency, int | float):
            self.told.latencies.append(float(latency))
            self._terminal.line(f"            everywhere after {latency:.2f} s")
            self._terminal.line()


def _what(run: Run) -> str:
    steps = run.result.steps if run.result else ()
    said = ", ".join(filter(None, map(_step, steps)))
    status = run.outcome.status if run.outcome else ""
    if status != "success":
        said = f"{said}  ({status})" if said else status
    return said or "nothing new"


def _step(step: StepResult) -> str:
    if step.kind.exports:
        return _counts(step.exported, _VERBS)
    staged = _counts(step.staged, _STAGED) if step.kind.imports else ""
    if not step.kind.syncs:
        return staged
    pending = sum((step.outbound or {}).values())
    outbound = (
        f"{plural(pending, 'change')} for {plural(len([n for n in (step.outbound or {}).values() if n]), 'target')}"
        if pending
        else ""
    )
    return ", ".join(filter(None, (staged, outbound)))


def _counts(counts: Counts | None, verbs: dict[str, str]) -> str:
    if counts is None:
        return "counters unknown"
    return ", ".join(f"{getattr(counts, name):,} {verb}" for name, verb in verbs.items() if getattr(counts, name))


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
