"""The trigger: looks now and then, and whenever it is notified, and fires when what it sees differs."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Final

from autosync.adapters.triggers.sql.database import Database
from autosync.adapters.triggers.sql.listening import Listener
from autosync.adapters.triggers.sql.options import SHAPE, SqlOptions
from autosync.adapters.triggers.sql.questions import look
from autosync.adapters.triggers.sql.sights import Sight, sight_of, token_of
from autosync.model.errors import ConfigError, TriggerFailed
from autosync.model.requests import Token
from autosync.options.kind import BlockTrigger
from autosync.ports.clock import Clock
from autosync.ports.secrets import SecretSource
from autosync.ports.trigger import Firing, Pulse


class SqlTrigger:
    """Implements ``ports.trigger.Trigger``. The token is what was seen: the row, or the newest version with the counts."""

    def __init__(self, options: SqlOptions, clock: Clock, secrets: SecretSource) -> None:
        self._options = options
        self._clock = clock
        self._secrets = secrets

    async def watch(self, token: Token | None) -> AsyncIterator[Firing | Pulse]:
        """Yield a firing whenever the database shows another sight than that of ``token``; without one, at first."""
        told = None if token is None else sight_of(token)
        database = Database(self._url(), self._options.time_limit.total_seconds())
        listener = None if self._options.listen is None else Listener(database.url, self._options.listen)
        try:
            if listener is not None:
                listener.start()
            while True:
                seen = await database.ask(partial(look, options=self._options, before=told))
                if seen != told:
                    yield Firing(token=token_of(seen), changed=_changed(seen), text=_text(self._options, told, seen))
                    told = seen
                else:
                    yield Pulse(details={"database": database.name, "version": str(seen.newest)})
                await self._pause(listener)
        finally:
            if listener is not None:
                listener.stop()
            database.close()

    async def _pause(self, listener: Listener | None) -> None:
        seconds = self._options.every.total_seconds()
        if listener is None:
            await self._clock.sleep(seconds)
        else:
            await listener.wait(seconds)

    def _url(self) -> str:
        url = self._options.url
        try:
            return url if isinstance(url, str) else self._secrets.find(str(url)).reveal()
        except ConfigError as error:
            raise TriggerFailed(str(error)) from error


def _changed(seen: Sight) -> datetime | None:
    """Return when it changed, where the version is a time that says its zone."""
    newest = seen.newest
    return newest if isinstance(newest, datetime) and newest.tzinfo is not None else None


def _text(options: SqlOptions, before: Sight | None, seen: Sight) -> str:
    what = options.table or "the query's row"
    if before is None:
        return f"{what} was seen for the first time"
    if options.table and not options.change_tracking and before.newest == seen.newest:
        return (
            f"{what}: {before.rows:,} rows became {seen.rows:,}" if before.rows != seen.rows else f"{what} changed late"
        )
    return f"{what} changed"


SQL_KIND: Final = BlockTrigger(
    shape=SHAPE, make=lambda options, around: SqlTrigger(options, around.clock, around.secrets)
)
"""``type: sql`` in the configuration."""
