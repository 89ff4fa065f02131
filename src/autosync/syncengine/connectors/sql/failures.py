"""What a driver's error means, in the engine's words and without the password."""

from urllib.parse import quote, quote_plus

from sqlalchemy import URL
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoSuchColumnError,
    NoSuchTableError,
    OperationalError,
    SQLAlchemyError,
)

from autosync.syncengine.connectors.port import ChangeOutcome, ConnectorError

_DEADLOCK = ("deadlock", "database is locked", "lock wait timeout", "could not serialize")
_PERMISSION = ("permission denied", "access denied", "insufficient privilege", "readonly database", "login failed")
_NO_TABLE = ("no such table", "does not exist", "doesn't exist", "invalid object name")
_NO_COLUMN = ("no such column", "unknown column", "invalid column name", "undefined column")
_SYNTAX = ("syntax error", "incorrect syntax", "error in your sql syntax")
_UNIQUE = ("unique", "duplicate")


class DatabaseFailures:
    """Turns the errors of one database into the engine's, with the password struck out."""

    def __init__(self, url: URL, anchor: tuple[str, ...]) -> None:
        self.name = url.render_as_string(hide_password=True)
        password = str(url.password or "")
        self._secrets = sorted({password, quote(password), quote_plus(password)} - {""}, key=len, reverse=True)
        self._anchor = anchor

    def say(self, error: BaseException) -> str:
        """Return the driver's own sentence, in one line and without secrets, statement or values."""
        text = " ".join(str(getattr(error, "orig", None) or error).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:500]

    def run_error(self, error: SQLAlchemyError, *, started: bool) -> ConnectorError:
        """Return how the run ends because of ``error``; ``started`` says whether objects were read or written."""
        return ConnectorError(self._status(error, started=started), f"{self.name}: {self.say(error)}")

    def ends_run(self, error: SQLAlchemyError) -> bool:
        """Return whether nothing more can be done after ``error``, for any object."""
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return True
        text = self.say(error).lower()
        schema = isinstance(error, OperationalError) and _has(text, _NO_TABLE + _PERMISSION + _DEADLOCK)
        return isinstance(error, InterfaceError) or schema or not isinstance(error, DBAPIError)

    def outcome(self, error: SQLAlchemyError) -> ChangeOutcome:
        """Return what became of the one object that the database refused."""
        text = self.say(error)
        lower = text.lower()
        kind = "cd-error"
        if isinstance(error, IntegrityError):
            of_anchor = any(name.lower() in lower for name in self._anchor) or "primary" in lower
            kind = "duplicate-anchor" if _has(lower, _UNIQUE) and of_anchor else "constraint-violation"
        return ChangeOutcome(error_type=kind, message=text)

    def _status(self, error: SQLAlchemyError, *, started: bool) -> str:
        text = self.say(error).lower()
        if _has(text, _DEADLOCK):
            return "stopped-deadlocked"
        if _has(text, _PERMISSION):
            return "no-start-database-permission"
        if isinstance(error, NoSuchTableError) or _has(text, _NO_TABLE):
            return "no-start-database-table"
        if isinstance(error, NoSuchColumnError) or _has(text, _NO_COLUMN):
            return "no-start-database-schema-mismatch"
        if _has(text, _SYNTAX):
            return "no-start-bad-ma-configuration"
        if isinstance(error, DBAPIError):
            return "stopped-database-connection-lost" if started else "no-start-connection"
        return "stopped-import-read" if started else "no-start-bad-ma-configuration"


def _has(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
