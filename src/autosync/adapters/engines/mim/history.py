"""Clearing the engine's run history: saved first where a folder is named, then deleted, by age."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from autosync.adapters.engines.mim.access.port import ListedRun, SyncService
from autosync.adapters.engines.mim.reading import answers
from autosync.adapters.engines.mim.told import Told
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.ports.clock import Clock

_DECLARATION: Final = re.compile(r"\A[\ufeff\s]*<\?xml[^>]*\?>\s*")
_BITE: Final = 500
"""Runs of one file, so that neither a file nor the memory grows without end."""


class RunHistory:
    """The part of the engine's history that is old enough to go."""

    def __init__(self, service: SyncService, clock: Clock, told: Told, folder: Path | None) -> None:
        self._service = service
        self._clock = clock
        self._told = told
        self._folder = folder

    async def clear(self, before: datetime) -> int:
        """Delete runs that ended at the moment or before; return how many. What cannot be saved is not deleted."""
        rows = await self._service.runs(ended_until=before)
        if not rows:
            return 0
        if self._folder is not None:
            await self._save(rows, self._folder)
        answer = await self._service.clear_runs(before)
        if answer.strip().lower() != "success":
            raise answers.said_no(answer)
        return len(rows)

    async def _save(self, rows: Sequence[ListedRun], folder: Path) -> None:
        """Write the details of the runs as files that the engine's own tools, and AutoSync, can read."""
        now = self._clock.now().astimezone(UTC)
        for number, begin in enumerate(range(0, len(rows), _BITE)):
            details = [text async for text in self._details(rows[begin : begin + _BITE])]
            name = f"history-{now:%Y-%m-%dT%H.%M.%SZ}{f'-{number + 1}' if len(rows) > _BITE else ''}.xml"
            try:
                await asyncio.to_thread(_write_whole, folder / name, details)
            except OSError as error:
                raise EngineUnavailable(
                    f"the run history is not cleared, since it cannot be saved to {folder / name}: {error}. "
                    "See save-run-history"
                ) from error

    async def _details(self, rows: Sequence[ListedRun]) -> AsyncIterator[str]:
        for row in rows:
            try:
                yield answers.history_text(await self._service.details(row.key))
            except EngineRejected as error:
                self._told.warn("history", f"run {row.number} of {row.agent} could not be saved: {error}")


def _write_whole(path: Path, details: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<execution-histories>\n')
        for each in details:
            file.write(_DECLARATION.sub("", each).strip() + "\n")
        file.write("</execution-histories>\n")
    new.replace(path)
