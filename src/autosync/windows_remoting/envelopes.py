"""SOAP envelopes of WS-Management that come from outside: refused where they are hostile, faults taken out of them."""

from typing import Final

from pypsrp.exceptions import WSManFaultError

from autosync.untrusted_xml import Choice, Limits, Node, XmlRefused, subtrees, whole
from autosync.windows_remoting.failures import hostile
from autosync.windows_remoting.target import Target

_LIMITS: Final = Limits(size=None, depth=60)
"""The size was bounded when it was received. What PowerShell says stands inside as one text."""

IDENTIFY: Final = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">'
    b"<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>"
)
"""Asks who is there (DSP0226 11); signed in, it asks whether the account is let in at all."""


def checked(data: bytes, target: Target) -> bytes:
    """Return an envelope that may be parsed. Raises ``RemotingFailed``: no entities, not too deep, XML at all."""
    try:
        for _ in subtrees(data, lambda _: Choice.SKIP, limits=_LIMITS):
            pass
    except XmlRefused as error:
        raise hostile(target, error) from None
    return data


def fault_in(data: bytes) -> WSManFaultError | None:
    """Return the fault of an envelope as pypsrp's own error, which its pipelines wait for; None where there is none."""
    root = whole(data, limits=_LIMITS)
    fault = _at(root, "Body", "Fault")
    if fault is None:
        return None
    subcode, reason = _text(_at(fault, "Code", "Subcode", "Value")), _text(_at(fault, "Reason", "Text"))
    wsman, wmi = _at(fault, "Detail", "WSManFault"), _at(fault, "Detail", "MSFT_WmiError")
    if wmi is not None:  # Windows Server 2012 and newer, for what WMI says
        said = _text(_at(wmi, "Message")) or reason
        return WSManFaultError(
            _code(_text(_at(wmi, "error_Code")), subcode), None, said, "WMI", None, _text(_at(wmi, "MessageID")) or None
        )
    if wsman is None:
        return WSManFaultError(subcode, None, reason, None, None, None)
    message = _at(wsman, "Message")
    provider = _at(message, "ProviderFault")
    return WSManFaultError(
        _code(wsman.attributes.get("Code", ""), subcode),
        wsman.attributes.get("Machine"),
        _text(message) or reason,
        provider.attributes.get("provider") if provider is not None else None,
        provider.attributes.get("path") if provider is not None else None,
        _all_text(provider) if provider is not None else None,
    )


def _code(number: str, otherwise: str) -> int | str:
    return int(number) if number.isdigit() and len(number) < 20 else otherwise


def _at(node: Node | None, *path: str) -> Node | None:
    """Return the first element at the path of names, whatever their prefixes."""
    for name in path:
        node = next((each for each in node.children if each.name.rpartition(":")[2] == name), None) if node else None
    return node


def _text(node: Node | None) -> str:
    return node.text.strip() if node is not None else ""


def _all_text(node: Node) -> str:
    """Return all text in an element: providers put what went wrong into elements of their own."""
    return " ".join(part for part in (node.text.strip(), *(_all_text(each) for each in node.children)) if part)
