"""The store in memory: the same promises, but for the power cut."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from autosync.adapters.stores.memory.tables import Tables
from autosync.model.causes import Cascade
from autosync.model.holds import Hold, HoldState
from autosync.model.ids import CascadeId, HoldId, RequestId, RunId, engine_of
from autosync.model.requests import Request
from autosync.model.rows import Snapshot
from autosync.model.runs import Run, RunState
from autosync.ports.store import Commit, FactFilter, Message, Pruned, Revision, RunFilter, StoredFact

K = TypeVar("K")
V = TypeVar("V")

_LIVE = {HoldState.OPEN, HoldState.APPROVED, HoldState.REJECTED}


class MemoryStore:
    """Forgets everything when the process ends; a closed one can be opened again, like a file."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._facts: list[StoredFact] = []
        self._numbers = 0
        self._messages: dict[int, Message] = {}
        self._message_numbers = 0
        self._revisions: list[Revision] = []

    async def open(self) -> None:
        """Do nothing: there is nothing to open."""

    async def close(self) -> None:
        """Do nothing: what was committed stays for the next ``open``."""

    async def load(self) -> Snapshot:
        """Return everything that the core's state is rebuilt from."""
        tables = self._tables
        return Snapshot(
            requests=tuple(request for key, request in sorted(tables.requests.items()) if key not in tables.gone),
            runs=tuple(run for _, run in sorted(tables.runs.items()) if run.state is not RunState.ENDED),
            holds=tuple(hold for _, hold in sorted(tables.holds.items()) if hold.state in _LIVE),
            cascades=tuple(cascade for _, cascade in sorted(tables.cascades.items()) if cascade.quiet is None),
            agents=tuple(tables.agents.values()),
            schedules=tuple(tables.schedules.values()),
            tokens=tuple(tables.tokens.values()),
            estimates=tuple(tables.estimates.values()),
            last_request=tables.last.get(Request, 0),
            last_run=tables.last.get(Run, 0),
            last_hold=tables.last.get(Hold, 0),
            last_cascade=tables.last.get(Cascade, 0),
        )

    async def commit(self, commit: Commit) -> Sequence[StoredFact]:
        """Store it all and return the facts with their numbers."""
        self._tables.put_all(commit.rows, commit.at)
        stored = [StoredFact(number=self._numbers + 1 + place, fact=fact) for place, fact in enumerate(commit.facts)]
        self._numbers += len(stored)
        self._facts.extend(stored)
        for message in commit.messages:
            self._message_numbers += 1
            number = self._message_numbers
            self._messages[number] = Message(
                number=number, channel=message.channel, body=dict(message.body), created=commit.at, due=commit.at
            )
        return stored

    async def run(self, run: RunId) -> Run | None:
        """Return one run, ended or not, with steps and counters."""
        return self._tables.runs.get(run)

    async def runs(self, wanted: RunFilter) -> Sequence[Run]:
        """Return runs, newest first."""
        found = (run for _, run in sorted(self._tables.runs.items(), reverse=True) if _run_fits(run, wanted))
        return [run for run, _ in zip(found, range(wanted.limit), strict=False)]

    async def request(self, request: RequestId) -> Request | None:
        """Return one request, waiting or not, as it last was."""
        return self._tables.requests.get(request)

    async def facts(self, wanted: FactFilter) -> Sequence[StoredFact]:
        """Return facts, oldest first."""
        found = [stored for stored in self._facts if _fact_fits(stored, wanted)]
        return found[: wanted.limit] if wanted.after is not None else found[-wanted.limit :]

    async def hold(self, hold: HoldId) -> Hold | None:
        """Return one hold, decided or not."""
        return self._tables.holds.get(hold)

    async def holds(self, *, only_open: bool = True, limit: int = 100) -> Sequence[Hold]:
        """Return holds, newest first."""
        found = [hold for _, hold in sorted(self._tables.holds.items(), reverse=True)]
        return [hold for hold in found if not only_open or hold.state is HoldState.OPEN][:limit]

    async def cascade(self, cascade: CascadeId) -> Cascade | None:
        """Return one cascade."""
        return self._tables.cascades.get(cascade)

    async def cascades(self, *, limit: int = 50) -> Sequence[Cascade]:
        """Return cascades, newest first."""
        return [cascade for _, cascade in sorted(self._tables.cascades.items(), reverse=True)][:limit]

    async def add_revision(self, text: str, at: datetime, by: str, reason: str = "") -> Revision:
        """Store a configuration text and return its revision; the same text as the newest returns that one."""
        if not self._revisions or self._revisions[-1].text != text:
            number = len(self._revisions) + 1
            self._revisions.append(Revision(number=number, text=text, applied=at, by=by, reason=reason))
        return self._revisions[-1]

    async def revisions(self, *, limit: int = 50) -> Sequence[Revision]:
        """Return configuration revisions, newest first."""
        return self._revisions[::-1][:limit]

    async def due_messages(self, now: datetime, *, limit: int = 20) -> Sequence[Message]:
        """Return outbox messages that are due, oldest first."""
        due = [
            (message.due, number) for number, message in self._messages.items() if message.due and message.due <= now
        ]
        return [self._messages[number] for _, number in sorted(due)][:limit]

    async def message_sent(self, number: int) -> None:
        """Forget a delivered message."""
        self._messages.pop(number, None)

    async def message_failed(self, number: int, due: datetime, error: str) -> None:  # noqa: ARG002 - the port's signature
        """Count a failed delivery and try again at ``due``."""
        if number in self._messages:
            message = self._messages[number]
            self._messages[number] = replace(message, attempts=message.attempts + 1, due=due)

    async def prune(self, before: datetime, *, limit: int = 5000) -> Pruned:
        """Remove at most ``limit`` of each kind of thing that ended before the moment."""
        tables = self._tables
        old = sorted(stored.number for stored in self._facts if stored.fact.at < before)[:limit]
        if old:
            gone = set(old)
            self._facts = [stored for stored in self._facts if stored.number not in gone]
        details = {
            "facts": len(old),
            "runs": _drop(tables.runs, lambda run: run.ended is not None and run.ended < before, limit),
            "cascades": _drop(tables.cascades, lambda cascade: _quiet_before(cascade, before), limit),
            "holds": _drop(tables.holds, lambda hold: _settled_before(hold, before), limit),
        }
        requests = [key for key, at in tables.gone.items() if at < before][:limit]
        for key in requests:
            del tables.gone[key], tables.requests[key]
        details["requests"] = len(requests)
        others = details["requests"] + details["cascades"] + details["holds"]
        return Pruned(facts=details["facts"], runs=details["runs"], others=others, details=details)


