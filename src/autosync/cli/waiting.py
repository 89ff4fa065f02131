"""Waiting for a wished run: what it waits for, how far it is, and its end."""

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.words import duration, spoken, stopwatch

_ONE_LOOK_S = 2.0
"""How long one question may wait in the service: also how old the progress line gets."""


def wait_for(session: Session, request: int, patience: timedelta) -> Mapping[str, Any]:
    """Return the run that the request became, once it has ended.

    Raises ``Failure``: held by a guard, dropped, or not ended within ``patience`` (it goes on).
    """
    deadline = monotonic() + patience.total_seconds()
    while True:
        left = deadline - monotonic()
        seen = session.client.get(f"/requests/{request}", wait_s=round(max(0.0, min(_ONE_LOOK_S, left)), 2))
        if seen["outcome"] is not None and seen["state"] != "waiting":
            session.terminal.end_progress()
            run: Mapping[str, Any] = session.client.get(f"/runs/{seen['run']}")
            return run
        _check(seen, out_of_time=left <= 0, patience=patience)
        session.terminal.progress(_progress(session, seen))


def _check(seen: Mapping[str, Any], *, out_of_time: bool, patience: timedelta) -> None:
    name = f"R-{seen['request']}"
    if seen["state"] == "gone":
        raise Failure(Exit.FAILED, f"request {name} was dropped before it started: autosync why {name}")
    if seen["state"] == "waiting" and seen["hold"]:
        raise Failure(Exit.HELD, f"held by a guard, and waits for a decision: autosync hold show {seen['hold']}")
    if out_of_time:
        doing = "waits" if seen["state"] == "waiting" else "runs"
        raise Failure(
            Exit.FAILED,
            f"request {name} still {doing} after {duration(patience.total_seconds())}; it goes on: autosync why {name}",
            kind="timeout",
        )


def _progress(session: Session, seen: Mapping[str, Any]) -> str:
    if seen["state"] == "waiting":
        return f"waits: {'; '.join(reason['text'] for reason in seen['why']) or 'starts next'}"
    run = session.client.get(f"/runs/{seen['run']}")["brief"]
    expected = f" of ~{stopwatch(run['expected_s'])}" if run["expected_s"] else ""
    return f"{spoken(run['kind'])}  {stopwatch(run['seconds'])}{expected}"
