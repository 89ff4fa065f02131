"""``shadow``: what AutoSync would have run on engines that it only watches, beside what was run."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from autosync.cli.commands.runs import moment_before
from autosync.cli.session import Session
from autosync.cli.words import duration, moment

Since = Annotated[str | None, typer.Option("--since", help="Only of the last 2h, 3d, 90m.")]
COLUMNS = (
    "AGENT",
    "WOULD RUN",
    "MATCHED",
    "LATER BY",
    "P95",
    "MISSED",
    "UNNEEDED",
    "FOR",
    "UNASKED CHANGES",
    "WOULD HOLD",
)


def report(session: Session, since: Since = None) -> None:
    """Compare what AutoSync would have run with what somebody else's scheduler ran, agent by agent."""
    begin = None if since is None else moment_before(session, since)
    said = session.client.get("/shadow", since=begin)
    session.show(said, lambda: _print(session, said))


def _print(session: Session, said: Mapping[str, Any]) -> None:
    line = session.terminal.line
    if not said["engines"]:
        line("no engine is watched: give one shadow: true in the configuration")
        return
    until = moment(said["until"])
    since = f"since {session.clock(said['since'], until)}" if said["since"] else "nothing yet"
    line(f"{', '.join(said['engines'])} · watched, never driven · {since}")
    if said["agents"]:
        session.terminal.table(COLUMNS, [_row(agent) for agent in said["agents"]], indent=2)


def _row(agent: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        agent["agent"],
        f"{agent['would_have_run']:,}",
        f"{agent['matched']:,}",
        _delay(agent["delay_median_s"]),
        _delay(agent["delay_p95_s"]),
        f"{agent['missed']:,}",
        f"{agent['unneeded']:,}",
        duration(agent["unneeded_s"]),
        f"{agent['unasked_with_changes']:,}",
        f"{agent['would_have_held']:,}",
    )


def _delay(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return duration(seconds) if seconds >= 0 else f"-{duration(-seconds)}"