def _drop(table: dict[K, V], is_old: Callable[[V], bool], limit: int) -> int:
    keys = [key for key, row in table.items() if is_old(row)][:limit]
    for key in keys:
        del table[key]
    return len(keys)


def _quiet_before(cascade: Cascade, before: datetime) -> bool:
    return cascade.quiet is not None and cascade.quiet < before


def _settled_before(hold: Hold, before: datetime) -> bool:
    return hold.state in {HoldState.LIFTED, HoldState.SETTLED} and hold.opened < before


def _run_fits(run: Run, wanted: RunFilter) -> bool:
    return (
        (wanted.agent is None or run.agent == wanted.agent)
        and (wanted.engine is None or engine_of(run.agent) == wanted.engine)
        and (wanted.outcomes is None or (run.outcome is not None and run.outcome.kind in wanted.outcomes))
        and (wanted.cascade is None or wanted.cascade in run.cascades)
        and (wanted.since is None or run.started >= wanted.since)
        and (wanted.before is None or run.id < wanted.before)
    )


def _fact_fits(stored: StoredFact, wanted: FactFilter) -> bool:
    fact = stored.fact
    return (
        (wanted.after is None or stored.number > wanted.after)
        and all(
            getattr(wanted, name) is None or getattr(fact, name) == getattr(wanted, name)
            for name in ("agent", "run", "request", "hold", "cascade")
        )
        and (wanted.kinds is None or fact.kind in wanted.kinds)
        and (wanted.severities is None or fact.severity in wanted.severities)
    )
