"""Configuration files and the running service: checked whole, shown as a plan, then applied; the last good one stays."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from autosync.bootstrap.kinds import KINDS
from autosync.bootstrap.parts import new_parts_of
from autosync.config.load import Loaded, Source, load, load_text
from autosync.config.mistakes import Mistake, report
from autosync.config.plan import Change, ChangeKind, plan
from autosync.config.reload import after_edit
from autosync.config.spec import Configuration
from autosync.model.errors import ConfigError
from autosync.ports.clock import Clock
from autosync.ports.store import Revision, Store
from autosync.runtime import reload
from autosync.runtime.supervisor import Supervisor
from autosync.service import views


def load_configuration(path: Path) -> Loaded:
    """Read and check a configuration file; mistakes are in the result. Raises ``ConfigError`` when there is no file."""
    return load(path, KINDS, os.environ)


async def recorded(store: Store, loaded: Loaded, clock: Clock, by: str, reason: str = "") -> Configuration:
    """Give the configuration its revision: the store's number for its text. Raises ``ConfigError`` with its mistakes."""
    configuration = loaded.required()
    revision = await store.add_revision(loaded.text, clock.now(), by, reason)
    return replace(configuration, settings=replace(configuration.settings, revision=revision.number))


class FileConfigurations:
    """Implements ``service.configuring.Configurations`` for one file and one running AutoSync."""

    def __init__(self, path: Path, loaded: Loaded, running: Configuration, supervisor: Supervisor) -> None:
        self._path = path
        self._loaded = loaded
        self._running = running
        self._supervisor = supervisor
        # Two editors at once are taken one after the other; what is in force is never half of each.
        self._turn = asyncio.Semaphore(1)

    async def plan(self, text: str) -> views.PlanView:
        """Return the mistakes in ``text`` and what it would change in the running configuration."""
        loaded = self._read(text)
        changes = () if loaded.configuration is None else plan(self._running, loaded.configuration).changes
        return views.PlanView(
            revision=self._running.settings.revision,
            mistakes=tuple(map(_mistake_view, loaded.mistakes)),
            changes=tuple(map(_change_view, changes)),
        )

    async def apply(self, text: str, by: str, reason: str) -> Revision:
        """Put a text without mistakes in force; raise ``ConfigError`` with the mistakes, and change nothing."""
        async with self._turn:
            loaded = self._read(text)
            revision = await self._put_in_force(loaded, by, reason)
            await asyncio.to_thread(_write_whole, self._path, loaded.text)
            return revision

    async def reload(self, by: str, reason: str) -> Revision:
        """Read the file again and apply it."""
        async with self._turn:
            edited = await asyncio.to_thread(load_configuration, self._path)
            after = after_edit(self._loaded, edited)
            if after.mistakes:
                raise ConfigError(report(after.mistakes, self._running.settings.revision))
            return await self._put_in_force(edited, by, reason)

    def _read(self, text: str) -> Loaded:
        source = Source(name=self._path.name, folder=self._path.absolute().parent, environment=os.environ)
        return load_text(text.encode(), source, KINDS)

    async def _put_in_force(self, loaded: Loaded, by: str, reason: str) -> Revision:
        supervisor = self._supervisor
        wanted = loaded.required()
        _refuse_what_needs_a_restart(self._running, wanted)
        # Built before it is recorded: a part that cannot be built must not become the revision in force.
        parts = new_parts_of(wanted, supervisor.parts.clock, self._path.absolute().parent)
        configuration = await recorded(supervisor.store, loaded, supervisor.parts.clock, by, reason)
        settings = replace(parts.settings, revision=configuration.settings.revision)
        await reload.apply(supervisor, replace(parts, settings=settings), by=by)
        self._loaded, self._running = loaded, configuration
        return (await supervisor.store.revisions(limit=1))[0]


def _refuse_what_needs_a_restart(running: Configuration, wanted: Configuration) -> None:
    if plan(running, wanted).needs_restart:
        raise ConfigError(
            "service › store, listen and token-file cannot change while the service runs: restart it with this "
            "configuration. The running configuration is unchanged."
        )


def _mistake_view(mistake: Mistake) -> views.MistakeView:
    return views.MistakeView(
        file=mistake.file, line=mistake.line, column=mistake.column, path=mistake.where, message=mistake.message
    )


_SIGNS: Final = {ChangeKind.ADDED: "add", ChangeKind.REMOVED: "remove", ChangeKind.CHANGED: "change"}


def _change_view(change: Change) -> views.ChangeView:
    path = f"{change.subject} › {change.key}" if change.key else str(change.subject)
    return views.ChangeView(
        change=_SIGNS[change.kind], path=path, before=change.before or None, after=change.after or None
    )


def _write_whole(path: Path, text: str) -> None:
    """Replace the file as a whole: an interrupted save leaves the old one (W53)."""
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8", newline="\n")
    new.replace(path)
