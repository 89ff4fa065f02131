"""``hold``: what a guard keeps back, and a person's decision about exactly that."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from autosync.cli.client import in_path
from autosync.cli.exits import Exit, Failure
from autosync.cli.looks import Looks
from autosync.cli.session import Session
from autosync.cli.words import duration, moment
from autosync.model.wording import number

Hold = Annotated[str, typer.Argument(metavar="HOLD", help="A hold: H-7.")]
Every = Annotated[bool, typer.Option("--all", help="Decided ones too.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal: a change number, a sentence.")]
Seen = Annotated[
    str | None, typer.Option("--seen", help="The fingerprint that was looked at; else that of the last hold show here.")
]


def list_holds(session: Session, every: Every = False) -> None:
    """List holds that need a decision, newest first."""
    said = session.client.get("/holds", all=every)
    session.show(
        said, lambda: _print_list(session, said["items"], "there are no holds" if every else "no hold needs a decision")
    )


def show(session: Session, hold: Hold) -> None:
    """Show a hold: limits, counts, some of the changes; and what to type next."""
    said = session.client.get(f"/holds/{in_path(hold)}")
    Looks(session.wiring.environ, session.client.place.url).remember(said)
    session.show(said, lambda: _print(session, said))


def approve(session: Session, hold: Hold, reason: Reason = "", seen: Seen = None) -> None:
    """Let exactly the set of changes pass that was looked at."""
    _decide(session, hold, "approve", reason, seen)


def reject(session: Session, hold: Hold, reason: Reason = "", seen: Seen = None) -> None:
    """Keep the changes back until someone lifts the hold."""
    _decide(session, hold, "reject", reason, seen)


def lift(session: Session, hold: Hold, reason: Reason = "", seen: Seen = None) -> None:
    """Take a rejection back: the guards look again."""
    _decide(session, hold, "lift", reason, seen)


def _decide(session: Session, hold: str, decision: str, reason: str, seen: str | None) -> None:
    look = Looks(session.wiring.environ, session.client.place.url).at(hold)
    fingerprint = seen or (look["fingerprint"] if look is not None else None)
    if fingerprint is None:
        raise Failure(
            Exit.HELD,
            f"refused: nobody looked at {hold} from here. Look first: autosync hold show {hold}; or give --seen",
        )
    counts = look["seen"] if look is not None and look["fingerprint"] == fingerprint else {}
    body = {"decision": decision, "fingerprint": fingerprint, "seen": counts, "reason": reason}
    done = session.client.post(f"/holds/{in_path(hold)}/decision", body)
    session.show(done, lambda: session.terminal.line(done["text"]))


def _print_list(session: Session, holds: list[Mapping[str, Any]], without: str) -> None:
    if not holds:
        session.terminal.line(without)
        return
    rows = [
        (hold["id"], hold["agent"], hold["story"], duration(hold["age_s"]), _breaches(hold) or hold["text"])
        for hold in holds
    ]
    session.terminal.table(("HOLD", "AGENT", "STATE", "AGE", "WHY"), rows)


def _print(session: Session, hold: Mapping[str, Any]) -> None:
    line = session.terminal.line
    partition = f" ({hold['partition']})" if hold["partition"] else ""
    line(f"{hold['id']}  {hold['agent']}{partition}  {hold['kind']}  {hold['state']}, {duration(hold['age_s'])} old")
    line(f"why       {_breaches(hold) or hold['text']}")
    if hold["counts"] is not None:
        kinds = {kind.replace("_", "-"): count for kind, count in hold["counts"].items() if kind != "total"}
        told = ", ".join(number(count, kind.removesuffix("s")) for kind, count in kinds.items() if count)
        line(f"pending   {told or 'nothing'}")
    for change in hold["sample"]:
        line(f"            {change}")
    if hold["decided"]:
        when = session.clock(hold["decided"], moment(hold["decided"]))
        reason = f": {hold['reason']}" if hold["reason"] else ""
        line(f"decided   {hold['story']}, at {when}{reason}")
    line(f"seen      {hold['fingerprint']}")
    if hold["state"] == "open":
        line(f"decide    autosync hold approve {hold['id']} --reason …   or: reject")
    elif hold["state"] == "rejected":
        line(f"decide    autosync hold lift {hold['id']} --reason …")


def _breaches(hold: Mapping[str, Any]) -> str:
    return "; ".join(one["text"] for one in hold["breaches"])
