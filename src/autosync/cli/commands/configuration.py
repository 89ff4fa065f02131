"""``config``: is it right, what does it say with every default, what would it change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.model.wording import number

if TYPE_CHECKING:
    from autosync.config.load import Loaded
    from autosync.config.mistakes import Mistake

File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The configuration; else the one found.")]
Running = Annotated[bool, typer.Option("--running", help="What the service runs by, as it was applied.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the history.")]


def validate(session: Session, file: File = None) -> None:
    """Check a configuration; every mistake with file, line and column."""
    loaded = session.wiring.root.load_configuration(session.config_path(file))
    running = session.client.running_revision() if loaded.mistakes else None
    found = {
        "valid": not loaded.mistakes,
        "mistakes": [_as_json(one) for one in loaded.mistakes],
        "warnings": [_as_json(one) for one in loaded.warnings],
        "revision": running,
    }
    session.show(found, lambda: _print_found(session, loaded, running))
    if loaded.mistakes:
        raise typer.Exit(int(Exit.FAILED))


def show(session: Session, file: File = None, running: Running = False) -> None:
    """Show a configuration with every default filled in, or the running one as it was applied."""
    if running:
        revision = session.client.get("/configuration")
        session.show(revision, lambda: session.terminal.line(revision["text"].rstrip()))
        return
    root = session.wiring.root
    loaded = root.load_configuration(session.config_path(file))
    if loaded.mistakes:
        raise Failure(Exit.FAILED, "\n".join(_report(loaded.mistakes)))
    text = root.shown(loaded)
    session.show({"text": text}, lambda: session.terminal.line(text.rstrip()))


def schema(session: Session) -> None:
    """Print the JSON Schema of the configuration, for editors: every key with its type, default and meaning."""
    session.terminal.json(session.wiring.root.configuration_schema())


def plan(session: Session, file: File = None) -> None:
    """Show what a configuration would change in the running service. Nothing is applied."""
    path = session.config_path(file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(Exit.FAILED, f"cannot read {path}: {error}") from error
    planned = session.client.post("/configuration/plan", {"text": text})
    session.show(planned, lambda: _print_plan(session, planned))
    if planned["mistakes"]:
        raise typer.Exit(int(Exit.FAILED))


def reload(session: Session, reason: Reason = "") -> None:
    """Let the service read its configuration file again; with mistakes, nothing changes."""
    applied = session.client.post("/configuration/reload", {"reason": reason})
    session.show(applied, lambda: session.terminal.line(f"revision {applied['number']} is in force"))


def history(session: Session) -> None:
    """List the configurations that were in force: who, when, why."""
    said = session.client.get("/configuration/revisions")
    rows = [(str(one["number"]), session.clock(one["applied"]), one["by"], one["reason"]) for one in said["items"]]
    session.show(said, lambda: session.terminal.table(("REVISION", "APPLIED", "BY", "REASON"), rows))


def _print_found(session: Session, loaded: "Loaded", running: int | None) -> None:
    line = session.terminal.line
    for warning in loaded.warnings:
        session.terminal.note(f"{warning}  (a warning)")
    if not loaded.mistakes:
        line("✓ valid")
        return
    for mistake in _report(loaded.mistakes):
        line(mistake)
    kept = f" The running configuration (revision {running}) is unchanged." if running is not None else ""
    line(f"{number(len(loaded.mistakes), 'mistake')}.{kept}")


def _report(mistakes: Sequence["Mistake"]) -> list[str]:
    width = max(len(one.place) for one in mistakes)
    return [f"{one.place:<{width}}  {one.said}" for one in mistakes]


def _as_json(mistake: "Mistake") -> dict[str, Any]:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "column": mistake.column,
        "path": mistake.where,
        "message": mistake.message,
    }


def _print_plan(session: Session, planned: Mapping[str, Any]) -> None:
    line = session.terminal.line
    for one in planned["mistakes"]:
        line(f"{one['file']}:{one['line']}:{one['column']}  {one['path']}: {one['message']}")
    if planned["mistakes"]:
        line(f"{number(len(planned['mistakes']), 'mistake')}. Revision {planned['revision']} stays in force.")
        return
    for change in planned["changes"]:
        line(_change(change))
    if not planned["changes"]:
        line(f"no change: revision {planned['revision']} says the same")


def _change(change: Mapping[str, Any]) -> str:
    match change["change"]:
        case "add":
            return f"+ {change['path']}" + (f": {change['after']}" if change["after"] else "")
        case "remove":
            return f"- {change['path']}" + (f": {change['before']}" if change["before"] else "")
        case _:
            return f"~ {change['path']}: {change['before']} → {change['after']}"
