"""Messages to octets and back: the two functions behind which the codec hides, and what they need.

The codec is asn1tools, compiled once per process (about 0.2 s) when the first message is made or read.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from autosync.directory.asn1_module import CONTROL_VALUES, MESSAGES
from autosync.directory.errors import BadMessage

Operation = tuple[str, Any]
"""The name of an operation in the ASN.1 module, and its fields in the codec's shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control of a request or an answer (RFC 4511 section 4.1.11). A critical one is obeyed or the request refused."""

    oid: str
    critical: bool = False
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``kind`` is the operation's name in the ASN.1 module, ``content`` what it holds."""

    message_id: int
    kind: str
    content: Any
    controls: tuple[Control, ...] = ()

    def control(self, oid: str) -> bytes | None:
        """Return the value of a control; None where it is absent (or has no value)."""
        return next((each.value for each in self.controls if each.oid == oid), None)


_UNKNOWN: Final = "unknown"


@functools.cache
def _messages() -> Any:
    import asn1tools  # noqa: PLC0415 - takes a tenth of a second: only where a directory is used

    return asn1tools.compile_string(MESSAGES, "ber")


@functools.cache
def _control_values() -> Any:
    import asn1tools  # noqa: PLC0415 - see above

    return asn1tools.compile_string(CONTROL_VALUES, "ber")


@functools.cache
def _head() -> Any:
    return _messages().types["Head"].decode


@functools.cache
def _whole() -> Any:
    return _messages().types["Message"].decode


def encode(message_id: int, operation: Operation, controls: tuple[Control, ...] = ()) -> bytes:
    """Return the octets of a message."""
    message: dict[str, Any] = {"messageID": message_id, "protocolOp": operation}
    if controls:
        message["controls"] = [_control_out(each) for each in controls]
    encoded: bytes = _messages().encode("Message", message)
    return encoded


def decode_id(octets: bytes) -> int:
    """Return the message id alone, which is quick; raise ``BadMessage``."""
    try:
        found = _head()(octets)["messageID"]
    except Exception as error:  # noqa: BLE001 - the codec raises what it likes on hostile input
        raise _bad(error) from None
    if not isinstance(found, int) or not 0 <= found < 2**31:
        raise BadMessage("the directory sent a message whose id is no message id")
    return found


def decode(octets: bytes) -> Message:
    """Return the message; raise ``BadMessage`` for what is none. An operation that nobody knows has the kind ``unknown``."""
    try:
        found = _whole()(octets)
        kind, content = found["protocolOp"]
        controls = tuple(map(_control_in, found.get("controls", ())))
    except Exception as error:  # noqa: BLE001 - see above
        raise _bad(error) from None
    return Message(found["messageID"], kind or _UNKNOWN, content, controls)


def encode_value(kind: str, value: object) -> bytes:
    """Return the octets of a control's value of the kind that the ASN.1 module names."""
    encoded: bytes = _control_values().encode(kind, value)
    return encoded


def decode_value(kind: str, octets: bytes | None) -> Any:
    """Return a control's value; raise ``BadMessage``."""
    try:
        return _control_values().decode(kind, octets or b"")
    except Exception as error:  # noqa: BLE001 - see above
        raise _bad(error) from None


def _control_out(control: Control) -> Mapping[str, object]:
    written: dict[str, object] = {"controlType": control.oid.encode("ascii"), "criticality": control.critical}
    if control.value is not None:
        written["controlValue"] = control.value
    return written


def _control_in(found: Mapping[str, Any]) -> Control:
    oid = found["controlType"].decode("ascii", "replace")
    return Control(oid=oid, critical=found["criticality"], value=found.get("controlValue"))


def _bad(error: Exception) -> BadMessage:
    return BadMessage(f"the directory sent a message that cannot be read ({type(error).__name__})")
