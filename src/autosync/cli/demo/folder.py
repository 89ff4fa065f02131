"""The demo's folder: made anew at each start, so that everybody sees the same; nothing else in it is touched."""

import socket
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from autosync.cli.demo.company import Person, write_people

_MADE: Final = ("hr.csv", "directory.ldif", "badge.db", "phonebook.csv", "autosync.yaml")
_USUAL_PORT: Final = 8480
_LDIF_CONNECTOR: Final = "{type: ldif, path: directory.ldif}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealDirectory:
    """A directory that runs somewhere, in place of the LDIF file: people come below ``ou=people,dc=example``.

    ``connector`` is the connector's block of the configuration, ``name`` what it is called in the demo.
    """

    name: str
    connector: str


def make_folder(folder: Path, people: list[Person], directory: RealDirectory | None = None) -> Path:
    """Write the company's files into ``folder`` and return the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state"
    if state.is_dir():
        for old in state.iterdir():
            old.unlink()
    for name in _MADE:
        (folder / name).unlink(missing_ok=True)
    write_people(folder / "hr.csv", people)
    (folder / "phonebook.csv").write_text("id,name,phone,department\n", encoding="utf-8")
    (folder / "directory.ldif").write_text("version: 1\n", encoding="utf-8")
    with closing(sqlite3.connect(folder / "badge.db")) as badge:
        badge.execute(
            "CREATE TABLE badge (employee_id TEXT PRIMARY KEY, holder TEXT, department TEXT, manager_id TEXT)"
        )
        badge.commit()
    configuration = resources.files(__package__).joinpath("autosync.yaml").read_text(encoding="utf-8")
    if directory is not None:
        (folder / "directory.ldif").unlink()
        configuration = configuration.replace(_LDIF_CONNECTOR, directory.connector)
    configuration = configuration.replace(f"127.0.0.1:{_USUAL_PORT}", f"127.0.0.1:{free_port()}")
    path = folder / "autosync.yaml"
    path.write_text(configuration, encoding="utf-8", newline="\n")
    return path


def free_port() -> int:
    """Return the usual port, or any other where somebody listens on it already."""
    for port in (_USUAL_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return _USUAL_PORT
