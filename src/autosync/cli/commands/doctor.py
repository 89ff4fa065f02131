"""``doctor``: is everything in order between AutoSync and its engines; a report that fits a change ticket."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.model.wording import number

if TYPE_CHECKING:
    from autosync.bootstrap.doctor import Finding

Engine = Annotated[str | None, typer.Argument(metavar="[ENGINE]", help="One engine; else all, and AutoSync itself.")]
Config = Annotated[Path | None, typer.Option("--config", help="The configuration; else the one found.")]
Output = Annotated[Path | None, typer.Option("--output", help="Write the report into this file as well.")]


def doctor(session: Session, engine: Engine = None, config: Config = None, output: Output = None) -> None:
    """Look at the configuration and the way to each engine: network, sign-in, rights, tools, clock. Starts nothing."""
    import asyncio  # noqa: PLC0415 - the other commands start without it

    path = session.config_path(config)
    found: list[Finding] = []

    async def examine() -> None:
        async for finding in session.wiring.root.examine(path, engine):
            found.append(finding)
            session.terminal.progress(f"looking at {finding.part} …")

    asyncio.run(examine())
    session.terminal.end_progress()
    lines = _report(found)
    if output is not None:
        _write(output, lines)
    session.show(_as_json(found), lambda: session.terminal.line("\n".join(lines)))
    if any(each.check.state == "fail" for each in found):
        raise typer.Exit(int(Exit.FAILED))


def _report(found: Sequence["Finding"]) -> list[str]:
    lines = [f"AutoSync {version('autosync-identity')} · doctor · {_now()}"]
    width = max((len(each.check.name) for each in found), default=0)
    part = None
    for each in found:
        if each.part != part:
            part = each.part
            lines += ["", f"{each.part} · {each.place}"]
        check = each.check
        lines.append(f"  {check.state.value:<4}  {check.name:<{width}}  {check.found}")
        if check.means:
            lines.append(f"  {'':<4}  {'':<{width}}  means: {check.means}")
        if check.way_out:
            lines.append(f"  {'':<4}  {'':<{width}}  do: {check.way_out}")
    return [*lines, "", _sum(found)]


def _sum(found: Sequence["Finding"]) -> str:
    counts = Counter(each.check.state.value for each in found)
    words = {"ok": "in order", "warn": "to know", "fail": "failed", "skip": "not looked at"}
    said = ", ".join(f"{counts[word]} {text}" for word, text in words.items() if counts[word])
    return f"{number(len(found), 'check')}: {said}"


def _as_json(found: Sequence["Finding"]) -> dict[str, Any]:
    return {
        "at": _now(),
        "version": version("autosync-identity"),
        "checks": [
            {
                "part": each.part,
                "place": each.place,
                "name": each.check.name,
                "state": each.check.state.value,
                "found": each.check.found,
                "means": each.check.means,
                "way_out": each.check.way_out,
            }
            for each in found
        ],
        "failed": sum(each.check.state == "fail" for each in found),
    }


def _write(path: Path, lines: Sequence[str]) -> None:
    try:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failure(Exit.FAILED, f"cannot write {path}: {error.strerror or error}") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - a report's own time
