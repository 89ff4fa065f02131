"""``run`` without anything behind it: the service itself, in the foreground."""

from pathlib import Path

import typer

from autosync.cli.exits import Exit
from autosync.cli.session import Session


def serve(session: Session, config: Path | None) -> None:
    """Run the service until SIGTERM or Ctrl+C asks it to stop; a second one does not wait for anything."""
    import asyncio  # noqa: PLC0415 - the other commands start without it

    path = session.config_path(config)
    root = session.wiring.root
    loaded = root.load_configuration(path)
    if loaded.mistakes:
        width = max(len(one.place) for one in loaded.mistakes)
        for one in loaded.mistakes:
            session.terminal.note(f"{one.place:<{width}}  {one.said}")
        session.terminal.note("The service was not started.")
        raise typer.Exit(int(Exit.FAILED))
    try:
        asyncio.run(root.serve(path))
    except asyncio.CancelledError:  # the second signal: what was unfinished is looked after at the next start
        session.terminal.note("stopped at once; the next start looks after what was unfinished")
        raise typer.Exit(int(Exit.FAILED)) from None
