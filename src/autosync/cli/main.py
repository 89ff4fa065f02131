"""``autosync``: every command in its place. Modules behind a command are loaded when it runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from autosync.cli.commands import (
    agents,
    beginning,
    cascades,
    configuration,
    doctor,
    events,
    holds,
    queue,
    runs,
    service,
    shadow,
    status,
    triggers,
    trying,
    why,
)
from autosync.cli.session import Debug, Session, command, contained, wiring_of


def _group(help_text: str) -> typer.Typer:
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


app = typer.Typer(
    name="autosync",
    help="Event-driven orchestration of identity synchronization engines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
agent_group = _group("One agent: show, start, stop.")
request_group = _group("One waiting request: show, drop.")
run_group = typer.Typer(
    help="The service itself; and one run: show, start, stop.", invoke_without_command=True, rich_markup_mode=None
)
hold_group = _group("What guards keep back, and decisions about it.")
trigger_group = _group("What watches connected systems.")
cascade_group = _group("Everything that came from one outside cause.")
init_group = _group("Propose a first configuration for an engine that is there.")
config_group = _group("The configuration: check, show, plan.")
shadow_group = _group("Engines that are only watched.")
for _name, _part in (
    ("run", run_group),
    ("agent", agent_group),
    ("request", request_group),
    ("hold", hold_group),
    ("trigger", trigger_group),
    ("cascade", cascade_group),
    ("init", init_group),
    ("config", config_group),
    ("shadow", shadow_group),
):
    app.add_typer(_part, name=_name)

command(app, "status")(status.status)
command(app, "agents")(agents.agents)
command(app, "queue")(queue.queue)
command(app, "runs")(runs.runs)
command(app, "why")(why.why)
command(app, "events")(events.events)
command(agent_group, "show")(agents.show)
command(agent_group, "start")(agents.start)
command(agent_group, "stop")(agents.stop)
command(request_group, "show")(queue.show)
command(request_group, "drop")(queue.drop)
command(run_group, "show")(runs.show)
command(run_group, "start")(runs.start)
command(run_group, "stop")(runs.stop)
command(hold_group, "list")(holds.list_holds)
command(hold_group, "show")(holds.show)
command(hold_group, "approve")(holds.approve)
command(hold_group, "reject")(holds.reject)
command(hold_group, "lift")(holds.lift)
command(trigger_group, "list")(triggers.list_triggers)
command(trigger_group, "test", asks=False)(triggers.try_out)
command(cascade_group, "list")(cascades.list_cascades)
command(cascade_group, "show")(cascades.show)
command(config_group, "validate")(configuration.validate)
command(config_group, "show")(configuration.show)
command(config_group, "schema", json=False, asks=False)(configuration.schema)
command(config_group, "plan")(configuration.plan)
command(config_group, "reload")(configuration.reload)
command(config_group, "history")(configuration.history)
command(init_group, "mim", asks=False)(beginning.init_mim)
command(app, "import-lithnet", asks=False)(beginning.import_lithnet)
command(app, "doctor", asks=False)(doctor.doctor)
command(shadow_group, "report")(shadow.report)
command(app, "simulate", asks=False)(trying.simulate)
command(app, "preview", asks=False)(trying.preview)
command(app, "demo", json=False, asks=False)(trying.demo)


@run_group.callback()
def run(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", help="The configuration; else the one found.")] = None,
    debug: Debug = False,
) -> None:
    """Run the service in the foreground; or, with a command behind it, look at one run, start or stop one."""
    if context.invoked_subcommand is None:
        session = Session(wiring=wiring_of(context), debug=debug)
        contained(session, lambda: service.serve(session, config))


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - reads files

        print(version("autosync-identity"))
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_tell_version, help="Print the version.")
    ] = False,
) -> None:
    """Event-driven orchestration of identity synchronization engines."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the one entry point of the installed program."""
    for stream in (sys.stdout, sys.stderr):
        # A console's code page may lack letters of people's names: show a sign instead of failing.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(args=None if arguments is None else list(arguments))
