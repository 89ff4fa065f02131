"""WMI over WS-Management (MS-WSMV): instances, queries and methods. Names and values go into elements, never into text."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pypsrp.exceptions import WinRMError
from pypsrp.wsman import NAMESPACES, SelectorSet, WSMan

from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.failures import Cause, RemotingFailed, told
from autosync.windows_remoting.wql import legal

_WMI: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_ENUMERATION: Final = f"{{{NAMESPACES['wsen']}}}"
_WSMAN: Final = f"{{{NAMESPACES['wsman']}}}"
_NIL: Final = f"{{{NAMESPACES['xsi']}}}nil"
_PART: Final = 200
"""Instances asked for at once; the server sends as many as fit into an envelope."""
_MOST_PARTS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cim:
    """One WMI namespace of a server, over a connection: for the connection's thread, each request with its time limit."""

    connection: Connection
    namespace: str
    """With slashes: ``root/cimv2``."""
    limit_s: int

    def instance(self, of: str, keys: Mapping[str, str]) -> dict[str, str]:
        """Return the properties of an instance. Raises ``RemotingFailed``: ``NOT_FOUND`` where there is none."""
        body = self._asked(lambda wsman: wsman.get(self._uri(of), None, None, _selectors(keys), self.limit_s))
        found = next(iter(body), None)
        if found is None:
            raise self._empty()
        return _properties(found)

    def query(self, wql: str) -> Iterator[dict[str, str]]:
        """Yield the properties of every instance that fits; values in ``wql`` must have gone through ``wql.quoted``."""
        uri = self._uri("*")
        ask = ET.Element(f"{_ENUMERATION}Enumerate")
        ET.SubElement(ask, f"{_WSMAN}OptimizeEnumeration")
        ET.SubElement(ask, f"{_WSMAN}MaxElements").text = str(_PART)
        ET.SubElement(ask, f"{_WSMAN}Filter", Dialect=_WQL).text = wql
        body = self._asked(lambda wsman: wsman.enumerate(uri, ask, None, None, self.limit_s))
        for _ in range(_MOST_PARTS):
            yield from (_properties(each) for each in _items(body))
            context = _context(body)
            if not context:
                return
            body = self._pulled(uri, context)

    def call(self, of: str, keys: Mapping[str, str], method: str, arguments: Mapping[str, str]) -> str:
        """Call a method of an instance and return its ``ReturnValue``; empty where it is null."""
        uri = self._uri(of)
        given = ET.Element(f"{{{uri}}}{method}_INPUT")
        for name, value in arguments.items():
            ET.SubElement(given, f"{{{uri}}}{name}").text = legal(value)
        envelope = self._asked(
            lambda wsman: wsman.invoke(f"{uri}/{method}", uri, given, None, _selectors(keys), self.limit_s)
        )
        output = envelope.find(f"{{{NAMESPACES['s']}}}Body/{{*}}{method}_OUTPUT/{{*}}ReturnValue")
        if output is None:
            raise self._empty()
        return _text(output)

    def _pulled(self, uri: str, context: str) -> ET.Element:
        ask = ET.Element(f"{_ENUMERATION}Pull")
        ET.SubElement(ask, f"{_ENUMERATION}EnumerationContext").text = context
        ET.SubElement(ask, f"{_ENUMERATION}MaxElements").text = str(_PART)
        return self._asked(lambda wsman: wsman.pull(uri, ask, None, None, self.limit_s))

    def _asked(self, ask: Callable[[WSMan], ET.Element]) -> ET.Element:
        try:
            return ask(self.connection.wsman)
        except WinRMError as error:
            raise told(error, self.connection.target) from None

    def _uri(self, of: str) -> str:
        return f"{_WMI}/{self.namespace}/{of}"

    def _empty(self) -> RemotingFailed:
        return RemotingFailed(
            Cause.SERVER, f"{self.connection.target.name} answered without an answer in it", carried_out=True
        )


def _selectors(keys: Mapping[str, str]) -> SelectorSet:
    selectors = SelectorSet()
    for name, value in keys.items():
        selectors.add_option(name, legal(value))
    return selectors


def _items(body: ET.Element) -> Iterator[ET.Element]:
    """Yield the instances of an answer: in the namespace of WS-Management or of WS-Enumeration."""
    for items in body.iterfind("*/{*}Items"):
        yield from items


def _context(body: ET.Element) -> str:
    """Return what the next part is asked for with; empty at the end."""
    if body.find("*/{*}EndOfSequence") is not None:
        return ""
    return _text(body.find("*/{*}EnumerationContext")).strip()


def _properties(instance: ET.Element) -> dict[str, str]:
    return {each.tag.rpartition("}")[2]: _text(each) for each in instance}


def _text(element: ET.Element | None) -> str:
    if element is None or element.get(_NIL) in {"true", "1"}:
        return ""
    return "".join(element.itertext())
