"""How a value becomes text and text becomes a value, in systems that know only text."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from autosync.syncengine.connectors.port import AttributeType, Scalar

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}\Z")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1

_MISFIT: Final[Mapping[AttributeType, tuple[str, str]]] = {
    AttributeType.INTEGER: ("invalid-numeric-value", "is no 64-bit integer"),
    AttributeType.BOOLEAN: ("invalid-boolean-value", "is neither a true word nor a false word"),
    AttributeType.BINARY: ("invalid-base64-value", "is not base64"),
}


class ValueMisfit(ValueError):
    """A text that is no value of its type; ``error_type`` is the engine's word for it (MIM: discovery errors)."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanWords:
    """The words for true and false, compared without case. The first of each is what is written."""

    true: tuple[str, ...] = ("true", "1", "yes", "y")
    false: tuple[str, ...] = ("false", "0", "no", "n")

    def table(self) -> dict[str, bool]:
        """Return the value of each word, in lower case."""
        words = dict.fromkeys((word.casefold() for word in self.false), False)
        return words | dict.fromkeys((word.casefold() for word in self.true), True)


def text_decoder(kind: AttributeType, words: BooleanWords) -> Callable[[str], Scalar] | None:
    """Return a function from text to a value of ``kind`` that raises ``ValueMisfit``; None where text stays text."""
    match kind:
        case AttributeType.STRING | AttributeType.REFERENCE:
            return None
        case AttributeType.INTEGER:
            return _integer
        case AttributeType.BINARY:
            return _binary
        case AttributeType.BOOLEAN:
            table = words.table()

            def boolean(text: str) -> Scalar:
                try:
                    return table[text.casefold()]
                except KeyError:
                    raise misfit(AttributeType.BOOLEAN, text) from None

            return boolean


def text_encoder(words: BooleanWords) -> Callable[[Scalar], str]:
    """Return a function from a value to its text."""
    true, false = words.true[0], words.false[0]

    def encode(value: Scalar) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return true if value else false
        if isinstance(value, bytes):
            return base64.b64encode(value).decode("ascii")
        return str(value)

    return encode


def misfit(kind: AttributeType, text: str) -> ValueMisfit:
    """Return the error for a text that is no value of ``kind``. The text is shown cut to 40 characters."""
    error_type, reason = _MISFIT[kind]
    shown = text if len(text) <= 40 else text[:40] + "…"
    return ValueMisfit(error_type, f"{shown!r} {reason}")


def _integer(text: str) -> Scalar:
    # int() alone would take "1_000", " 7" and digits of other scripts.
    if _INTEGER.match(text) and _SMALLEST <= (number := int(text)) <= _LARGEST:
        return number
    raise misfit(AttributeType.INTEGER, text)


def _binary(text: str) -> Scalar:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise misfit(AttributeType.BINARY, text) from None
