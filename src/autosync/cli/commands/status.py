"""``status``: is it healthy, what runs, what waits and why, what needs me."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autosync.cli.session import Session
from autosync.cli.terminal import bar
from autosync.cli.words import ago, duration, moment, spoken, stopwatch
from autosync.model.wording import number

COLUMNS = ("AGENT", "STATE", "NOW", "WAITING", "LAST", "TRIGGERS")
NOTHING = "–"
_STYLE = {"object-errors": "yellow", "try-later": "yellow"}


def status(session: Session) -> None:
    """Show everything at a glance: engines, agents, what runs, what waits and why, what needs a person."""
    said = session.client.get("/status")
    session.show(said, lambda: _print(session, said))


def agent_row(agent: Mapping[str, Any], now: datetime, name: str) -> tuple[str, ...]:
    """Return an agent as a row of ``COLUMNS``."""
    return (
        name,
        str(agent["state"]),
        _now(agent["now"]),
        _waiting(agent["waiting"]) or str(agent["text"]) or NOTHING,
        last_run(agent["last"]),
        ", ".join(_trigger(trigger, now) for trigger in agent["triggers"]) or NOTHING,
    )


def last_run(run: Mapping[str, Any] | None) -> str:
    """Return the newest ended run in a few words."""
    if run is None:
        return NOTHING
    what = spoken(run["kind"])
    if run["outcome"] in {"success", "object-errors"}:
        return f"{what}, {run['summary'] or run['outcome'].replace('-', ' ')}"
    return f"{what}: {str(run['outcome'] or run['state']).replace('-', ' ')} [{run['status']}]"


def _print_engine(session: Session, engine: Mapping[str, Any], now: datetime) -> None:
    terminal = session.terminal
    terminal.line(_headline(engine, now), style=None if engine["connected"] else "red")
    if engine["agents"]:
        rows = [agent_row(agent, now, agent["name"]) for agent in engine["agents"]]
        terminal.table(COLUMNS, rows, indent=2)
    for agent in engine["agents"]:
        for setback in agent["setbacks"]:
            style = _STYLE.get(setback["outcome"], "red")
            terminal.line(f"  {agent['name']}: {setback_line(setback, now)}", style=style)


def setback_line(setback: Mapping[str, Any], now: datetime) -> str:
    """Return what failed and was not made good, when, and where to read on."""
    return f"{ago(setback['at'], now)}, {setback['text']} → autosync run show {setback['run']}"


def _print(session: Session, said: Mapping[str, Any]) -> None:
    now = moment(said["now"])
    terminal = session.terminal
    if not said["engines"]:
        terminal.line("no engine is configured: autosync config show")
    for engine in said["engines"]:
        _print_engine(session, engine, now)
    if said["trouble"]:
        terminal.line(f"nothing starts: {said['trouble']}", style="bold red")
    if said["no_export"]:
        terminal.line("no-export is on: exports wait until it is taken off", style="yellow")
    holds = said["holds"]
    if holds:
        verb = "needs" if len(holds) == 1 else "need"
        show = holds[0]["id"] if len(holds) == 1 else "ID"
        terminal.line(f"{number(len(holds), 'hold')} {verb} a decision: autosync hold show {show}", style="bold red")


def _headline(engine: Mapping[str, Any], now: datetime) -> str:
    parts = [str(engine["name"])]
    if engine["place"]:
        parts.append(str(engine["place"]))
    if engine["shadow"]:
        parts.append("watched, never driven")
    if engine["connected"]:
        parts.append("connected")
    else:
        since = f" {ago(engine['lost_since'], now)}" if engine["lost_since"] else ""
        parts.append(f"lost{since}: {engine['error']}" if engine["error"] else f"not connected{since}")
    if engine["running"] or engine["waiting"]:
        parts.append(f"{number(engine['running'], 'run')}, {engine['waiting']:,} waiting")
    elif engine["quiet_since"]:
        parts.append(f"quiet, last run ended {ago(engine['quiet_since'], now)}")
    else:
        parts.append("quiet")
    return " · ".join(parts)


def _now(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return NOTHING
    text = f"{spoken(run['kind'])}  {stopwatch(run['seconds'])}"
    if run["expected_s"]:
        text += f" of ~{stopwatch(run['expected_s'])} {bar(run['seconds'] / run['expected_s'])}"
    return text if run["managed"] else f"{text} (not ours)"


def _waiting(requests: Sequence[Mapping[str, Any]]) -> str:
    if not requests:
        return ""
    first = requests[0]
    why = "; ".join(str(reason["text"]) for reason in first["why"][:2])
    text = f"{first['profile']}: {why}" if why else str(first["profile"])
    if first["hold"]:
        text += f" → {first['hold']}"
    return text if len(requests) == 1 else f"{text} (+{len(requests) - 1})"


def _trigger(trigger: Mapping[str, Any], now: datetime) -> str:
    name = trigger["name"]
    doing = trigger["details"].get("state")
    if trigger["state"] == "live" and doing not in {None, "unchanged"}:
        return f"{name} {doing}"
    if trigger["state"] == "live":
        return f"{name} {ago(trigger['last_fired'], now)}" if trigger["last_fired"] else f"{name} live"
    if trigger["state"] == "scheduled" and trigger["next"]:
        return f"{name} in {duration(max(0, (moment(trigger['next']) - now).total_seconds()))}"
    return f"{name} {trigger['state']}"
