"""Elements by namespace and local name: the predecessor's serializer may choose any prefix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from autosync.untrusted_xml import Node

PRODUCT: Final = "http://schemas.datacontract.org/2004/07/Lithnet.Miiserver.AutoSync"
ARRAYS: Final = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"

_NO_SCOPE: Final[Mapping[str, str]] = {"xml": "http://www.w3.org/XML/1998/namespace"}


@dataclass(slots=True)
class Element:
    """One element with its names resolved."""

    space: str
    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    """Those without a namespace."""
    is_nil: bool = False
    type: str = ""
    """The local name of ``xsi:type``; empty where there is none."""
    children: "list[Element]" = field(default_factory=list)


def resolved(node: Node, scope: Mapping[str, str] = _NO_SCOPE) -> Element:
    """Return the element with all names resolved by the declarations in force; an undeclared prefix is no namespace."""
    declared = {name.removeprefix("xmlns:"): uri for name, uri in node.attributes.items() if name.startswith("xmlns:")}
    if "xmlns" in node.attributes:
        declared[""] = node.attributes["xmlns"]
    if declared:
        scope = {**scope, **declared}
    space, name = _split(node.name, scope, default=scope.get("", ""))
    element = Element(space=space, name=name, text=node.text.strip())
    for written, value in node.attributes.items():
        _attribute(element, written, value, scope)
    element.children = [resolved(child, scope) for child in node.children]
    return element


def _attribute(element: Element, written: str, value: str, scope: Mapping[str, str]) -> None:
    if written == "xmlns" or written.startswith("xmlns:"):
        return
    space, name = _split(written, scope, default="")
    if space == INSTANCE and name == "nil":
        element.is_nil = value.strip() in {"true", "1"}
    elif space == INSTANCE and name == "type":
        _, element.type = _split(value.strip(), scope, default="")
    elif not space:
        element.attributes[name] = value


def _split(name: str, scope: Mapping[str, str], *, default: str) -> tuple[str, str]:
    prefix, colon, local = name.rpartition(":")
    return (scope.get(prefix, ""), local) if colon else (default, name)
