"""What a plain scalar of YAML means: the core schema of YAML 1.2, stricter where YAML is known to surprise.

``yes``, ``no``, ``on`` and ``off`` are texts (Norway), ``10:30`` and ``2026-01-31`` too, and a number with a leading zero
(an employee's) keeps its zero.
"""

import math
import re
from typing import Final

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_WHOLE: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FRACTION: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})?(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")
_DIGIT: Final = re.compile("[0-9]")


def plain_value(text: str) -> str | int | float | bool | None:
    """Return what a scalar without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text) and _DIGIT.search(text) and text[-1] not in "eE":
        number = _as_float(text)
        return text if number is None else number
    return text


def _as_float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:  # an exponent without digits before it
        return None
    return number if math.isfinite(number) else None
