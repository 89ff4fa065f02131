"""A stand-in for SQL Server: MS-TDS 7.4 on the loopback address for the real driver, and T-SQL as far as triggers speak it.

Tables are SQLite's, so that maxima, counts and conditions are computed, not made up. ``rowversion`` grows with each change of
the database, ``min_active_rowversion()`` stops at what an open transaction has taken (rowversion, Transact-SQL reference), and
change tracking forgets when it is told to (change_tracking_min_valid_version). What is no statement of theirs is error 102.
"""

import re
import socket
import socketserver
import sqlite3
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

_PRELOGIN, _LOGIN, _BATCH, _RPC, _ATTENTION, _TRANSACTION, _REPLY = 0x12, 0x10, 0x01, 0x03, 0x06, 0x0E, 0x04
_NVARCHAR, _INTN, _BINARY, _VARBINARY, _BITN = 0xE7, 0x26, 0xAD, 0xA5, 0x68
_COLLATION: Final = bytes.fromhex("0904d00034")
_CHANGED: Final = re.compile(r"^select top 1 1 from changetable\(changes (.+), (@\w+)\) as changed$", re.IGNORECASE)
_INTEGERS: Final = {1: "b", 2: "<h", 4: "<i", 8: "<q"}


class Refused(Exception):
    """An error as the server numbers it."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


@dataclass
class Database:
    """``dbo.People`` with a rowversion, and what change tracking knows of it."""

    password: str = "Secr3t"
    name: str = "HR"
    tracked: bool = True
    may_look: bool = True
    forgotten: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    statements: list[str] = field(default_factory=list)
    _counter: int = 2000
    _tracking: int = 0
    _open: int | None = None

    def __post_init__(self) -> None:
        self._rows = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._rows.execute("attach ':memory:' as dbo")
        self._rows.execute("create table dbo.People (id integer primary key, Version blob)")
        functions: dict[str, tuple[int, Any]] = {
            "min_active_rowversion": (0, lambda: _version((self._open or self._counter) + 1)),
            "change_tracking_current_version": (0, lambda: self._tracking if self.tracked else None),
            "change_tracking_min_valid_version": (1, lambda known: self.forgotten if self.tracked and known else None),
            "object_id": (
                1,
                lambda name: 7 if name.replace("[", "").replace("]", "").lower() == "dbo.people" else None,
            ),
        }
        for name, (arguments, function) in functions.items():
            self._rows.create_function(name, arguments, function)

    def add(self) -> None:
        """Insert a row."""
        with self.lock:
            self._counter += 1
            self._tracking += 1
            self._rows.execute("insert into dbo.People (Version) values (?)", [_version(self._counter)])

    def remove(self) -> None:
        """Delete a row."""
        with self.lock:
            self._tracking += 1
            self._rows.execute("delete from dbo.People where id = (select min(id) from dbo.People)")

    def begin(self) -> int:
        """Open a transaction that has taken a rowversion, and return it; nobody sees its row yet."""
        with self.lock:
            self._open = self._counter
            self._counter += 1
            return self._counter

    def commit(self, taken: int) -> None:
        """Commit the row of the open transaction."""
        with self.lock:
            self._rows.execute("insert into dbo.People (Version) values (?)", [_version(taken)])
            self._open = None
            self._tracking += 1

    def answer(self, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement; raise ``Refused``."""
        with self.lock:
            self.statements.append(statement)
            if not self.may_look and "people" in statement.lower():
                raise Refused(
                    229, "The SELECT permission was denied on the object 'People', database 'HR', schema 'dbo'."
                )
            if changed := _CHANGED.match(" ".join(statement.split())):
                return [(1,)] if self._tracking > values[changed[2]] else []
            try:
                return self._rows.execute(statement, {name[1:]: value for name, value in values.items()}).fetchall()
            except sqlite3.Error as error:
                raise Refused(102, f"Incorrect syntax: {error}") from None


