"""One command's surroundings: options that every command takes, the way to the service, and the border for its errors."""

import getpass
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Annotated, Any, NoReturn

import typer

from autosync.cli.client import Client, HttpTransport, Transport
from autosync.cli.exits import Exit, Failure
from autosync.cli.place import CONFIG_NAME, Place, find_config, find_place
from autosync.cli.root import Root
from autosync.cli.terminal import Terminal
from autosync.cli.words import clock
from autosync.model.errors import AutoSyncError, NotFound, Refused

Url = Annotated[str | None, typer.Option("--url", help="The service's address; else AUTOSYNC_URL, else found.")]
TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="The file with its token; else AUTOSYNC_TOKEN_FILE, else found.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where in the program an unexpected error came from.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a command stands on; tests give another."""

    connect: Callable[[Place], Transport] = field(default=lambda place: HttpTransport(place.url))
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    folder: Path = field(default_factory=Path.cwd)
    zone: tzinfo | None = None
    """Where times are shown; None: here."""
    pause: Callable[[float], object] = field(default_factory=lambda: Event().wait)
    """Waits so many seconds; Ctrl+C ends it."""
    root: Root = field(default_factory=Root)
    """Everything that a service is made of, loaded when a command needs it."""


@dataclass(kw_only=True)
class Session:
    """What a command works with."""

    wiring: Wiring
    url: str | None = None
    token_file: Path | None = None
    as_json: bool = False
    debug: bool = False

    @cached_property
    def terminal(self) -> Terminal:
        """Return where to print."""
        return Terminal(environ=self.wiring.environ)

    @cached_property
    def client(self) -> Client:
        """Return the way to the service; nothing is asked before it is used."""
        place = find_place(self.url, self.token_file, self.wiring.environ, self.wiring.folder)
        return Client(place, self.wiring.connect(place), _person())

    def config_path(self, given: Path | None) -> Path:
        """Return the configuration file that a command is about."""
        path = given or find_config(self.wiring.environ, self.wiring.folder)
        if path is None:
            raise Failure(
                Exit.USAGE,
                f"no configuration: there is no {CONFIG_NAME} in this folder; "
                "name one with --config, or AUTOSYNC_CONFIG",
            )
        here = self.wiring.folder == Path.cwd() and path.is_relative_to(self.wiring.folder)
        return path.relative_to(self.wiring.folder) if here else path

    def clock(self, text: str | None, now: datetime | None = None) -> str:
        """Return a moment of the API as local time; with the date unless that is the day of ``now``."""
        return clock(text, now, self.wiring.zone)

    def show(self, value: Any, rendered: Callable[[], None]) -> None:
        """Print ``value`` as JSON where that was asked for, else let ``rendered`` print it for people."""
        if self.as_json:
            self.terminal.json(value)
        else:
            rendered()


def command(group: typer.Typer, name: str, *, json: bool = True, asks: bool = True) -> Callable[..., Any]:
    """Register a command. Its first argument is the session; the options that every command takes are added.

    ``json`` False: it has no ``--json``. ``asks`` False: it does not talk to a service.
    """

    def register(body: Callable[..., None]) -> Callable[..., None]:
        def run(context: typer.Context, **given: Any) -> None:
            session = Session(
                wiring=wiring_of(context),
                url=given.pop("url", None),
                token_file=given.pop("token_file", None),
                as_json=given.pop("as_json", False),
                debug=given.pop("debug", False),
            )
            contained(session, lambda: body(session, **given))

        own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]
        added = [*([_Option("as_json", AsJson, default=False)] if json else [])]
        added += [_Option("url", Url, default=None), _Option("token_file", TokenFile, default=None)] if asks else []
        added += [_Option("debug", Debug, default=False)]
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *added]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__doc__ = body.__doc__
        run.__name__ = body.__name__
        group.command(name)(run)
        return body

    return register


def wiring_of(context: typer.Context) -> Wiring:
    """Return what the program was started with."""
    found = context.find_root().obj
    return found if isinstance(found, Wiring) else Wiring()


def contained(session: Session, work: Callable[[], None]) -> None:
    """Do the work; turn every error into a sentence on the error stream and an exit code."""
    try:
        work()
    except Failure as failure:
        _end(session, failure)
    except AutoSyncError as error:
        _end(session, Failure(_exit_of(error), str(error)))
    except KeyboardInterrupt:
        session.terminal.end_progress()
        raise typer.Exit(130) from None
    except BrokenPipeError:  # `autosync runs | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.OK) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:  # noqa: BLE001 - the border of the program
        known = _raised_on_purpose(error)
        if known is not None:
            _end(session, Failure(_exit_of(known), str(known)))
        said = f"unexpected: {type(error).__name__}: {error}. This is a fault in AutoSync; --debug shows where"
        _end(session, Failure(Exit.FAILED, said, kind="internal"))


def _raised_on_purpose(error: Exception) -> AutoSyncError | None:
    """Return the error for people inside a group: tasks that run together fail together."""
    if isinstance(error, ExceptionGroup):
        return next((known for inner in error.exceptions if (known := _raised_on_purpose(inner)) is not None), None)
    return error if isinstance(error, AutoSyncError) else None


def _exit_of(error: AutoSyncError) -> Exit:
    if isinstance(error, NotFound):
        return Exit.NOT_FOUND
    return Exit.HELD if isinstance(error, Refused) else Exit.FAILED


def _end(session: Session, failure: Failure) -> NoReturn:
    session.terminal.end_progress()
    if session.debug:
        traceback.print_exc()
    if session.as_json:
        print(_as_json(failure), file=sys.stderr)
    else:
        session.terminal.note(failure.message)
    raise typer.Exit(int(failure.code))


def _as_json(failure: Failure) -> str:
    import json  # noqa: PLC0415 - shadowed above by the option's name

    return json.dumps({"error": {"code": failure.kind, "message": failure.message, "exit": int(failure.code)}})


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name
        return ""


class _Option(inspect.Parameter):
    def __init__(self, name: str, annotation: Any, *, default: object) -> None:
        super().__init__(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
