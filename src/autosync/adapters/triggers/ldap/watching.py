"""The trigger: signs in, finds out what the directory can, and watches by the best of its ways."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from autosync.adapters.triggers.ldap import changelog, syncrepl, timestamps
from autosync.adapters.triggers.ldap.abilities import abilities, chosen
from autosync.adapters.triggers.ldap.options import SHAPE, LdapOptions, Way
from autosync.adapters.triggers.ldap.places import ReadTo, place_of
from autosync.directory.client import Directory, open_directory
from autosync.directory.errors import DirectoryError
from autosync.model.errors import ConfigError, TriggerFailed
from autosync.model.requests import Token
from autosync.options.kind import BlockTrigger
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse


class LdapTrigger:
    """Implements ``ports.trigger.Trigger``. A server that fails is followed by the next of the list."""

    def __init__(self, options: LdapOptions, around: Surroundings) -> None:
        self._options = options
        self._around = around

    async def watch(self, token: Token | None) -> AsyncGenerator[Firing | Pulse]:
        """Yield a firing whenever something changed after ``token``; without one, at first."""
        place = None if token is None else place_of(token)
        try:
            async with (
                open_directory(self._options.access.opened(self._around.secrets)) as directory,
                aclosing(await self._way(directory, place)) as watching,
            ):
                async for seen in watching:
                    yield seen
        except (DirectoryError, ConfigError) as error:
            raise TriggerFailed(str(error)) from error

    async def _way(self, directory: Directory, place: ReadTo | None) -> AsyncGenerator[Firing | Pulse]:
        able = await abilities(directory, self._options)
        match chosen(able, self._options):
            case Way.SYNCREPL:
                return syncrepl.watch(directory, self._options, place)
            case Way.CHANGELOG:
                return changelog.watch(directory, self._options, able, place, self._around.clock)
            case _:
                return timestamps.watch(directory, self._options, place, self._around.clock)


LDAP_KIND: Final = BlockTrigger(shape=SHAPE, make=LdapTrigger)
"""``type: ldap`` in the configuration."""
