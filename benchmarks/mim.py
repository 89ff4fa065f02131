"""AutoSync and a stand-in for a synchronization server: how soon an end is known, and how soon the next start follows.

``python -m benchmarks.mim`` starts the stand-in in a process of its own, lets ``autosync init mim`` write the configuration,
switches everything on, runs the service for a while, and reads from its store what happened.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from autosync.adapters.stores.sqlite import SqliteStore
from autosync.model.causes import CauseKind
from autosync.model.runs import Run
from autosync.ports.store import RunFilter

AUTOSYNC = [sys.executable, "-m", "autosync"]
GOAL_MS = 50.0
_SHARES = (("median", 0.5), ("p90", 0.9), ("p95", 0.95))


def main() -> int:
    """Measure, and print what came out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mim", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the service runs")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder), asked.seconds)
        (store,) = Path(folder).glob("*.db")
        runs = asyncio.run(runs_of(store))
    show("end known after the engine's end", known_after(runs))
    follow_ups = gaps(runs)
    next_starts = [started for started, _ in follow_ups]
    show("next start after the end was known", next_starts)
    show("next start after the engine's end", [since for _, since in follow_ups if since is not None])
    share = sum(each <= GOAL_MS for each in next_starts) / len(next_starts)
    print(f"\n{len(runs)} runs; goal: the next start within {GOAL_MS:.0f} ms, which {share:.0%} of them were")
    return 0


def play(folder: Path, seconds: float) -> None:
    """Let AutoSync drive a stand-in for some time."""
    command = [sys.executable, "-u", "-m", "autosync.testing.mim", "--port", "0", "--quick", "--changes-every", "1"]
    with subprocess.Popen([*command, "--password-file", str(folder / "password")], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = int(re.findall(rb":(\d+)/", server.stdout.readline())[0])
        server.stdout.readline()
        try:
            drive(folder, port, seconds)
        finally:
            server.terminate()
            server.stdout.read()


def drive(folder: Path, port: int, seconds: float) -> None:
    """Write a configuration and run the service on it."""
    environment = {**os.environ, "MIM_PASSWORD": (folder / "password").read_text(encoding="utf-8").strip()}
    way = ["--server", "127.0.0.1", "--port", str(port), "--http", "--user", "CORP\\svc-autosync"]
    quiet = subprocess.DEVNULL
    subprocess.run([*AUTOSYNC, "init", "mim", *way], cwd=folder, env=environment, check=True, stdout=quiet)
    file = folder / "autosync.yaml"
    text = (
        file.read_text(encoding="utf-8").replace("enabled: false", "enabled: true").replace("every: 15m", "every: 1s")
    )
    file.write_text(text, encoding="utf-8", newline="\n")
    with subprocess.Popen([*AUTOSYNC, "run"], cwd=folder, env=environment, stdout=quiet, stderr=quiet) as service:
        time.sleep(seconds)
        service.terminate()


async def runs_of(file: Path) -> Sequence[Run]:
    """Return the runs that ended, oldest first."""
    store = SqliteStore(file)
    await store.open()
    found = await store.runs(RunFilter(limit=100_000))
    await store.close()
    return sorted((run for run in found if run.ended is not None), key=lambda run: run.started)


def known_after(runs: Sequence[Run]) -> list[float]:
    """Return for each run the milliseconds between the engine's end and AutoSync's knowledge of it."""
    both = [(run.ended, run.result.ended) for run in runs if run.result is not None]
    return [_milliseconds(known - ended) for known, ended in both if known is not None and ended is not None]


def gaps(runs: Sequence[Run]) -> list[tuple[float, float | None]]:
    """Return for each run that another run made necessary the milliseconds since the last end before its start.

    Each is told as AutoSync learned of that end, and as the engine's history has it.
    """
    found: list[tuple[float, float | None]] = []
    for run in runs:
        ends = [(other.ended, other) for other in runs if other.ended is not None and other.ended <= run.started]
        if ends and any(cause.kind is CauseKind.RUN for cause in run.causes):
            known, last = max(ends, key=lambda end: end[0])
            ended = last.result.ended if last.result is not None else None
            since = None if ended is None else _milliseconds(run.started - ended)
            found.append((_milliseconds(run.started - known), since))
    return found


def _milliseconds(span: timedelta) -> float:
    return span.total_seconds() * 1000


def show(what: str, values: Sequence[float]) -> None:
    """Print a distribution in milliseconds."""
    ordered = sorted(values)
    told = (f"{name} {ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.0f} ms" for name, share in _SHARES)
    print(f"{what}: {', '.join(told)}, slowest {ordered[-1]:.0f} ms ({len(ordered)} runs)")


if __name__ == "__main__":
    sys.exit(main())
