"""Distinguished names: read, written and compared (RFC 4514, RFC 4518 as far as it can be without the schema)."""

import re
from typing import Final, TypeAlias

from autosync.directory.errors import BadName

Part: TypeAlias = tuple[str, str | bytes]
"""An attribute's name and value; octets where the value is written ``#hex``: the BER encoding of something else."""

Rdn: TypeAlias = tuple[Part, ...]
"""A relative name: usually one part, sometimes several joined by ``+``."""

Name: TypeAlias = tuple[Rdn, ...]
"""A name, the entry's own part first. The root is the empty name."""

_TYPE: Final = re.compile(r" *([A-Za-z][A-Za-z0-9-]*|(?:[Oo][Ii][Dd]\.)?[0-9]+(?:\.[0-9]+)*) *= *")
_PIECE: Final = re.compile(r'[^\\,;+"<>\0]+|\\[0-9A-Fa-f]{2}|\\[\\,;+"<>#= ]')
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HEX: Final = re.compile(r"#((?:[0-9A-Fa-f]{2})+)")
_SPECIAL: Final = frozenset('\\,;+"<>')
_ALIASES: Final = {
    "2.5.4.3": "cn", "commonname": "cn", "2.5.4.11": "ou", "organizationalunitname": "ou", "2.5.4.10": "o",
    "organizationname": "o", "0.9.2342.19200300.100.1.25": "dc", "domaincomponent": "dc",
    "0.9.2342.19200300.100.1.1": "uid", "userid": "uid", "2.5.4.6": "c", "countryname": "c", "2.5.4.7": "l",
    "localityname": "l", "2.5.4.8": "st", "stateorprovincename": "st", "2.5.4.4": "sn", "surname": "sn",
}  # fmt: skip


def parse_name(text: str) -> Name:
    """Return the name that a text means; raise ``BadName``."""
    if not text.strip(" "):
        return ()
    rdns: list[Rdn] = []
    parts: list[Part] = []
    at = 0
    while True:
        found = _TYPE.match(text, at)
        if found is None:
            raise BadName(f"{text!r} is no distinguished name: expected attribute=value at character {at + 1}")
        value, at = _value(text, found.end())
        parts.append((found[1], value))
        sign = text[at : at + 1]
        at += 1
        if sign == "+":
            continue
        rdns.append(tuple(parts))
        parts = []
        if not sign:
            return tuple(rdns)


def render_name(name: Name) -> str:
    """Return the text of a name, as short as RFC 4514 allows."""
    return ",".join("+".join(f"{kind}={_escaped(value)}" for kind, value in rdn) for rdn in name)


def render_rdn(rdn: Rdn) -> str:
    """Return the text of a relative name."""
    return render_name((rdn,))


def escape_value(value: str) -> str:
    """Return a value as it may stand in a name."""
    return _escaped(value)


def same_name_key(text: str) -> str:
    """Return a text that is equal for names that a directory takes for the same; raise ``BadName``.

    Case and insignificant spaces do not count, nor does the order of the parts of a relative name.
    """
    plain = text.lower()
    if plain.isascii() and "\\" not in plain and '"' not in plain and "  " not in plain and _is_plain(plain):
        return plain
    return render_name(normal_name(parse_name(text)))


def normal_name(name: Name) -> Name:
    """Return the name in the form in which equal names are equal."""
    return tuple(_sorted_rdn(rdn) for rdn in name)


def parent_of(text: str) -> str:
    """Return the parent's name as it is written; raise ``BadName``. The parent of a single part is the root, ``""``."""
    return split_name(text)[1]


def split_name(text: str) -> tuple[str, str]:
    """Return the entry's own part and its parent's name, both as they are written; raise ``BadName``."""
    name = parse_name(text)
    if not name:
        raise BadName("the root has no parent")
    if len(name) == 1:
        return text, ""
    at = _commas(text)[0]
    return text[:at].rstrip(), text[at + 1 :].lstrip()


def ancestors(key: str) -> list[str]:
    """Return the names above a name, nearest first; ``key`` is a ``same_name_key``."""
    return [key[cut + 1 :] for cut in _commas(key)]


def is_within(key: str, base_key: str) -> bool:
    """Return whether a name is ``base_key`` or below it; both are ``same_name_key``s."""
    return not base_key or key == base_key or key.endswith("," + base_key)


def _sorted_rdn(rdn: Rdn) -> Rdn:
    parts = [(_type_key(kind), _value_key(value)) for kind, value in rdn]
    return tuple(sorted(parts, key=lambda part: (part[0], str(part[1]))))


def _commas(text: str) -> list[int]:
    found, at, quoted = [], 0, False
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif letter == '"':
            quoted = not quoted
        elif letter in ",;" and not quoted:
            found.append(at)
        at += 1
    return found


def _value(text: str, at: int) -> tuple[str | bytes, int]:
    """Return a value and where it ends: at a comma, a plus or the end."""
    for form in (_QUOTED, _HEX):
        found = form.match(text, at)
        if found is not None:
            end = len(text) - len(text[found.end() :].lstrip(" "))
            if text[end : end + 1] in {"", ",", ";", "+"}:
                return (re.sub(r"\\(.)", r"\1", found[1]) if form is _QUOTED else bytes.fromhex(found[1])), end
    octets, kept, begin = bytearray(), 0, at
    while (piece := _PIECE.match(text, at)) is not None:
        raw = piece[0]
        escaped = raw[0] == "\\"
        if not escaped:
            octets += raw.encode("utf-8", "surrogatepass")
        else:
            octets += raw[1:].encode("utf-8") if len(raw) == 2 else bytes.fromhex(raw[1:])
            kept = len(octets)
        at = piece.end()
    if text[at : at + 1] not in {"", ",", ";", "+"}:
        raise BadName(f"{text!r} is no distinguished name: {text[at]!r} at character {at + 1} must be escaped")
    trimmed = bytes(octets[:kept]) + bytes(octets[kept:]).rstrip(b" ")
    try:
        return trimmed.decode("utf-8"), at
    except UnicodeDecodeError:
        raise BadName(f"{text!r} is no distinguished name: the value at character {begin + 1} is no text") from None


def _escaped(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return "#" + value.hex()
    last = len(value) - 1
    return "".join(
        f"\\{letter}" if letter in _SPECIAL or (at == 0 and letter in " #") or (at == last and letter == " ")
        else f"\\{ord(letter):02x}" if letter < " " else letter
        for at, letter in enumerate(value)
    )  # fmt: skip


def _type_key(kind: str) -> str:
    lower = kind.lower().removeprefix("oid.")
    return _ALIASES.get(lower, lower)


def _value_key(value: str | bytes) -> str | bytes:
    if isinstance(value, bytes):
        return value
    return " ".join(filter(None, value.casefold().split(" "))) if " " in value else value.casefold()


def _is_plain(lower: str) -> bool:
    """Return whether a text is a name in normal form but for the order of ``+``: the quick and usual case."""
    if "+" in lower or ";" in lower or "#" in lower or ", " in lower or " =" in lower or "= " in lower:
        return False
    for rdn in lower.split(","):
        kind, equals, value = rdn.partition("=")
        if not equals or not value or kind in _ALIASES or not kind.replace("-", "").isalnum() or value[-1] == " ":
            return False
        if rdn[0] == " " or not _PIECE.fullmatch(value):
            return False
    return True
