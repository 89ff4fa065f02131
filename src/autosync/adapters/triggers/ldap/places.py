"""How far a directory was read, as a token. A place belongs to one way and one question: to another it says nothing."""

import base64
import json
from dataclasses import dataclass
from hashlib import blake2b

from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.model.errors import TokenUnknown
from autosync.model.requests import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTo:
    """How far it was read: by a cookie, the number of a change in a log, or a time with the entries that have it."""

    way: Way
    question: str
    cookie: bytes = b""
    log: str = ""
    number: int = 0
    newest: str = ""
    seen: frozenset[str] = frozenset()


def question_of(options: LdapOptions) -> str:
    """Return what identifies the question: cookies of some servers hold base and filter."""
    return blake2b(f"{options.base} {options.filter!r}".encode(), digest_size=8).hexdigest()


def nothing_read(options: LdapOptions, way: Way) -> ReadTo:
    """Return the place before anything was read."""
    return ReadTo(way=way, question=question_of(options))


def token_of(place: ReadTo) -> Token:
    """Return a place as a token."""
    return json.dumps(
        {
            "way": str(place.way),
            "question": place.question,
            "cookie": base64.b64encode(place.cookie).decode("ascii"),
            "log": place.log,
            "number": place.number,
            "newest": place.newest,
            "seen": sorted(place.seen),
        }
    )


def place_of(token: Token) -> ReadTo:
    """Return the place that a token holds; raise ``TokenUnknown`` for one of another make."""
    try:
        data = json.loads(token)
        return ReadTo(
            way=Way(data["way"]),
            question=str(data["question"]),
            cookie=base64.b64decode(data["cookie"], validate=True),
            log=str(data["log"]),
            number=int(data["number"]),
            newest=str(data["newest"]),
            seen=frozenset(map(str, data["seen"])),
        )
    except (ValueError, KeyError, TypeError):
        raise TokenUnknown("the stored place is not one of an LDAP trigger") from None


def usable(place: ReadTo | None, options: LdapOptions, way: Way) -> ReadTo | None:
    """Return the place if it belongs to this way and this question, else None: the first look fires anyway."""
    same = place is not None and place.way is way and place.question == question_of(options)
    return place if same else None
