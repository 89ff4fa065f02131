"""Looks at an embedded engine without starting it: its secrets, its store, the files behind its agents."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from pathlib import Path

from autosync.adapters.engines.embedded.options import EmbeddedOptions
from autosync.model.errors import ConfigError
from autosync.ports.checkup import Check, CheckState


class EmbeddedCheckup:
    """Implements ``ports.checkup.Checkup``."""

    def __init__(self, options: EmbeddedOptions, setup: Callable[[], object]) -> None:
        self._options = options
        self._setup = setup

    async def checks(self) -> AsyncIterator[Check]:
        """Yield what was found."""
        yield self._secrets()
        yield _store(self._options.store)
        agents = self._options.data.get("agents")
        for name, agent in agents.items() if isinstance(agents, Mapping) else ():
            connector = agent.get("connector") if isinstance(agent, Mapping) else None
            path = connector.get("path") if isinstance(connector, Mapping) else None
            if isinstance(path, str):
                yield _file(name, self._options.folder / path)

    def _secrets(self) -> Check:
        try:
            self._setup()
        except ConfigError as error:
            return Check(
                name="secrets",
                state=CheckState.FAIL,
                found=str(error),
                means="the engine cannot be started",
                way_out="put the secret where the configuration says, readable by this account",
            )
        return Check(name="secrets", state=CheckState.OK, found="all are there")


def _store(path: Path) -> Check:
    if not path.exists():
        if path.parent.is_dir():
            return Check(name="store", state=CheckState.OK, found=f"{path} is made at the first start")
        return Check(
            name="store",
            state=CheckState.FAIL,
            found=f"{path.parent} is no folder",
            means="the engine has no place to keep its connector spaces",
            way_out="make the folder, or name another (store:)",
        )
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
            tables = database.execute("select count(*) from sqlite_master where type = 'table'").fetchone()[0]
    except sqlite3.Error as error:
        return Check(
            name="store",
            state=CheckState.FAIL,
            found=f"{path} cannot be read: {error}",
            means="the engine cannot be started",
            way_out="put back a copy of it, or take it away: full imports then fill a new one",
        )
    size = path.stat().st_size / 1024 / 1024
    return Check(name="store", state=CheckState.OK, found=f"{path}: {size:,.1f} MB, {tables} tables")


def _file(agent: str, path: Path) -> Check:
    if path.is_file():
        return Check(name=f"file of {agent}", state=CheckState.OK, found=f"{path}: {path.stat().st_size:,} bytes")
    if path.parent.is_dir():
        return Check(
            name=f"file of {agent}",
            state=CheckState.WARN,
            found=f"{path} is not there",
            means="an import of it fails until it comes; an export makes it",
            way_out="nothing, if it is a target; otherwise put the file there",
        )
    return Check(
        name=f"file of {agent}",
        state=CheckState.FAIL,
        found=f"{path.parent} is no folder",
        means="neither imports nor exports can work",
        way_out="make the folder, or correct the connector's path",
    )
