"""Rows in dictionaries, put one commit at a time: all of it, or none where an invariant would break."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from autosync.model.causes import Cascade
from autosync.model.errors import IllegalTransition
from autosync.model.holds import Hold, HoldState
from autosync.model.ids import AgentId, CascadeId, HoldId, ProfileName, RequestId, RunId, TriggerId
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, RequestGone, Row, ScheduleRow, TokenRow
from autosync.model.runs import Run, RunState


@dataclass(slots=True)
class Tables:
    """All rows by their keys; ``last`` remembers the highest id ever given, by kind."""

    requests: dict[RequestId, Request] = field(default_factory=dict)
    gone: dict[RequestId, datetime] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    holds: dict[HoldId, Hold] = field(default_factory=dict)
    cascades: dict[CascadeId, Cascade] = field(default_factory=dict)
    agents: dict[AgentId, AgentRow] = field(default_factory=dict)
    schedules: dict[TriggerId, ScheduleRow] = field(default_factory=dict)
    tokens: dict[TriggerId, TokenRow] = field(default_factory=dict)
    estimates: dict[tuple[AgentId, ProfileName], EstimateRow] = field(default_factory=dict)
    last: dict[type, int] = field(default_factory=dict)
    claims: dict[Hashable, Hashable] = field(default_factory=dict)
    """Who takes which unique place: the invariants that SQLite keeps as partial unique indexes."""

    def put_all(self, rows: Sequence[Row], at: datetime) -> None:
        """Put every row, or raise ``IllegalTransition`` and change nothing."""
        claims = dict(self.claims)
        for row in rows:
            owner, place = _claim(row)
            claims.pop(owner, None)
            if place is not None:
                claims[owner] = place
        if len(set(claims.values())) != len(claims):
            raise IllegalTransition(f"a unique place is taken twice: {sorted(map(str, claims.items()))}")
        self.claims = claims
        for row in rows:
            self._put(row, at)

    def _put(self, row: Row, at: datetime) -> None:
        match row:
            case RequestGone():
                self.gone[row.id] = at
            case Request():
                self.requests[row.id] = row
                self.gone.pop(row.id, None)
            case Run():
                self.runs[row.id] = row
            case Hold():
                self.holds[row.id] = row
            case Cascade():
                self.cascades[row.id] = row
            case _:
                self._put_state(row)
        if isinstance(row, Request | Run | Hold | Cascade):
            self.last[type(row)] = max(self.last.get(type(row), 0), row.id)

    def _put_state(self, row: AgentRow | ScheduleRow | TokenRow | EstimateRow) -> None:
        match row:
            case AgentRow():
                self.agents[row.id] = row
            case ScheduleRow():
                self.schedules[row.id] = row
            case TokenRow():
                self.tokens[row.trigger] = row
            case EstimateRow():
                self.estimates[row.agent, row.profile] = row


def _claim(row: Row) -> tuple[Hashable, Hashable | None]:
    """Return who the row is, and the unique place that it takes, or None."""
    match row:
        case RequestGone():
            return (Request, row.id), None
        case Request():
            return (Request, row.id), (Request, row.agent, row.profile)
        case Run():
            return (Run, row.id), (Run, row.agent, row.managed) if row.state is not RunState.ENDED else None
        case Hold():
            place = (Hold, row.agent, row.kind, row.partition)
            return (Hold, row.id), place if row.state is HoldState.OPEN else None
        case _:
            return None, None
