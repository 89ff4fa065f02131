"""``queue`` and ``request``: what waits, why, and taking it back."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.words import duration

Request = Annotated[str, typer.Argument(metavar="REQUEST", help="A request: R-12.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]


def queue(session: Session) -> None:
    """List what waits, in order, and why each does."""
    said = session.client.get("/queue")
    session.show(said, lambda: _print(session, said["items"]))


def show(session: Session, request: Request) -> None:
    """Show one request and what became of it."""
    said = session.client.get(f"/requests/{request_number(request)}")
    session.show(said, lambda: _print_one(session, said))


def drop(session: Session, request: Request, reason: Reason = "") -> None:
    """Take a waiting request back."""
    done = session.client.delete(f"/requests/{request_number(request)}", reason=reason)
    session.show(done, lambda: session.terminal.line(done["text"]))


def request_number(written: str) -> int:
    """Return the number in ``R-12``, ``r12`` or ``12``."""
    digits = written.strip().casefold().removeprefix("r").removeprefix("-")
    if not digits.isdecimal():
        raise Failure(Exit.USAGE, f'"{written}" is no request; requests are named like R-12')
    return int(digits)


def _print(session: Session, requests: list[Mapping[str, Any]]) -> None:
    if not requests:
        session.terminal.line("nothing waits")
        return
    rows = [
        (
            f"R-{one['request']}",
            one["agent"],
            one["profile"] + (" (front)" if one["front"] else "") + (" (exclusive)" if one["exclusive"] else ""),
            duration(one["waited_s"]),
            "; ".join(reason["text"] for reason in one["why"]) or "starts next",
            one["causes"][0]["text"] if one["causes"] else "",
        )
        for one in requests
    ]
    session.terminal.table(("REQUEST", "AGENT", "PROFILE", "WAITS", "WHY", "BECAUSE"), rows)


def _print_one(session: Session, one: Mapping[str, Any]) -> None:
    line = session.terminal.line
    state = {"waiting": f"has waited {duration(one['waited_s'])}", "gone": "waits no longer"}.get(
        one["state"], f"became run {one['run']}"
    )
    line(f"R-{one['request']}  {one['agent']}  {one['profile']}  {state}")
    for reason in one["why"]:
        line(f"waits     {reason['text']}")
    for cause in one["causes"]:
        line(f"because   {cause['text']}")
