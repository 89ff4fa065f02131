"""``simulate``, ``preview`` and ``demo``: what would happen, without touching anything real."""

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.words import duration
from autosync.model.wording import number


class DemoOf(StrEnum):
    """What a demo shows."""

    EMBEDDED = "embedded"
    MIM = "mim"


Config = Annotated[Path | None, typer.Option("--config", help="The configuration; else the one found.")]
Days = Annotated[float, typer.Option("--days", min=0.001, max=366, help="Simulated days.")]
Seed = Annotated[int, typer.Option("--seed", help="Chance, repeatable: the same seed, the same days.")]
Changes = Annotated[float, typer.Option("--changes-per-hour", min=0, help="Changes an hour in each connected system.")]
Folder = Annotated[Path | None, typer.Option("--folder", help="Where the files are made; else demo, for mim demo/mim.")]
Shown = Annotated[
    DemoOf, typer.Argument(metavar="[ENGINE]", help="embedded: a made-up company. mim: a stand-in for a MIM server.")
]
Stay = Annotated[
    bool | None, typer.Option("--stay/--no-stay", help="Go on after the story; on a terminal it does, elsewhere not.")
]
Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent of an embedded engine.")]
Anchor = Annotated[str, typer.Argument(metavar="ANCHOR", help="The object's anchor in the agent's connected system.")]


def simulate(session: Session, config: Config = None, days: Days = 1, seed: Seed = 0, changes: Changes = 6) -> None:
    """Rehearse a configuration's policy on simulated engines: runs, latency, holds, waits. Days take seconds."""
    path = session.config_path(config)
    loaded = session.wiring.root.load_configuration(path)
    if loaded.configuration is None:
        raise Failure(
            Exit.FAILED, f"{path} has {number(len(loaded.mistakes), 'mistake')}: autosync config validate {path}"
        )
    session.terminal.progress(f"simulating {_days(days)} …")
    rehearsal = import_module("autosync.testing.rehearsal")
    told: Mapping[str, Any] = rehearsal.rehearse(
        loaded.configuration, rehearsal.Script(days=days, seed=seed, changes_per_hour=changes)
    )
    session.terminal.end_progress()
    session.show(told, lambda: _print(session, told))


def preview(session: Session, agent: Agent, anchor: Anchor, config: Config = None) -> None:
    """Show what synchronization would do to one object of an embedded engine; nothing is changed."""
    told = session.wiring.root.preview(session.config_path(config), agent, anchor)
    session.show(told, lambda: _print_preview(session, told))


def demo(session: Session, of: Shown = DemoOf.EMBEDDED, folder: Folder = None, stay: Stay = None) -> None:
    """Show AutoSync at work: a made-up company, kept in step while people come, move and leave."""
    module, place = ("show", Path("demo")) if of is DemoOf.EMBEDDED else ("mim_show", Path("demo") / "mim")
    shown = import_module(f"autosync.cli.demo.{module}").show_demo(
        folder or place, session.terminal, stay=session.terminal.is_terminal if stay is None else stay
    )
    if shown is not Exit.OK:
        raise typer.Exit(int(shown))


def _print(session: Session, told: Mapping[str, Any]) -> None:
    line = session.terminal.line
    line(
        f"{_days(told['days'])}, seed {told['seed']}: {number(told['changes'], 'change')}, {number(told['runs'], 'run')}"
    )
    latency = told["latency"]
    if latency["count"]:
        p50, p95, longest = (duration(latency[key]) for key in ("p50_s", "p95_s", "longest_s"))
        line(f"latency   p50 {p50}, p95 {p95}, longest {longest} ({number(latency['count'], 'cascade')})")
    line(f"holds     {told['holds']:,}")
    line(f"quiet     {'yes' if told['quiet'] else 'no: work was left at the end'}")
    rows = [
        (one["agent"], f"{one['runs']:,}", f"{one['failed']:,}", duration(one["busy_s"]), duration(one["waited_s"]))
        for one in told["agents"]
    ]
    session.terminal.table(("AGENT", "RUNS", "FAILED", "BUSY", "WAITED"), rows)
    for share in told["waits"]:
        line(f"waited    {duration(share['seconds'])}  {share['text']}")


def _print_preview(session: Session, told: Mapping[str, Any]) -> None:
    line = session.terminal.line
    where = f", {told['metaverse_type']} {told['metaverse_id']} of the metaverse" if told["metaverse_id"] else ""
    line(f"{told['dn']} in {told['agent']}: {told['connects']}{where}; staged: {told['staged']}")
    if told["error"]:
        line(f"error     {told['error']['error_type']}: {told['error']['message']}", style="red")
    for one in told["imports"]:
        losers = ", ".join(f"{each['agent']} says {_value(each['value'])}" for each in one["losers"])
        source = f"from {one['winner']['agent']}" if one["winner"] else "from nobody"
        change = f"{_value(one['before'])} → {_value(one['after'])}" if one["before"] != one["after"] else "unchanged"
        line(f"import    {one['attribute']}: {change}, {source}{f' (outranked: {losers})' if losers else ''}")
    for target in told["targets"]:
        renamed = f" → {target['new_dn']}" if target["new_dn"] else ""
        line(f"target    {target['agent']}  {target['does']}  {target['dn']}{renamed}")
        for name, before, after in target["changes"]:
            line(f"            {name}: {_value(before)} → {_value(after)}")
        for one in target["references"]:
            line(f"            {one['attribute']}: {_values(one, 'added')}, {_values(one, 'removed')}")
    for note in told["notes"]:
        line(f"note      {note}")


def _values(told: Mapping[str, Any], what: str) -> str:
    """Return how many values come or go, and the first of them by name."""
    count, first = told[what], told[f"first_{what}"]
    more = ", …" if count > len(first) else ""
    return f"{count:,} {what}" + (f" ({', '.join(first)}{more})" if first else "")


def _value(value: object) -> str:
    return "–" if value is None else str(value)


def _days(days: float) -> str:
    return "1 day" if days == 1 else f"{days:g} days"