class SqlServer(socketserver.ThreadingTCPServer):
    """Listens until it is closed."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, database: Database, port: int = 0) -> None:
        self.database = database
        self.sessions: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Session)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, *, password: str | None = None, database: str | None = None) -> str:
        """Return the address for SQLAlchemy."""
        known, port = self.database, self.server_address[1]
        return f"mssql+pytds://autosync:{password or known.password}@127.0.0.1:{port}/{database or known.name}"

    def close(self) -> None:
        """Let nobody in any more, and end every session."""
        self.shutdown()
        self.server_close()
        for each in tuple(self.sessions):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Session(socketserver.StreamRequestHandler):
    server: SqlServer

    def handle(self) -> None:
        self.server.sessions.add(self.connection)
        try:
            while (asked := self._packet()) is not None:
                self._reply(asked[0], asked[1])
        except (OSError, struct.error):
            return
        finally:
            self.server.sessions.discard(self.connection)

    def _packet(self) -> tuple[int, bytes] | None:
        body = b""
        while True:
            header = self.rfile.read(8)
            if len(header) < 8:
                return None
            kind, status, length = struct.unpack(">BBH", header[:4])
            body += self.rfile.read(length - 8)
            if status & 1:
                return kind, body

    def _reply(self, kind: int, body: bytes) -> None:
        try:
            tokens = self._tokens(kind, body)
        except Refused as error:
            tokens = _error(error) + _done(0xFD, error=True)
        pieces = [tokens[at : at + 4000] for at in range(0, len(tokens), 4000)] or [b""]
        for number, piece in enumerate(pieces, start=1):
            last = number == len(pieces)
            self.wfile.write(struct.pack(">BBHHBB", _REPLY, int(last), len(piece) + 8, 0, number % 256, 0) + piece)

    def _tokens(self, kind: int, body: bytes) -> bytes:
        match kind:
            case 0x12:
                return bytes.fromhex("00 000b 0006 01 0011 0001 ff 10000000 0000 02".replace(" ", ""))
            case 0x10:
                return self._login(body)
            case 0x01:
                return self._rows(body[_headers(body) :].decode("utf-16-le"), {})
            case 0x03:
                return self._called(body)
            case 0x0E:
                return _transaction(struct.unpack_from("<H", body, _headers(body))[0])
            case 0x06:
                return struct.pack("<BHHQ", 0xFD, 0x20, 0, 0)
            case _:
                raise Refused(4002, "The incoming tabular data stream (TDS) protocol stream is incorrect.")

    def _login(self, body: bytes) -> bytes:
        def text(at: int) -> bytes:
            start, length = struct.unpack_from("<HH", body, at)
            return body[start : start + 2 * length]

        hidden = bytes(octet ^ 0xA5 for octet in text(44))
        password = bytes((octet >> 4 | octet << 4) & 0xFF for octet in hidden).decode("utf-16-le")
        user, database = text(40).decode("utf-16-le"), text(68).decode("utf-16-le")
        if password != self.server.database.password:
            raise Refused(18456, f"Login failed for user '{user}'.")
        if database != self.server.database.name:
            raise Refused(4060, f'Cannot open database "{database}" requested by the login. The login failed.')
        program = _short("Microsoft SQL Server")
        acknowledged = b"\x01" + bytes.fromhex("74000004") + program + bytes.fromhex("10000fa0")
        collation = _changed(7, b"\x05" + _COLLATION + b"\x00")
        known = (
            _changed(1, _short(database) + _short("master")) + collation + _changed(4, _short("4096") + _short("4096"))
        )
        return known + struct.pack("<BH", 0xAD, len(acknowledged)) + acknowledged + _done(0xFD)

    def _called(self, body: bytes) -> bytes:
        at = _headers(body)
        length, procedure, _ = struct.unpack_from("<HHH", body, at)
        if (length, procedure) != (0xFFFF, 10):  # sp_executesql
            raise Refused(2812, "Could not find stored procedure.")
        (_, statement), _, *values = _parameters(body, at + 6)
        return self._rows(str(statement), dict(values), ended=0xFE)

    def _rows(self, statement: str, values: dict[str, Any], ended: int = 0xFD) -> bytes:
        rows = _SESSION.get(" ".join(statement.split()).rstrip(";").lower())
        if rows is None:
            rows = self.server.database.answer(statement, values)
        columns = len(rows[0]) if rows else 1
        kinds = [_kind([row[place] for row in rows]) for place in range(columns)]
        described = b"".join(struct.pack("<IH", 0, 1) + info + _short("") for info, _ in kinds)
        found = b"".join(b"\xd1" + b"".join(kinds[at][1](value) for at, value in enumerate(row)) for row in rows)
        return b"\x81" + struct.pack("<H", columns) + described + found + _done(ended, count=len(rows))


_SESSION: Final[dict[str, list[tuple[Any, ...]]]] = {
    "select cast(serverproperty('productversion') as varchar)": [("16.0.4000.1",)],
    "select schema_name()": [("dbo",)],
    "select cast('test max support' as nvarchar(max))": [("test max support",)],
    "select @@trancount": [(0,)],
}
"""What the driver and SQLAlchemy ask of every new connection."""


def _version(number: int) -> bytes:
    return struct.pack(">Q", number)


def _headers(body: bytes) -> int:
    return int(struct.unpack_from("<I", body, 0)[0])


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _changed(kind: int, value: bytes) -> bytes:
    return struct.pack("<BHB", 0xE3, len(value) + 1, kind) + value


def _transaction(request: int) -> bytes:
    descriptor = b"\x08" + b"\x01" * 8
    begun = (
        _changed(8, descriptor + b"\x00") if request == 5 else _changed(9 if request == 7 else 10, b"\x00" + descriptor)
    )
    return begun + _done(0xFD)


def _done(token: int, *, count: int = 0, error: bool = False) -> bytes:
    return struct.pack("<BHHQ", token, 0x10 | (2 if error else 0), 0xC1, count)


def _error(error: Refused) -> bytes:
    text = str(error).encode("utf-16-le")
    body = (
        struct.pack("<IBBH", error.number, 1, 14, len(text) // 2)
        + text
        + _short("sql1")
        + _short("")
        + b"\x01\x00\x00\x00"
    )
    return struct.pack("<BH", 0xAA, len(body)) + body


def _kind(values: list[Any]) -> tuple[bytes, Any]:
    """Return how a column is described, and how one of its values is written."""
    known = next((value for value in values if value is not None), 0)
    if isinstance(known, bytes):
        return struct.pack("<BH", _BINARY, 8), _sized
    if isinstance(known, str):
        return struct.pack("<BH", _NVARCHAR, 8000) + _COLLATION, lambda value: _sized(
            None if value is None else value.encode("utf-16-le")
        )
    return bytes([_INTN, 8]), lambda value: b"\x00" if value is None else b"\x08" + struct.pack("<q", value)


def _sized(octets: bytes | None) -> bytes:
    return b"\xff\xff" if octets is None else struct.pack("<H", len(octets)) + octets


def _parameters(body: bytes, at: int) -> Iterator[tuple[str, Any]]:
    while at < len(body):
        length = body[at]
        name = body[at + 1 : at + 1 + 2 * length].decode("utf-16-le")
        kind = body[at + 2 + 2 * length]
        value, at = _value(kind, body, at + 3 + 2 * length)
        yield name, value


def _value(kind: int, body: bytes, at: int) -> tuple[Any, int]:
    if kind in {_INTN, _BITN}:
        size = body[at + 1]
        value = struct.unpack_from(_INTEGERS[size], body, at + 2)[0] if size else None
        return value, at + 2 + size
    if kind not in {_NVARCHAR, _BINARY, _VARBINARY}:
        raise Refused(102, f"no parameter of type {kind:#x} is expected here")
    most = struct.unpack_from("<H", body, at)[0]
    at += 2 + (5 if kind == _NVARCHAR else 0)
    octets, at = _pieces(body, at + 8) if most == 0xFFFF else _whole(body, at)
    return (octets.decode("utf-16-le") if kind == _NVARCHAR and octets is not None else octets), at


def _whole(body: bytes, at: int) -> tuple[bytes | None, int]:
    length = struct.unpack_from("<H", body, at)[0]
    return (None, at + 2) if length == 0xFFFF else (body[at + 2 : at + 2 + length], at + 2 + length)


def _pieces(body: bytes, at: int) -> tuple[bytes, int]:
    octets = b""
    while length := struct.unpack_from("<I", body, at)[0]:
        octets += body[at + 4 : at + 4 + length]
        at += 4 + length
    return octets, at + 4
