"""WS-Management envelopes from the server's side: requests taken apart, answers and faults put together.

Codes of faults are those of ``wsmerror.h``; that a fault travels with HTTP status 500 is from MS-WSMV.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import Final
from uuid import UUID

SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
ENUMERATION: Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
TRANSFER: Final = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
SHELL: Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
FAULT: Final = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
IDENTITY: Final = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
NIL: Final = "http://www.w3.org/2001/XMLSchema-instance"

_WMI_ERROR: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/MSFT_WmiError"
_DURATION: Final = re.compile(r"P(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)", re.ASCII)
_LARGEST: Final = 8 * 1024 * 1024
_NO_ID: Final = UUID(int=0)


class Trouble(Enum):
    """Why a request gets a fault: code, whose fault it is, subcode, what it says, and whether WMI says so."""

    TIMED_OUT = (
        2150858793,
        "s:Receiver",
        "w:TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
    )
    ACCESS_DENIED = (5, "s:Sender", "w:AccessDenied", "Access is denied.")
    WMI_DENIED = (2150859012, "s:Sender", "w:AccessDenied", "The WMI service returned an 'access denied' error.", True)
    PROVIDER_DENIED = (
        2150859013,
        "s:Sender",
        "w:AccessDenied",
        "The WMI provider returned an 'access denied' error.",
        True,
    )
    NO_NAMESPACE = (2147749902, "s:Receiver", "w:InternalError", "The WMI service says: invalid namespace.", True)
    NOT_FOUND = (
        2150858752,
        "s:Sender",
        "wsa:DestinationUnreachable",
        "The service cannot find the resource identified by the resource URI and selectors.",
        True,
    )
    NO_RESOURCE = (2150858811, "s:Sender", "wsa:DestinationUnreachable", "The resource URI was not found.")
    BAD_ACTION = (2150858753, "s:Sender", "wsa:ActionNotSupported", "The service does not support the action.")
    BAD_BODY = (2150858791, "s:Sender", "w:SchemaValidationError", "The SOAP body is not valid.")
    BAD_FILTER = (2150858778, "s:Sender", "wsen:CannotProcessFilter", "The service cannot process the filter.", True)
    BAD_CONTEXT = (
        2150858779,
        "s:Receiver",
        "wsen:InvalidEnumerationContext",
        "The supplied enumeration context is not valid.",
    )
    TOO_LARGE = (
        2150858824,
        "s:Sender",
        "w:EncodingLimit",
        "The answer is larger than the maximum envelope size that was asked for, or than the server allows.",
    )
    PROVIDER = (2147749907, "s:Receiver", "w:InternalError", "The WMI provider could not be loaded.", True)
    NO_SHELL = (
        2150858843,
        "s:Sender",
        "w:InvalidSelectors",
        "The request for the Windows Remote Shell failed because the shell was not found on the server.",
    )
    TOO_MANY_SHELLS = (
        2150859173,
        "s:Receiver",
        "w:QuotaLimit",
        "This user has reached the maximum number of concurrent shells.",
    )

    def __init__(self, number: int, side: str, subcode: str, text: str, is_wmi: bool = False) -> None:  # noqa: FBT001, FBT002
        self.number = number
        self.side = side
        self.subcode = subcode
        self.text = text
        self.is_wmi = is_wmi


class Faulted(Exception):
    """The request gets a fault."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(detail or trouble.text)
        self.trouble = trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, taken apart."""

    action: str
    resource: str
    selectors: Mapping[str, str]
    message_id: str
    timeout_s: float | None
    largest: int
    """The largest answer that the client takes, in bytes."""
    session: str
    body: ET.Element | None
    """What is in the body; None: nothing."""


def request_of(data: bytes) -> Request | None:
    """Return a request; None for ``Identify``. Raises ``Faulted`` where it is no envelope."""
    if b"<!" in data:
        raise Faulted(Trouble.BAD_BODY, "declarations are refused")
    try:
        envelope = ET.fromstring(data)  # noqa: S314 (no declarations, hence no entities; and a stand-in)
    except ET.ParseError as error:
        raise Faulted(Trouble.BAD_BODY, str(error)) from None
    header, body = envelope.find(f"{{{SOAP}}}Header"), envelope.find(f"{{{SOAP}}}Body")
    content = next(iter(body), None) if body is not None else None
    if content is not None and content.tag == f"{{{IDENTITY}}}Identify":
        return None
    if header is None:
        raise Faulted(Trouble.BAD_BODY, "the envelope has no header")
    selectors = header.iterfind(f"{{{WSMAN}}}SelectorSet/{{{WSMAN}}}Selector")
    return Request(
        action=header.findtext(f"{{{ADDRESSING}}}Action", ""),
        resource=header.findtext(f"{{{WSMAN}}}ResourceURI", ""),
        selectors={each.get("Name", "").casefold(): each.text or "" for each in selectors},
        message_id=header.findtext(f"{{{ADDRESSING}}}MessageID", ""),
        timeout_s=seconds_of(header.findtext(f"{{{WSMAN}}}OperationTimeout")),
        largest=int(header.findtext(f"{{{WSMAN}}}MaxEnvelopeSize", "") or _LARGEST),
        session=header.findtext("{http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd}SessionId", ""),
        body=content,
    )


def seconds_of(text: str | None) -> float | None:
    """Return the seconds of ``PT20S``; None where there are none."""
    found = _DURATION.fullmatch(text or "")
    if found is None:
        return None
    hours, minutes, seconds = (float(each or 0) for each in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def answer(request: Request, body: str, *, action: str = "") -> bytes:
    """Return the answer with what stands in its body. Raises ``Faulted`` where it is larger than the client takes."""
    said = action or f"{request.action}Response"
    written = _envelope(said, request.message_id, body)
    if len(written) > request.largest:
        raise Faulted(Trouble.TOO_LARGE)
    return written


def fault(request: Request | None, faulted: Faulted, machine: str) -> bytes:
    """Return the envelope of a fault. What WMI says has another detail: its own error object, code inside."""
    trouble, text = faulted.trouble, escape(str(faulted))
    detail = _wmi_error(trouble, text) if trouble.is_wmi else _wsman_fault(trouble, text, machine)
    body = (
        f"<s:Fault><s:Code><s:Value>{trouble.side}</s:Value><s:Subcode><s:Value>{trouble.subcode}</s:Value></s:Subcode>"
        f'</s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>'
    )
    return _envelope(f"{ADDRESSING}/fault", request.message_id if request else "", body)


def _wsman_fault(trouble: Trouble, text: str, machine: str) -> str:
    return (
        f'<f:WSManFault xmlns:f="{FAULT}" Code="{trouble.number}" Machine="{escape(machine)}">'
        f"<f:Message>{text}</f:Message></f:WSManFault>"
    )


def _wmi_error(trouble: Trouble, text: str) -> str:
    """Return the detail that Windows Server 2012 and later write for errors of WMI (seen in what clients look for)."""
    return (
        f'<p:MSFT_WmiError xmlns:p="{_WMI_ERROR}" xsi:type="p:MSFT_WmiError_Type"><p:Message>{text}</p:Message>'
        f"<p:MessageID>HRESULT 0x{trouble.number:08x}</p:MessageID><p:error_Code>{trouble.number}</p:error_Code>"
        f"<p:error_Type>HRESULT</p:error_Type><p:error_WindowsErrorMessage>{text}</p:error_WindowsErrorMessage>"
        "</p:MSFT_WmiError>"
    )


def identity() -> bytes:
    """Return the answer to ``Identify``, which anybody gets."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body><i:IdentifyResponse xmlns:i="{IDENTITY}">'
        f"<i:ProtocolVersion>{WSMAN}</i:ProtocolVersion><i:ProductVendor>Microsoft Corporation</i:ProductVendor>"
        "<i:ProductVersion>OS: 0.0.0 SP: 0.0 Stack: 3.0</i:ProductVersion></i:IdentifyResponse></s:Body></s:Envelope>"
    ).encode()


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        f'<s:Envelope xml:lang="en-US" xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}" xmlns:wsa="{ADDRESSING}" '
        f'xmlns:w="{WSMAN}" xmlns:n="{ENUMERATION}" xmlns:wsen="{ENUMERATION}" xmlns:x="{TRANSFER}" xmlns:rsp="{SHELL}" '
        f'xmlns:xsi="{NIL}"><s:Header><a:Action>{escape(action)}</a:Action>'
        f"<a:MessageID>uuid:{_NO_ID}</a:MessageID><a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header>"
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
