"""``cascade``: everything that came from one outside cause."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from autosync.cli.session import Session
from autosync.cli.words import duration, moment, spoken

Cascade = Annotated[int, typer.Argument(metavar="CASCADE", help="A cascade's number.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")]


def list_cascades(session: Session, limit: Limit = 20) -> None:
    """List cascades, newest first."""
    said = session.client.get("/cascades", limit=limit)
    session.show(said, lambda: _print_list(session, said["items"]))


def show(session: Session, cascade: Cascade) -> None:
    """Show one cascade with its runs."""
    said = session.client.get(f"/cascades/{cascade}")
    session.show(said, lambda: _print(session, said))


def _print_list(session: Session, cascades: list[Mapping[str, Any]]) -> None:
    if not cascades:
        session.terminal.line("no cascades: nothing has happened outside yet")
        return
    newest = moment(cascades[0]["opened"])
    rows = [
        (
            str(one["id"]),
            session.clock(one["opened"], newest),
            _latency(one),
            f"{one['runs']:,}",
            f"{one['exported']:,}",
            one["cause"]["text"],
        )
        for one in cascades
    ]
    session.terminal.table(("CASCADE", "OPENED", "QUIET AFTER", "RUNS", "EXPORTED", "BECAUSE"), rows)


def _print(session: Session, cascade: Mapping[str, Any]) -> None:
    line, opened = session.terminal.line, moment(cascade["opened"])
    line(f"cascade {cascade['id']}  {cascade['cause']['text']}")
    line(f"changed   {session.clock(cascade['changed'], opened)}")
    for run in cascade["members"]:
        end = run["summary"] or (run["outcome"] or run["state"]).replace("-", " ")
        line(f"{session.clock(run['started'], opened)}  run {run['run']}  {run['agent']} {spoken(run['kind'])}  {end}")
    line(f"quiet     {_latency(cascade)}")


def _latency(cascade: Mapping[str, Any]) -> str:
    return "goes on" if cascade["latency_s"] is None else duration(cascade["latency_s"])
