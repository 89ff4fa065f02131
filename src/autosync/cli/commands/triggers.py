"""``trigger``: what watches, and how it is."""

from collections.abc import Mapping
from typing import Any

from autosync.cli.session import Session
from autosync.cli.words import ago, moment


def list_triggers(session: Session) -> None:
    """List triggers and schedules: state, last firing, next one, error."""
    said = session.client.get("/triggers")
    session.show(said, lambda: _print(session, said["items"]))


def _print(session: Session, triggers: list[Mapping[str, Any]]) -> None:
    if not triggers:
        session.terminal.line("no triggers: imports start by hand, by the safety net or behind other runs only")
        return
    now = moment(session.client.get("/status")["now"])
    rows = [
        (
            trigger["id"],
            trigger["state"],
            ago(trigger["last_fired"], now),
            session.clock(trigger["next"], now) or "–",
            trigger["error"] or ", ".join(f"{key} {value}" for key, value in trigger["details"].items()),
        )
        for trigger in triggers
    ]
    session.terminal.table(("TRIGGER", "STATE", "FIRED", "NEXT", "DETAILS"), rows)
