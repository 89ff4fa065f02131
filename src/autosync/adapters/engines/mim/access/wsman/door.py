"""The namespace of a synchronization server by WS-Management."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import ceil

from autosync.adapters.engines.mim.access.rows import NAMESPACE
from autosync.windows_remoting.cim import Cim
from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.target import Target


class WsmanDoor:
    """Implements ``Door``: one connection."""

    def __init__(self, target: Target) -> None:
        self._connection = Connection(target)

    def enter(self) -> datetime | None:
        """Sign in. Every answer over HTTP tells the server's clock, to the second, whatever the account may do."""
        return self._connection.identify()

    def instance(self, of: str, keys: Mapping[str, str], *, limit_s: float) -> Mapping[str, str]:
        """Get it by its keys."""
        return self._cim(limit_s).instance(of, keys)

    def query(self, wql: str, *, limit_s: float) -> Iterator[Mapping[str, str]]:
        """Enumerate with a filter, part after part."""
        return self._cim(limit_s).query(wql)

    def call(
        self, of: str, keys: Mapping[str, str], method: str, arguments: Mapping[str, str], *, limit_s: float
    ) -> str:
        """Invoke it."""
        return self._cim(limit_s).call(of, keys, method, arguments)

    def abort(self) -> None:
        """Break the connection."""
        self._connection.abort()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _cim(self, limit_s: float) -> Cim:
        return Cim(connection=self._connection, namespace=NAMESPACE, limit_s=ceil(limit_s))
