"""``runs`` and ``run``: what ran, what each did, and asking for one or for its end."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.waiting import wait_for
from autosync.cli.words import clock, duration, parse_duration, spoken
from autosync.model.wording import number

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent: mim/HR, or HR where only one has that name.")]
Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="A run profile, or what it is for: full-import.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's number, or last.")]
Target = Annotated[str, typer.Argument(metavar="AGENT", help="The agent whose run is to stop, or the run's number.")]
OfAgent = Annotated[str | None, typer.Option("--agent", help="Only of this agent.")]
OfEngine = Annotated[str | None, typer.Option("--engine", help="Only of this engine.")]
Outcome = Annotated[list[str] | None, typer.Option("--outcome", help="Only with this outcome; may be repeated.")]
Since = Annotated[str | None, typer.Option("--since", help="Only of the last 2h, 3d, 90m.")]
Cascade = Annotated[int | None, typer.Option("--cascade", help="Only of this cascade.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")]
Partition = Annotated[str | None, typer.Option("--partition", help="On this partition.")]
Front = Annotated[bool, typer.Option("--front", help="Before everything else that waits for the agent.")]
Exclusive = Annotated[bool, typer.Option("--exclusive", help="Alone: nothing else runs in the engine meanwhile.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the run's end; its outcome is the exit code.")]
Timeout = Annotated[str, typer.Option("--timeout", help="With --wait: how long at most (10m, 1h30m).")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]


def runs(
    session: Session,
    *,
    agent: OfAgent = None,
    engine: OfEngine = None,
    outcome: Outcome = None,
    since: Since = None,
    cascade: Cascade = None,
    limit: Limit = 20,
) -> None:
    """List runs, newest first."""
    begin = None if since is None else moment_before(session, since)
    query = {"agent": agent, "engine": engine, "outcome": outcome, "cascade": cascade, "since": begin}
    said = session.client.get("/runs", **query, limit=limit)
    session.show(said, lambda: _print_list(session, said["items"]))


def show(session: Session, run: Run) -> None:
    """Show one run: steps, counters, object errors, causes."""
    said = session.client.get(f"/runs/{run_number(session, run)}")
    session.show(said, lambda: _print(session, said))


def start(
    session: Session,
    agent: Agent,
    profile: Profile,
    *,
    partition: Partition = None,
    front: Front = False,
    exclusive: Exclusive = False,
    wait: Wait = False,
    timeout: Timeout = "1h",
    reason: Reason = "",
) -> None:
    """Ask for a run. It waits its turn like any other, behind the same guards."""
    patience = parse_duration(timeout)
    if patience is None:
        raise Failure(Exit.USAGE, f'--timeout "{timeout}" is no duration; write 90s, 15m or 1h30m')
    body = {"agent": agent, "profile": profile, "partition": partition, "front": front, "exclusive": exclusive}
    asked = session.client.post("/runs", {**body, "reason": reason})
    if not wait or asked["request"] is None:
        session.show(asked, lambda: session.terminal.line(asked["text"]))
        return
    ended = wait_for(session, asked["request"], patience)
    session.show(ended, lambda: _print(session, ended))
    if ended["brief"]["outcome"] not in {"success", "object-errors"}:
        raise typer.Exit(int(Exit.FAILED))


def stop(session: Session, agent: Target, reason: Reason = "") -> None:
    """Ask the engine to stop a run."""
    done = session.client.post("/runs/stop", {"target": agent, "reason": reason})
    session.show(done, lambda: session.terminal.line(done["text"]))


def run_number(session: Session, written: str) -> int:
    """Return the number of a run; ``last`` is the newest."""
    if written.isdecimal():
        return int(written)
    if written.casefold() != "last":
        raise Failure(Exit.USAGE, f'"{written}" is no run; give its number, or last')
    newest = session.client.get("/runs", limit=1)["items"]
    if not newest:
        raise Failure(Exit.NOT_FOUND, "nothing has run yet")
    return int(newest[0]["run"])


def moment_before(session: Session, since: str) -> str:
    """Return the moment that is so long ago by the service's clock; ``since`` is ``2h``, ``3d`` or ``90m``."""
    span = parse_duration(since)
    if span is None:
        raise Failure(Exit.USAGE, f'--since "{since}" is no duration; write 90m, 2h or 3d')
    now: str = session.client.get("/status")["now"]
    return (datetime.fromisoformat(now) - span).isoformat()


def _print_list(session: Session, runs: list[Mapping[str, Any]]) -> None:
    if not runs:
        session.terminal.line("no runs")
        return
    newest = datetime.fromisoformat(runs[0]["started"]).astimezone(UTC)
    rows = [
        (
            str(run["run"]),
            run["agent"],
            spoken(run["kind"]),
            session.clock(run["started"], newest),
            duration(run["seconds"]),
            (run["outcome"] or run["state"]).replace("-", " "),
            run["summary"] + ("" if run["managed"] else " (not ours)"),
        )
        for run in runs
    ]
    session.terminal.table(("RUN", "AGENT", "KIND", "STARTED", "TOOK", "OUTCOME", "DID"), rows)


def _print(session: Session, run: Mapping[str, Any]) -> None:
    brief, line = run["brief"], session.terminal.line
    began = datetime.fromisoformat(brief["started"])
    ended = clock(brief["ended"], began, session.wiring.zone)
    when = f"started {session.clock(brief['started'], began)}" + (f", ended {ended}" if ended else "")
    outcome = (brief["outcome"] or brief["state"]).replace("-", " ")
    line(f"run {brief['run']}  {brief['agent']}  {brief['profile']}  {when}  {outcome} [{brief['status'] or '–'}]")
    if run["message"]:
        line(f"message   {run['message']}")
    for step in run["steps"]:
        line(f"step      {spoken(step['kind'])} on {step['partition']}: {step['status']}")
        for name, count in step["counters"].items():
            if count:
                line(f"            {name}: {count:,}")
        for error in step["errors"]:
            place = f" line {error['line']}" if error["line"] else ""
            line(f"  error     {error['stage']} {error['error_type']} {error['dn']}{place} {error['message']}".rstrip())
        if step["error_count"] > len(step["errors"]):
            line(f"            … and {number(step['error_count'] - len(step['errors']), 'more error')}")
    for cause in run["causes"]:
        line(f"because   {cause['text']}")
    line(f"more      autosync why {brief['run']}")
