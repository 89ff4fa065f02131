"""Whether a secret itself stands in the file, where its kind does not look: revisions store the file's whole text."""

import re
from collections.abc import Iterator
from typing import Final

from autosync.config.mistakes import Path
from autosync.ports.secrets import HOW_TO_REFER, secret_reference

KEYS: Final = frozenset({"password", "passphrase", "client-secret", "api-key"})
"""Keys that hold secrets in blocks that say how to reach something."""

_REACHING: Final = frozenset({"connector", "connection", "sign-in"})
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s:]*:[^/@\s]+@")


def literal_secrets(data: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield each secret's path and a message that does not repeat it.

    In mappings of the user's own (attribute flows) ``password`` may be the name of an attribute: they are left alone.
    """
    if isinstance(data, dict):
        for key, value in data.items():
            here = (*path, key)
            if key in KEYS and _reaches_something(path) and (message := _message(value)):
                yield here, message
            else:
                yield from literal_secrets(value, here)
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from literal_secrets(value, (*path, place))
    elif isinstance(data, str) and _ADDRESS.match(data):
        yield path, f"a password stands in this address; leave it out: {HOW_TO_REFER}"


def _reaches_something(path: Path) -> bool:
    match path:
        case ("engines" | "notify", _) | ("agents", _, "triggers", int()):
            return True
        case (*_, str(last)):
            return last in _REACHING
        case _:
            return False


def _message(value: object) -> str:
    try:
        secret_reference(value)
    except ValueError as error:
        return str(error)
    return ""
