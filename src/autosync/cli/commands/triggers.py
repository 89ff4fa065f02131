"""``trigger``: what watches, and how it is; and one trigger tried out without the service."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.words import ago, moment, parse_duration, spoken
from autosync.model.wording import number

Name = Annotated[str, typer.Argument(metavar="TRIGGER", help="A trigger: agent#name, or as much of it as is unique.")]
Config = Annotated[Path | None, typer.Option("--config", help="The configuration; else the one found.")]
For = Annotated[str | None, typer.Option("--for", help="How long, such as 30s; until Ctrl+C unless given.")]
Token = Annotated[str | None, typer.Option("--token", help="The place to go on from; from the beginning unless given.")]


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


def try_out(session: Session, name: Name, *, config: Config = None, length: For = None, token: Token = None) -> None:
    """Run a trigger of the configuration here and now, and show what it sees and would fire; nothing is stored or run."""
    import asyncio  # noqa: PLC0415 - the other commands start without it

    limit = None if length is None else parse_duration(length)
    if length is not None and limit is None:
        raise Failure(Exit.USAGE, f"--for {length}: write it as 30s, 5m or 1h30m")
    path = session.config_path(config)
    told: list[Mapping[str, Any]] = []

    async def watch() -> None:
        async with asyncio.timeout(None) as end:

            def tell(event: Mapping[str, Any]) -> None:
                if not told and limit is not None:  # loading all that it needs does not count
                    end.reschedule(asyncio.get_running_loop().time() + limit.total_seconds())
                told.append(event)
                if not session.as_json:
                    _print_event(session, event)

            await session.wiring.root.try_trigger(path, name, token, tell)

    with suppress(TimeoutError, KeyboardInterrupt):  # both are its end
        asyncio.run(watch())
    _end(session, told)


def _print_event(session: Session, event: Mapping[str, Any]) -> None:
    line, at = session.terminal.line, session.clock(event["at"], moment(event["at"]))
    match event["kind"]:
        case "begins":
            line(f"{event['trigger']} ({event['type']}), without the service; nothing is stored or run")
        case "fires":
            what = event["profile"] or spoken(event["slot"] or "")
            where = f" of {event['partition']}" if event["partition"] else ""
            how = "".join(f", {word}" for word in ("exclusive", "front") if event[word])
            line(f"  {at}  would fire  {what}{where}{how}: {event['text']}", style="cyan")
        case "fails":
            line(f"  {at}  failed      {event['text']}", style="red")
        case _:
            line(f"  {at}  {event['kind']:<10}  {event['text']}")


def _end(session: Session, told: list[Mapping[str, Any]]) -> None:
    kinds = [event["kind"] for event in told]
    firings, failed = kinds.count("fires"), "fails" in kinds
    said = f"  {number(firings, 'firing')}" if firings else "" if "fires at" in kinds else "  it fired nothing"
    session.show({"events": told, "firings": firings, "failed": failed}, lambda: session.terminal.line(said))
    if failed:
        raise typer.Exit(int(Exit.FAILED))
