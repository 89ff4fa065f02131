"""``import-lithnet`` and ``init``: from what there is to a first configuration. Nothing is overwritten unasked."""

from pathlib import Path
from typing import Annotated

import typer

from autosync.cli.exits import Exit, Failure
from autosync.cli.session import Session
from autosync.config.mistakes import listed
from autosync.model.wording import number

Old = Annotated[Path, typer.Argument(metavar="CONFIG.XML", help="The predecessor's configuration file.")]
Registry = Annotated[
    Path | None, typer.Option("--registry", help="Its registry key, exported: reg export HKLM\\…\\autosync x.reg")
]
Output = Annotated[Path, typer.Option("--output", help="The file to write.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write the report into this file as well.")]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
Server = Annotated[str, typer.Option("--server", help="The synchronization server; without it AutoSync runs on it.")]
Zone = Annotated[
    str, typer.Option("--time-zone", help="The server's time zone, as Europe/Brussels: schedules count in it.")
]
EngineName = Annotated[str, typer.Option("--engine", help="The engine's name in the new configuration.")]
User = Annotated[str, typer.Option("--user", help="Sign in as this account; else as the one that runs this.")]
PasswordEnv = Annotated[
    str, typer.Option("--password-env", help="The environment variable that holds the account's password.")
]
Local = Annotated[bool, typer.Option("--local", help="AutoSync runs on the synchronization server itself.")]
Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Where WinRM listens; else 5986, or 5985.")]
Http = Annotated[bool, typer.Option("--http", help="HTTP with messages encrypted by the sign-in, instead of HTTPS.")]
Ca = Annotated[Path | None, typer.Option("--ca", help="Certificates that the server's is checked against.")]
_WRITTEN = Path("autosync.yaml")


def import_lithnet(
    session: Session,
    config: Old,
    *,
    registry: Registry = None,
    output: Output = _WRITTEN,
    report: Report = None,
    server: Server = "",
    zone: Zone = "",
    engine: EngineName = "mim",
    force: Force = False,
) -> None:
    """Take over a configuration of Lithnet AutoSync: a new file, and a report of what became of every setting."""
    root = session.wiring.root
    content, exported = _read(config), _read(registry) if registry is not None else None
    imported = root.import_lithnet(content, exported, engine=engine, server=server, zone=zone)
    for path in (output, *([report] if report is not None else [])):
        if path.exists() and not force:
            raise Failure(Exit.USAGE, f"{path} is there already; --force writes over it")
    _write(output, imported.yaml)
    if report is not None:
        _write(report, imported.report)
    loaded = root.load_configuration(output)
    told = {
        "output": str(output),
        "notes": [{"fate": each.fate.value, "where": each.where, "text": each.text} for each in imported.notes],
        "mistakes": [str(each) for each in loaded.mistakes],
    }

    def show() -> None:
        session.terminal.line(imported.report.rstrip())
        session.terminal.line()
        for line in listed(loaded.mistakes):
            session.terminal.line(line)
        state = f"with {number(len(loaded.mistakes), 'mistake')} to correct" if loaded.mistakes else "valid"
        session.terminal.line(f"{output} was written ({state}). Next: autosync doctor --config {output}")

    session.show(told, show)
    if loaded.mistakes:
        raise typer.Exit(int(Exit.FAILED))


def init_mim(
    session: Session,
    *,
    server: Server = "",
    local: Local = False,
    port: Port = None,
    http: Http = False,
    ca: Ca = None,
    user: User = "",
    password_env: PasswordEnv = "MIM_PASSWORD",  # noqa: S107 - a variable's name
    engine: EngineName = "mim",
    output: Output = _WRITTEN,
) -> None:
    """Read a synchronization server and propose a whole, commented configuration; everything in it is switched off."""
    import asyncio  # noqa: PLC0415 - the other commands start without it

    if bool(server) == local:
        raise Failure(Exit.USAGE, "say which server: --server NAME, or --local on the synchronization server itself")
    if output.exists():
        raise Failure(Exit.USAGE, f"{output} is there already, and only a new file is written: name one with --output")
    root = session.wiring.root
    session.terminal.progress(f"reading the agents of {server or 'this server'} …")
    sign_in = {"user": user, "password": {"env": password_env}} if user else {"kerberos": True}
    given = {"port": port, "transport": "http" if http else None, "ca": str(ca.absolute()) if ca is not None else None}
    way = {key: value for key, value in given.items() if value is not None}
    options = {"local": True} if local else {"server": server, **way, "sign-in": sign_in}
    text = asyncio.run(root.propose(options, engine, output.absolute().parent))
    session.terminal.end_progress()
    _write(output, text)
    loaded = root.load_configuration(output)
    told = {"output": str(output), "mistakes": [str(each) for each in loaded.mistakes]}

    def show() -> None:
        for line in listed(loaded.mistakes):
            session.terminal.line(line)
        session.terminal.line(
            f"{output} was written. Every agent in it is switched off: read it, enable what you want, then: "
            f"autosync config validate {output}"
        )

    session.show(told, show)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Failure(Exit.NOT_FOUND, f"cannot read {path}: {error.strerror or error}") from error


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    try:
        new.write_text(text, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError as error:
        raise Failure(Exit.FAILED, f"cannot write {path}: {error.strerror or error}") from error
