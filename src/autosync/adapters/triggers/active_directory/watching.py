"""The trigger: asks what changed when it is woken, and now and then anyway, and fires when something counts."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from autosync.adapters.triggers.active_directory.changes import Changes, Reader
from autosync.adapters.triggers.active_directory.listening import Listener
from autosync.adapters.triggers.active_directory.options import SHAPE, ActiveDirectoryOptions, Way
from autosync.adapters.triggers.active_directory.places import ReadTo, place_of, token_of
from autosync.adapters.triggers.active_directory.survey import Survey, survey
from autosync.directory.client import Directory, open_directory
from autosync.directory.errors import DirectoryError
from autosync.model.errors import ConfigError, TriggerFailed
from autosync.model.requests import Token
from autosync.model.wording import number
from autosync.options.kind import BlockTrigger
from autosync.ports.clock import Clock
from autosync.ports.registry import Surroundings
from autosync.ports.secrets import SecretSource
from autosync.ports.trigger import Firing, Pulse


class ActiveDirectoryTrigger:
    """Implements ``ports.trigger.Trigger``. A controller that fails is followed by the next of the list."""

    def __init__(self, options: ActiveDirectoryOptions, around: Surroundings) -> None:
        self._options = options
        self._clock: Clock = around.clock
        self._secrets: SecretSource = around.secrets

    async def watch(self, token: Token | None) -> AsyncGenerator[Firing | Pulse]:
        """Yield a firing whenever something that counts changed after ``token``; without one, at first."""
        place = None if token is None else place_of(token)
        try:
            async with (
                open_directory(self._options.access.opened(self._secrets)) as directory,
                aclosing(self._watch(directory, place)) as watching,
            ):
                async for seen in watching:
                    yield seen
        except (DirectoryError, ConfigError) as error:
            raise TriggerFailed(str(error)) from error

    async def _watch(self, directory: Directory, place: ReadTo | None) -> AsyncGenerator[Firing | Pulse]:
        found = await survey(directory, self._options.base)
        if place is not None and place.was_restored(found.controller):
            place = None
            yield Firing(full=True, text=f"{directory.server} has a new invocation id: it was restored from a backup")
        reader = Reader(directory, found, self._options)
        listener = Listener(directory, found.context) if self._options.listen else None
        try:
            while True:
                changes = await reader.read(place)
                if changes.count or not changes.sure:
                    yield Firing(
                        token=token_of(changes.place), count=max(changes.count, 1), text=_text(found, changes, place)
                    )
                place = changes.place
                yield Pulse(details=_details(directory, reader, listener, changes))
                await self._pause(listener)
        finally:
            if listener is not None:
                listener.close()

    async def _pause(self, listener: Listener | None) -> None:
        every = self._options.every.total_seconds()
        if listener is None:
            await self._clock.sleep(every)
        else:
            await listener.wait(every, self._options.gather.total_seconds(), self._clock)


def _text(found: Survey, changes: Changes, before: ReadTo | None) -> str:
    if changes.sure:
        return f"{number(changes.count, 'object')} changed"
    if before is None:
        return f"{found.base} was looked at for the first time"
    return f"the controller is another one: what changed since {found.base} was last looked at is not known"


def _details(directory: Directory, reader: Reader, listener: Listener | None, changes: Changes) -> dict[str, str]:
    details = {"controller": str(directory.server), "way": str(reader.way), "passed over": str(changes.passed_over)}
    if reader.way is Way.USN and reader.refusal:
        details["no dirsync"] = reader.refusal
    if listener is not None:
        details["listening"] = f"no: {listener.refusal}" if listener.refusal else "yes"
    return details


ACTIVE_DIRECTORY_KIND: Final = BlockTrigger(shape=SHAPE, make=ActiveDirectoryTrigger)
"""``type: active-directory`` in the configuration."""
