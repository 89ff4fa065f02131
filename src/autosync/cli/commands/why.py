"""``why``: the chain of causes back to what happened outside, and what followed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from autosync.cli.client import in_path
from autosync.cli.session import Session
from autosync.cli.words import duration, moment
from autosync.model.wording import number

Subject = Annotated[
    str, typer.Argument(metavar="[ID]", help="A run (4711), a request (R-12), a hold (H-7), an agent, or last.")
]


_WORTH_TELLING_S = 0.05
"""Shorter shares of a waiting time only hide the longer ones."""


def why(session: Session, subject: Subject = "last") -> None:
    """Explain why something ran, waits, is held, or does not run."""
    said = session.client.get(f"/why/{in_path(subject)}")
    session.show(said, lambda: _print(session, said))


def _print(session: Session, said: Mapping[str, Any]) -> None:
    line = session.terminal.line
    day = moment(said["at"]) if said["at"] else None
    line(f"{said['subject']}  {said['text']}{_when(session, said, day)}  {said['result']}".rstrip())
    for link in said["because"]:
        line(f"because   {'  ' * (link['depth'] - 1)}{_link(session, link, day)}")
    _print_waiting(session, said)
    for link in said["then"]:
        line(f"then      {_link(session, link, day)}")
    for cascade in said["cascades"]:
        line(f"cascade   {_cascade(cascade)}")


def _print_waiting(session: Session, said: Mapping[str, Any]) -> None:
    line = session.terminal.line
    if said["waited"]:
        told = [share for share in said["waited"] if share["seconds"] >= _WORTH_TELLING_S] or said["waited"][:1]
        shares = ", ".join(f"{duration(share['seconds'])} for {share['text']}" for share in told)
        line(f"waited    {duration(said['waited_s'] or 0)}: {shares}")
    elif said["waited_s"]:
        line(f"waited    {duration(said['waited_s'])}")
    for reason in said["waits"]:
        until = f" (until {session.clock(reason['until'], moment(reason['until']))})" if reason["until"] else ""
        line(f"waits     {reason['text']}{until}")


def _when(session: Session, said: Mapping[str, Any], day: datetime | None) -> str:
    if day is None:
        return ""
    ended = f", ended {session.clock(said['until'], day)}" if said["until"] else ""
    verb = "started" if said["subject"].startswith("run") else "since"
    return f"  {verb} {session.clock(said['at'], day)}{ended}"


def _link(session: Session, link: Mapping[str, Any], day: datetime | None) -> str:
    when = f"{session.clock(link['at'], day or moment(link['at']))}  " if link["at"] else ""
    run = f"run {link['run']}  " if link["run"] else ""
    request = f"R-{link['request']}  " if link["request"] else ""
    return f"{when}{run}{request}{link['text']}"


def _cascade(cascade: Mapping[str, Any]) -> str:
    if cascade["quiet"] is None:
        return f"{cascade['id']} goes on: {number(cascade['runs'], 'run')} so far"
    return f"{cascade['id']} quiet after {duration(cascade['latency_s'])}, {number(cascade['runs'], 'run')}"
