"""What a directory says about its attributes and classes (RFC 4512 section 4.2), as far as a connector needs it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from autosync.directory.client import Directory
from autosync.syncengine.connectors.port import AttributeType

_TOKEN: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|([()$])|([^\s'()$]+)")
_SYNTAX: Final = {
    "1.3.6.1.4.1.1466.115.121.1.7": AttributeType.BOOLEAN,
    "1.3.6.1.4.1.1466.115.121.1.27": AttributeType.INTEGER,
    "1.2.840.113556.1.4.906": AttributeType.INTEGER,
    "1.3.6.1.4.1.1466.115.121.1.12": AttributeType.REFERENCE,
    "1.3.6.1.4.1.1466.115.121.1.5": AttributeType.BINARY,
    "1.3.6.1.4.1.1466.115.121.1.8": AttributeType.BINARY,
    "1.3.6.1.4.1.1466.115.121.1.9": AttributeType.BINARY,
    "1.3.6.1.4.1.1466.115.121.1.10": AttributeType.BINARY,
    "1.3.6.1.4.1.1466.115.121.1.28": AttributeType.BINARY,
    "1.3.6.1.4.1.1466.115.121.1.40": AttributeType.BINARY,
    "1.2.840.113556.1.4.907": AttributeType.BINARY,
}
"""RFC 4517 section 3.3, and two of Active Directory. What is not here is text."""
_TEXT_ALL_THE_SAME: Final = frozenset({"objectguid", "objectsid", "userpassword", "unicodepwd", "1.1"})
"""What has the syntax of octets, and a text that everybody knows it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeKind:
    """One attribute."""

    name: str
    type: AttributeType = AttributeType.STRING
    single: bool = False
    writable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassKind:
    """One object class: its superclasses, and the attributes that it must and may have."""

    name: str
    above: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Attributes and classes by name in lower case. Empty where the directory does not tell."""

    attributes: dict[str, AttributeKind] = field(default_factory=dict)
    classes: dict[str, ClassKind] = field(default_factory=dict)

    def attributes_of(self, name: str) -> tuple[dict[str, str], frozenset[str]]:
        """Return the attributes of a class and of those above it: spellings by lower case, and which are required."""
        found: dict[str, str] = {}
        required: set[str] = set()
        todo, seen = [name.lower()], set[str]()
        while todo:
            each = self.classes.get(todo.pop())
            if each is None or each.name.lower() in seen:
                continue
            seen.add(each.name.lower())
            todo += [above.lower() for above in each.above]
            found |= {attribute.lower(): attribute for attribute in (*each.must, *each.may)}
            required |= {attribute.lower() for attribute in each.must}
        return found, frozenset(required)


async def read_schema(directory: Directory) -> Schema:
    """Return the directory's schema; an empty one where it has none for us. Raise what a search raises."""
    root = await directory.read("", ("subschemaSubentry",))
    place = root.text("subschemaSubentry") if root else None
    if not place:
        return Schema()
    entry = await directory.read(place, ("attributeTypes", "objectClasses"))
    if entry is None:
        return Schema()
    return parse_schema(_texts(entry.values("attributeTypes")), _texts(entry.values("objectClasses")))


def parse_schema(attribute_types: Iterable[str], object_classes: Iterable[str]) -> Schema:
    """Return the schema in its descriptions. What cannot be understood is left out."""
    raw = [fields for text in attribute_types if (fields := _fields(text)).get("NAME")]
    by_name = {name.lower(): fields for fields in raw for name in (*fields["NAME"], *fields["OID"])}
    attributes = {}
    for fields in raw:
        for name in fields["NAME"]:
            attributes[name.lower()] = AttributeKind(
                name=name,
                type=_type(name, fields, by_name),
                single="SINGLE-VALUE" in fields,
                writable="NO-USER-MODIFICATION" not in fields,
            )
    classes = {}
    for text in object_classes:
        fields = _fields(text)
        for name in fields.get("NAME", ()):
            classes[name.lower()] = ClassKind(
                name=name,
                above=tuple(fields.get("SUP", ())),
                must=tuple(fields.get("MUST", ())),
                may=tuple(fields.get("MAY", ())),
            )
    return Schema(attributes=attributes, classes=classes)


def _type(name: str, fields: dict[str, list[str]], by_name: dict[str, dict[str, list[str]]]) -> AttributeType:
    """Return the type of an attribute: its own syntax, or that of the attribute that it is derived from."""
    if name.lower() in _TEXT_ALL_THE_SAME:
        return AttributeType.STRING
    for _ in range(10):
        if fields.get("SYNTAX"):
            return _SYNTAX.get(fields["SYNTAX"][0].partition("{")[0], AttributeType.STRING)
        above = by_name.get((fields.get("SUP") or [""])[0].lower())
        if above is None:
            break
        fields = above
    return AttributeType.STRING


def _fields(text: str) -> dict[str, list[str]]:
    """Return the words of a description by keyword; a keyword without words has an empty list."""
    tokens = [match[1] if match[1] is not None else match[2] or match[3] for match in _TOKEN.finditer(text)]
    quoted = [match[1] is not None for match in _TOKEN.finditer(text)]
    if tokens[:1] != ["("]:
        return {}
    fields: dict[str, list[str]] = {"OID": tokens[1:2]}
    current: list[str] = []
    depth = 1
    for token, is_text in zip(tokens[2:], quoted[2:], strict=True):
        if not is_text and token in {"(", ")", "$"}:
            depth += {"(": 1, ")": -1, "$": 0}[token]
        elif not is_text and depth == 1 and token.isupper() and len(token) > 1 and not token[0].isdigit():
            current = fields.setdefault(token, [])
        else:
            current.append(token)
    return fields


def _texts(values: Iterable[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]
