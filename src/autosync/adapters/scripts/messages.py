"""The lines between AutoSync and the interpreter of a script: a JSON object each, pure ASCII, so that no code page matters."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from autosync.adapters.scripts.script import Function

PROTOCOL: Final = 1
LONGEST_LINE: Final = 8 * 1024 * 1024
"""Bytes; a script that gives more at once is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The process can be asked."""

    version: str
    """Of the language, for people."""
    refusal: str = ""
    """Why it cannot work here; empty where it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something for the log."""

    stream: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One output of a call."""

    call: int
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The answer to a ping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a call failed, and where."""

    message: str
    type: str = ""
    file: str = ""
    line: int | None = None
    stops_all: bool | None = None
    """Set where it is an ``UnexpectedChange``."""

    def __str__(self) -> str:
        """Return one sentence, with the place before it."""
        place = ":".join(part for part in (self.file, str(self.line or "")) if part)
        return f"{place}: {self.message}" if place else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call came to its end."""

    call: int
    functions: tuple[Function, ...] = ()
    """After a load."""
    fault: Fault | None = None


Message: TypeAlias = Ready | Said | Value | Alive | Ended


def encode(operation: str, **fields: object) -> bytes:
    """Return a line for the process."""
    return json.dumps({"op": operation, **fields}, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def marked(text: str | None) -> str | None:
    """Return a text as the process gets it: with a mark before it, since PowerShell makes moments of what looks like one."""
    return None if text is None else f"={text}"


def decode(line: bytes) -> Message | None:
    """Return what a line says; None for everything that is not ours: a program that the script started may write, too."""
    if not line.startswith(b"{"):
        return None
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return _message(data) if isinstance(data, dict) else None


def _message(data: Mapping[str, object]) -> Message | None:
    match data:
        case {"ready": bool(good), "protocol": int()}:
            return Ready(version=_text(data, "version"), refusal="" if good else _text(data, "reason") or "refused")
        case {"pong": True}:
            return Alive()
        case {"stream": str(stream), "data": str(text)}:
            return Said(stream=stream, text=text)
        case {"id": int(call), "ok": True}:
            return Ended(call=call, functions=_functions(data.get("functions")))
        case {"id": int(call), "ok": False}:
            return Ended(call=call, fault=_fault(data.get("error")))
        case {"id": int(call), "value": value}:
            return Value(call=call, value=value)
        case _:
            return None


def _functions(found: object) -> tuple[Function, ...]:
    items = found if isinstance(found, list) else [found]
    return tuple(
        Function(name=item["name"], parameters=tuple(map(str, _listed(item.get("parameters")))))
        for item in items
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    )


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else [] if found is None else [found]


def _fault(found: object) -> Fault:
    if not isinstance(found, dict):
        return Fault(message="failed without a word")
    line, stops = found.get("line"), found.get("stops_all")
    return Fault(
        message=_text(found, "message") or "failed without a word",
        type=_text(found, "type"),
        file=_text(found, "file"),
        line=line if isinstance(line, int) and line > 0 else None,
        stops_all=stops if isinstance(stops, bool) else None,
    )


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value.strip() if isinstance(value, str) else ""
