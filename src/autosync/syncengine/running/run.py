"""One run: the steps of a profile in order, each with a status in Microsoft's words."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.recording import moment_text, pack_result
from autosync.syncengine.results import RunResult, StepResult
from autosync.syncengine.running.context import RunContext
from autosync.syncengine.running.exports import ExportStep
from autosync.syncengine.running.imports import ImportStep
from autosync.syncengine.running.report import StepReport, Stopped
from autosync.syncengine.running.synchronizing import SyncStep
from autosync.syncengine.steps import Profile, Step
from autosync.syncengine.store.port import Store

_log = logging.getLogger(__name__)

Progress = Callable[[int, int, int | None], None]
"""Told (step from 1, objects done, objects in all or None) after each batch."""


class Run:
    """Executes a profile and keeps the run history up to date while it does."""

    def __init__(
        self, context: RunContext, profile: Profile, clock: Callable[[], datetime], on_progress: Progress | None
    ) -> None:
        self._context = context
        self._profile = profile
        self._clock = clock
        self._on_progress = on_progress

    def execute(self, run_id: str) -> RunResult:
        """Run all steps and return what they did; only what no engine can handle is raised."""
        agent, started = self._context.agent, self._clock()
        result = RunResult(
            run_number=0,
            agent=agent.name,
            profile=self._profile.name,
            status="in-progress",
            started=started,
            run_id=run_id,
        )
        store = self._context.store
        result = replace(result, run_number=store.start_run(agent.number, pack_result(result)))
        store.save_run(agent.number, result.run_number, None, pack_result(result))
        steps: list[StepResult] = []
        for number, step in enumerate(self._profile.steps, start=1):
            steps.append(self._step(step, number))
            if not goes_on(steps[-1].status):
                break
        status, message = verdict(steps)
        result = replace(result, steps=tuple(steps), status=status, message=message, ended=self._clock())
        record(store, agent.number, result)
        return result

    def _step(self, step: Step, number: int) -> StepResult:
        report = StepReport(step=step, started=self._clock())
        if self._on_progress is not None:
            tell = self._on_progress
            report.on_progress = lambda done, total: tell(number, done, total)
        try:
            self._execute(step, report)
            status = report.completed_status()
        except Stopped as stopped:
            status, report.message = stopped.status, stopped.message
        except ConnectorError as error:
            status, report.message = error.status, str(error)
        except sqlite3.Error as error:
            status = "stopped-database-disk-full" if "full" in str(error) else "stopped-database-connection-lost"
            report.message = f"the store failed: {error}"
            _log.exception("the store failed")
        except Exception as error:  # noqa: BLE001  # the border: a bug ends this run, not the process
            status, report.message = "stopped-server", f"the engine failed: {type(error).__name__}"
            _log.exception("a run step failed")
        return report.result(status, self._clock())

    def _execute(self, step: Step, report: StepReport) -> None:
        kind = step.kind
        if kind.exports:
            ExportStep(self._context, report).run()
        if kind.imports:
            delta = not kind.reads_everything and self._context.reads_delta
            ImportStep(self._context, report).run(delta=delta, whole=not delta)
        if kind.syncs and goes_on(report.completed_status()):
            SyncStep(self._context, report).run(full=kind.syncs_everything)


def goes_on(status: str) -> bool:
    """Return whether the next step runs (Microsoft: not after discovery errors, nor after a stop)."""
    return status == "success" or (status.startswith("completed-") and status != "completed-discovery-errors")


def verdict(steps: list[StepResult]) -> tuple[str, str]:
    """Return a run's status: that of the first step that was not a plain success."""
    for step in steps:
        if step.status not in {"success", "completed-no-objects"}:
            return step.status, step.message
    return (steps[-1].status, "") if steps else ("no-start-no-steps-in-profile", "the profile has no steps")


def record(store: Store, agent: int, result: RunResult) -> None:
    """Write an ended run into the history."""
    assert result.ended is not None
    store.save_run(agent, result.run_number, moment_text(result.ended), pack_result(result))
