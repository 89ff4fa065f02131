"""The configuration in force: looked at, planned, and replaced by whoever saw the revision that goes."""

import asyncio
from typing import Protocol

from autosync.model.errors import NotFound, Refused
from autosync.ports.store import Revision, Store
from autosync.service import showing, views


class Configurations(Protocol):
    """Checks and applies configuration texts; the composition root knows how."""

    async def plan(self, text: str) -> views.PlanView:
        """Return the mistakes in ``text`` and what it would change in the running configuration."""
        ...

    async def apply(self, text: str, by: str, reason: str) -> Revision:
        """Put a text without mistakes in force; raise ``ConfigError`` with the mistakes, and change nothing."""
        ...

    async def reload(self, by: str, reason: str) -> Revision:
        """Read the file again and apply it."""
        ...


class RevisionChanged(Refused):
    """The configuration in force is no longer the one that was looked at."""


class Configuring:
    """Answers about configurations and changes them. ``files`` is None where the service was started without a file."""

    def __init__(self, files: Configurations | None, store: Store) -> None:
        self._files = files
        self._store = store
        # Between the look at the revision and the change nobody else may change it.
        self._editing = asyncio.Semaphore(1)

    async def revisions(self, limit: int = 50) -> tuple[views.RevisionView, ...]:
        """Return configuration revisions without their texts, newest first."""
        found = await self._store.revisions(limit=limit)
        return tuple(showing.revision(one, with_text=False) for one in found)

    async def revision(self) -> views.RevisionView:
        """Return the newest configuration revision with its text."""
        found = await self._store.revisions(limit=1)
        if not found:
            raise NotFound("no configuration has been recorded yet")
        return showing.revision(found[0])

    async def plan(self, text: str) -> views.PlanView:
        """Return the mistakes in a configuration text, and what it would change."""
        return await self._known().plan(text)

    async def apply(self, text: str, by: str, reason: str = "", over: int | None = None) -> views.RevisionView:
        """Put a configuration text in force; raise ``ConfigError`` with its mistakes, and change nothing.

        ``over`` is the revision that its author looked at: raises ``RevisionChanged`` where another is in force.
        """
        async with self._editing:
            if over is not None and (newest := await self.revision()).number != over:
                raise RevisionChanged(
                    f"revision {newest.number} by {newest.by} came first: look at it, then send your change again"
                )
            return showing.revision(await self._known().apply(text, by, reason))

    async def reload(self, by: str, reason: str = "") -> views.RevisionView:
        """Read the configuration file again and put it in force."""
        async with self._editing:
            return showing.revision(await self._known().reload(by, reason))

    def _known(self) -> Configurations:
        if self._files is None:
            raise Refused("this service was started without a configuration file: there is nothing to apply to")
        return self._files
