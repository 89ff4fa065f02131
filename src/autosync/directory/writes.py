"""Changes to a directory as values, and many of them on their way at once."""

from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from autosync.directory.codec import Control, Operation
from autosync.directory.connection import Connection, Exchange
from autosync.directory.names import ancestors, same_name_key
from autosync.directory.results import Result, result_of

WINDOW: Final = 50
"""Requests in flight. Above some hundred slapd takes a client for an attacker and drops it (``conn_max_pending_auth``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """A new entry."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]
    controls: Sequence[Control] = ()

    def operation(self) -> Operation:
        """Return the request in the codec's shape."""
        attributes = [_attribute(name, values) for name, values in self.attributes.items()]
        return ("addRequest", {"entry": self.dn.encode("utf-8"), "attributes": attributes})


class ModifyKind(IntEnum):
    """What is done to an attribute."""

    ADD = 0
    DELETE = 1
    REPLACE = 2


@dataclass(frozen=True, slots=True)
class Modification:
    """One attribute's change. A deletion without values removes the attribute, and so does a replacement."""

    kind: ModifyKind
    attribute: str
    values: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify:
    """Other values, all of them or none."""

    dn: str
    changes: Sequence[Modification]
    controls: Sequence[Control] = ()

    def operation(self) -> Operation:
        """Return the request in the codec's shape."""
        changes = [
            {"operation": int(each.kind), "modification": _attribute(each.attribute, each.values)}
            for each in self.changes
        ]
        return ("modifyRequest", {"object": self.dn.encode("utf-8"), "changes": changes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """Another name, and with ``new_parent`` another place. ``keep_old`` keeps the old name's value as one of several."""

    dn: str
    new_rdn: str
    new_parent: str | None = None
    keep_old: bool = False
    controls: Sequence[Control] = ()

    def operation(self) -> Operation:
        """Return the request in the codec's shape."""
        fields: dict[str, object] = {
            "entry": self.dn.encode("utf-8"),
            "newrdn": self.new_rdn.encode("utf-8"),
            "deleteoldrdn": not self.keep_old,
        }
        if self.new_parent is not None:
            fields["newSuperior"] = self.new_parent.encode("utf-8")
        return ("renameRequest", fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """No entry any more."""

    dn: str
    controls: Sequence[Control] = ()

    def operation(self) -> Operation:
        """Return the request in the codec's shape."""
        return ("deleteRequest", self.dn.encode("utf-8"))


Write: TypeAlias = Add | Modify | Rename | Delete


async def write_all(
    connection: Connection, writes: Iterable[Write], *, window: int = WINDOW, timeout_s: float | None = 60.0
) -> AsyncIterator[Result]:
    """Yield the result of each write, in order, with up to ``window`` of them on their way.

    A server works on requests of one connection at the same time, in any order. Therefore a write waits for those before it
    that touch the same entry, one above or one below. Raises ``ServerUnreachable`` when the connection is lost: what was
    on its way may have been done or not. Cancelling it leaves what was sent to the server.
    """
    flight = _Flight(connection, timeout_s)
    try:
        for write in writes:
            keys = _touched(write)
            while len(flight) >= window or flight.is_busy(keys):
                yield await flight.land()
            await flight.send(write, keys)
        while len(flight):
            yield await flight.land()
    finally:
        flight.give_up()


class _Flight:
    """What is on its way, oldest first."""

    def __init__(self, connection: Connection, timeout_s: float | None) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._sent: deque[tuple[Exchange, list[str]]] = deque()
        self._names: Counter[str] = Counter()
        self._above: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._sent)

    def is_busy(self, keys: Sequence[str]) -> bool:
        """Return whether something on its way touches one of the entries, or one above or below."""
        names, above = self._names, self._above
        return any(
            names[key] or above[key] or any(names[upper] for upper in ancestors(key)) for key in keys
        )  # fmt: skip

    async def send(self, write: Write, keys: list[str]) -> None:
        exchange = await self._connection.request(write.operation(), write.controls)
        self._sent.append((exchange, keys))
        self._names.update(keys)
        for key in keys:
            self._above.update(ancestors(key))

    async def land(self) -> Result:
        exchange, keys = self._sent[0]
        message = await exchange.next(self._timeout_s)
        self._sent.popleft()
        self._names.subtract(keys)
        for key in keys:
            self._above.subtract(ancestors(key))
        if len(self._names) > 10_000:
            self._names, self._above = +self._names, +self._above
        return result_of(message.content, message.controls)

    def give_up(self) -> None:
        """Want no more answers."""
        for exchange, _ in self._sent:
            exchange.abandon()


def _touched(write: Write) -> list[str]:
    own = same_name_key(write.dn)
    if not isinstance(write, Rename):
        return [own]
    above = same_name_key(write.new_parent) if write.new_parent is not None else next(iter(ancestors(own)), "")
    rdn = same_name_key(write.new_rdn)
    return [own, f"{rdn},{above}" if above else rdn]


def _attribute(name: str, values: Sequence[bytes]) -> dict[str, object]:
    return {"type": name.encode("ascii"), "vals": list(values)}
