"""``events``: the journal, as it was and as it goes on."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from autosync.cli.client import in_path
from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.words import moment

Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on, until Ctrl+C; what happens meanwhile is not missed.")
]
After = Annotated[int | None, typer.Option("--after", min=0, help="Only events behind this number.")]
OfAgent = Annotated[str | None, typer.Option("--agent", help="Only of this agent.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most, without --follow.")]
JsonLines = Annotated[bool, typer.Option("--jsonl", help="Print one JSON value a line.")]

_PAUSES_S: Final = (0.5, 1, 2, 5)
"""Between tries to reach a service that went away; the last one goes on for ever."""


def events(
    session: Session,
    *,
    follow: Follow = False,
    after: After = None,
    agent: OfAgent = None,
    limit: Limit = 50,
    jsonl: JsonLines = False,
) -> None:
    """Show what was recorded; with --follow, as it is recorded."""
    if follow:
        if session.as_json:
            raise Failure(Exit.USAGE, "--follow has no end, so it is no one document: use --jsonl")
        _follow(session, after, agent, jsonl=jsonl)
        return
    said = session.client.get("/facts", cursor=after, agent=agent, limit=limit)
    if not jsonl:
        session.show(said, lambda: _print(session, said["items"]))
        return
    for event in said["items"]:
        session.terminal.json_line(event)


def _follow(session: Session, after: int | None, agent: str | None, *, jsonl: bool) -> None:
    wanted = None if agent is None else str(session.client.get(f"/agents/{in_path(agent)}")["id"])
    if after is None:
        # Begin at a number: whoever comes back then misses nothing.
        newest = session.client.get("/facts", limit=1)["items"]
        after = newest[-1]["number"] if newest else 0
    for event in _endless(session, after):
        if wanted is not None and event["agent"] != wanted:
            continue
        if jsonl:
            session.terminal.json_line(event)
        else:
            _print(session, [event])


def _endless(session: Session, after: int) -> Iterator[dict[str, Any]]:
    """Yield events across restarts of the service; its going away is told once."""
    tries, reached = 0, False
    while True:
        try:
            for event in session.client.events(after):
                after, tries, reached = event["number"], 0, True
                yield event
            reached = True
        except Failure as failure:
            if failure.code is not Exit.NOT_REACHABLE or not reached:
                raise
        if tries == 0:
            session.terminal.note("the stream ended; coming back by itself, nothing is missed")
        session.wiring.pause(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
        tries += 1


def _print(session: Session, events: list[dict[str, Any]]) -> None:
    for event in events:
        style = {"warning": "yellow", "error": "red"}.get(event["severity"])
        session.terminal.line(_line(session, event, moment(events[-1]["at"])), style=style)


def _line(session: Session, event: Mapping[str, Any], today: datetime) -> str:
    mark = {"warning": "! ", "error": "!! "}.get(event["severity"], "")
    return (
        f"{event['number']:>6}  {session.clock(event['at'], today)}  {event['agent'] or '–':<20}  {mark}{event['text']}"
    )
