"""The engine's way to write numbers, moments and ids."""

import re
from datetime import UTC, datetime
from typing import Final

_WHOLE: Final = re.compile(r"[0-9]{1,18}")
_MOMENT: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?)?Z?", re.ASCII)
_GUID: Final = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")


def whole(text: str) -> int | None:
    """Return a decimal number from 0; None where there is none."""
    found = _WHOLE.fullmatch(text.strip())
    return int(found.group()) if found else None


def moment(text: str) -> datetime | None:
    """Return a UTC time such as ``2017-01-04 23:05:00.303``; None where there is none. A date alone is its midnight."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, time, fraction = found.groups()
    try:
        read = datetime.fromisoformat(f"{day} {time or '00:00:00'}")
    except ValueError:
        return None
    return read.replace(microsecond=int((fraction or "").ljust(6, "0")[:6]), tzinfo=UTC)


def guid(text: str) -> str:
    """Return an id in lower case without braces, for comparing; empty where it is none.

    The case of one id differs inside one file (seen in exports of Entra Connect).
    """
    found = _GUID.fullmatch(text.strip())
    return found.group(1).lower() if found else ""
