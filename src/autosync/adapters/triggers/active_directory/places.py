"""How far a trigger has read in which directory, as a token."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from autosync.model.errors import TokenUnknown
from autosync.model.requests import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """One copy of the directory: its settings object, and the id of its database, which a restored one changes."""

    settings: str
    invocation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTo:
    """How far it was read. DirSync has one cookie for all controllers; update sequence numbers count in each by itself."""

    cookie: bytes = b""
    usns: Mapping[str, int] = field(default_factory=dict)
    """The highest number that was read, by invocation id."""
    invocations: Mapping[str, str] = field(default_factory=dict)
    """The invocation id under which each controller (by its settings object) was last seen."""

    def was_restored(self, controller: Controller) -> bool:
        """Return whether a controller has another database than when it was last seen."""
        known = self.invocations.get(controller.settings)
        return known is not None and known != controller.invocation


def token_of(place: ReadTo) -> Token:
    """Return a place as a token."""
    cookie = base64.b64encode(place.cookie).decode("ascii")
    return json.dumps({"cookie": cookie, "usns": dict(place.usns), "invocations": dict(place.invocations)})


def place_of(token: Token) -> ReadTo:
    """Return the place that a token holds; raise ``TokenUnknown`` for one of another make."""
    try:
        data = json.loads(token)
        return ReadTo(
            cookie=base64.b64decode(data["cookie"], validate=True),
            usns={str(name): int(usn) for name, usn in data["usns"].items()},
            invocations={str(name): str(each) for name, each in data["invocations"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TokenUnknown("the stored place is not one of an Active Directory trigger") from None
