"""From a row of the run history and its details to what a run did."""

from dataclasses import replace
from typing import Final

from autosync.adapters.engines.mim.access.port import SyncService
from autosync.adapters.engines.mim.reading import answers
from autosync.adapters.engines.mim.reading.run_history import Known, RunReading, read_run
from autosync.adapters.engines.mim.rows import HistoryRow
from autosync.adapters.engines.mim.told import Told
from autosync.adapters.engines.mim.watch import UNKNOWN_END
from autosync.model.counts import RunResult
from autosync.model.errors import EngineRejected
from autosync.ports.clock import Clock
from autosync.untrusted_xml import XmlRefused

_TRIES: Final = 4
_LAG_S: Final = 0.5


class Results:
    """Reads what runs did."""

    def __init__(self, service: SyncService, clock: Clock, told: Told) -> None:
        self._service = service
        self._clock = clock
        self._told = told

    async def of(self, row: HistoryRow, known: Known) -> RunResult:
        """Return what an ended run did; without steps where its details cannot be read.

        Raises ``EngineUnavailable``. The row's status counts: the details have none of the run itself.
        """
        if row.status == UNKNOWN_END:
            return self._bare(
                row, f"{row.agent} says that it does not run, but its run history never told the end of this run"
            )
        try:
            reading = await self._details(row, known)
        except (EngineRejected, XmlRefused) as error:
            text = f"what run {row.number} of {row.agent} did cannot be read: {error}"
            self._told.warn("details", text)
            return self._bare(row, text)
        if reading is None:
            return self._bare(row, "its details are empty")
        self._told.warn_all(f"run {row.number} of {row.agent}", reading.warnings)
        message = "; ".join(each for each in (reading.result.message, *reading.warnings) if each)[:2000]
        return replace(
            reading.result,
            handle=row.key,
            status=row.status or reading.result.status,
            started=row.started or reading.result.started,
            ended=row.ended or reading.result.ended,
            message=message,
            doubts=reading.warnings,
        )

    async def _details(self, row: HistoryRow, known: Known) -> RunReading | None:
        """Return the details; some are written a moment after the row's end."""
        reading: RunReading | None = None
        for attempt in range(_TRIES):
            if attempt:
                await self._clock.sleep(_LAG_S)
            text = answers.history_text(await self._service.details(row.key))
            reading = read_run(text, known)
            if reading is not None and not reading.is_running:
                return reading
        return reading

    def _bare(self, row: HistoryRow, message: str) -> RunResult:
        return RunResult(handle=row.key, status=row.status, started=row.started, ended=row.ended, message=message)


def cleared(handle: str, agent: str) -> RunResult:
    """Return the result of a run whose row is gone."""
    return RunResult(
        handle=handle,
        status=UNKNOWN_END,
        message=f"somebody cleared the run history of {agent} before the end of this run was read: it ended, how is unknown",
    )
