"""The simplest store: rows in dictionaries, and the snapshot that a start would read from them."""

from autosync.model.causes import Cascade
from autosync.model.holds import Hold, HoldState
from autosync.model.requests import Request
from autosync.model.rows import AgentRow, EstimateRow, RequestGone, Row, ScheduleRow, Snapshot, TokenRow
from autosync.model.runs import Run, RunState


class DictStore:
    def __init__(self) -> None:
        self.requests: dict[int, Request] = {}
        self.gone: set[int] = set()
        self.runs: dict[int, Run] = {}
        self.holds: dict[int, Hold] = {}
        self.cascades: dict[int, Cascade] = {}
        self.agents: dict[str, AgentRow] = {}
        self.schedules: dict[str, ScheduleRow] = {}
        self.tokens: dict[str, TokenRow] = {}
        self.estimates: dict[tuple[str, str], EstimateRow] = {}

    def apply(self, rows: tuple[Row, ...]) -> None:
        for row in rows:
            self._put(row)
            self._check()

    def _put(self, row: Row) -> None:
        match row:
            case Request():
                self.requests[row.id] = row
                self.gone.discard(row.id)
            case RequestGone():
                self.gone.add(row.id)
            case Run():
                self.runs[row.id] = row
            case Hold():
                self.holds[row.id] = row
            case Cascade():
                self.cascades[row.id] = row
            case _:
                self._put_small(row)

    def _put_small(self, row: AgentRow | ScheduleRow | TokenRow | EstimateRow) -> None:
        match row:
            case AgentRow():
                self.agents[row.id] = row
            case ScheduleRow():
                self.schedules[row.id] = row
            case TokenRow():
                self.tokens[row.trigger] = row
            case EstimateRow():
                self.estimates[row.agent, row.profile] = row

    def _check(self) -> None:
        """What the store's indexes enforce after every single row."""
        keys = [(each.agent, each.profile) for each in self.requests.values() if each.id not in self.gone]
        assert len(keys) == len(set(keys)), "two equal requests wait"
        going = [each.agent for each in self.runs.values() if each.state is not RunState.ENDED]
        assert len(going) == len(set(going)), "two runs of one agent go on"

    def snapshot(self) -> Snapshot:
        kept = {HoldState.OPEN, HoldState.APPROVED, HoldState.REJECTED}
        return Snapshot(
            requests=tuple(each for each in self.requests.values() if each.id not in self.gone),
            runs=tuple(each for each in self.runs.values() if each.state is not RunState.ENDED),
            holds=tuple(each for each in self.holds.values() if each.state in kept),
            cascades=tuple(each for each in self.cascades.values() if each.quiet is None),
            agents=tuple(self.agents.values()),
            schedules=tuple(self.schedules.values()),
            tokens=tuple(self.tokens.values()),
            estimates=tuple(self.estimates.values()),
            last_request=max(self.requests, default=0),
            last_run=max(self.runs, default=0),
            last_hold=max(self.holds, default=0),
            last_cascade=max(self.cascades, default=0),
        )
