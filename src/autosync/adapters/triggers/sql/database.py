"""The connection: one thread of its own, answers within a time limit, and failures in words without the password."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from autosync.model.errors import ConfigError, TriggerFailed

_Result = TypeVar("_Result")
_LONGEST = 300


class Database:
    """Answers questions about a database. A question that hangs keeps its thread; the next database gets another."""

    def __init__(self, url: str, time_limit_s: float) -> None:
        self.url = _parsed(url)
        self.name = self.url.render_as_string(hide_password=True)
        self._time_limit_s = time_limit_s
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sql-trigger")

    async def ask(self, question: Callable[[Connection], _Result]) -> _Result:
        """Return the answer to a question. Raises ``TriggerFailed``; then the database must be closed."""
        try:
            async with asyncio.timeout(self._time_limit_s):
                return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: self._answer(question))
        except TimeoutError:
            raise TriggerFailed(f"{self.name} gave no answer in {self._time_limit_s:.0f} s; trying again") from None

    def close(self) -> None:
        """Let go of connection and thread, without waiting for either."""
        self._threads.submit(self._disconnect)
        self._threads.shutdown(wait=False)

    def _answer(self, question: Callable[[Connection], _Result]) -> _Result:
        try:
            connection = self._connected()
            answer = question(connection)
            connection.rollback()  # a new look must not see the snapshot of the last one
        except ModuleNotFoundError as error:
            raise TriggerFailed(f"the driver of {self.name} is not installed: {error.name}") from None
        except SQLAlchemyError as error:
            raise TriggerFailed(f"{self.name} cannot be asked: {self._said(error)}") from None
        except (
            OSError
        ) as error:  # python-tds tries to connect for 15 s, and then says only that time is up, with the cause
            raise TriggerFailed(f"{self.name} cannot be reached: {self._said(error.__cause__ or error)}") from None
        return answer

    def _connected(self) -> Connection:
        if self._engine is None:
            self._engine = create_engine(self.url, poolclass=NullPool)
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        except SQLAlchemyError:
            return  # it was gone before

    def _said(self, error: BaseException) -> str:
        said = str(getattr(error, "orig", None) or error).strip().splitlines()
        text = (said[0] if said else type(error).__name__)[:_LONGEST]
        password = str(self.url.password or "")
        return text.replace(password, "***") if password else text


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        # What came is not repeated: it may hold a password.
        raise ConfigError(
            "the secret of a sql trigger holds no database URL that is known here; write it like mssql+pytds://user:…@host/db"
        ) from None
    return parsed
