"""``agents`` and ``agent``: what each agent is, does and may do."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from autosync.cli.client import in_path
from autosync.cli.commands.status import COLUMNS, agent_row, last_run
from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.cli.words import moment, spoken

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="An agent: mim/HR, or HR where only one has that name.")]
MaybeAgent = Annotated[str | None, typer.Argument(metavar="[AGENT]", help="An agent, or --all.")]
All = Annotated[bool, typer.Option("--all", help="Every agent of every engine.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def agents(session: Session) -> None:
    """List every agent with its state."""
    said = session.client.get("/status")
    found = [agent for engine in said["engines"] for agent in engine["agents"]]
    rows = [agent_row(agent, moment(said["now"]), agent["id"]) for agent in found]
    session.show({"items": found}, lambda: session.terminal.table(COLUMNS, rows))


def show(session: Session, agent: Agent) -> None:
    """Show one agent: state, queue, profiles, partitions, triggers, what is pending."""
    said = session.client.get(f"/agents/{in_path(agent)}")
    session.show(said, lambda: _print(session, said))


def start(session: Session, agent: MaybeAgent = None, every: All = False, reason: Reason = "") -> None:
    """Let a stopped agent run again; its wishes have been kept."""
    _switch(session, "start", agent, every=every, reason=reason)


def stop(session: Session, agent: MaybeAgent = None, every: All = False, reason: Reason = "", yes: Yes = False) -> None:
    """Let nothing more of an agent start; a run in progress goes on, wishes are kept."""
    if every and not yes:
        _confirm("Stop every agent of every engine? Nothing more will start.")
    _switch(session, "stop", agent, every=every, reason=reason)


def _switch(session: Session, verb: str, agent: str | None, *, every: bool, reason: str) -> None:
    if every == (agent is not None):
        raise Failure(Exit.USAGE, f"name one agent or give --all: autosync agent {verb} AGENT")
    done = session.client.post(f"/agents/{verb}", {"agent": agent, "all": every, "reason": reason})
    session.show(done, lambda: session.terminal.line(done["text"]))


def _confirm(question: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failure(Exit.USAGE, f"{question} There is no terminal to ask on: give --yes")
    if not typer.confirm(question):
        raise Failure(Exit.FAILED, "nothing was done")


def _print(session: Session, agent: Mapping[str, Any]) -> None:
    line = session.terminal.line
    why = f": {agent['text']}" if agent["text"] else ""
    line(f"{agent['id']}  {agent['category'] or 'unknown kind'}  {agent['state']}{why}")
    if agent["now"]:
        line(f"now       run {agent['now']['run']}  {spoken(agent['now']['kind'])}")
    line(f"last      {last_run(agent['last'])}")
    line(f"pending   {_known(agent['pending_imports'])} imports, {_known(agent['pending_exports'])} exports")
    for setback in agent["setbacks"]:
        line(f"failed    {session.clock(setback['at'])}  {setback['text']} → autosync run show {setback['run']}")
    if agent["failures"]:
        line(f"failures  {agent['failures']:,} in a row")
    for request in agent["waiting"]:
        reasons = "; ".join(reason["text"] for reason in request["why"])
        line(f"waiting   R-{request['request']}  {request['profile']}" + (f": {reasons}" if reasons else ""))
    for hold in agent["holds"]:
        line(f"held      autosync hold show {hold}")
    for trigger in agent["triggers"]:
        line(f"trigger   {trigger['name']}  {trigger['state']}" + (f": {trigger['error']}" if trigger["error"] else ""))
    line(f"on        {', '.join(agent['partitions']) or 'none known'}")
    for profile in agent["profiles"]:
        line(f"profile   {profile['name']}  ({', '.join(profile['steps'])})")


def _known(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"
