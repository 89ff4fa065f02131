"""What the journal keeps of a body: short, and without what looks like a secret."""

import json
import re
from collections.abc import Mapping
from typing import Final

LONGEST: Final = 4000
"""Characters."""
_MASK: Final = "***"
_SECRET_NAMES: Final = re.compile(
    r"pass(word|wd|phrase|code)|secret|token|credential|authorization|api.?key|private.?key|\bpin\b|^pwd$",
    re.IGNORECASE,
)
_SECRET_PATHS: Final = ("path", "name", "type")
_DEEPEST: Final = 20


def evidence_of(body: bytes) -> str:
    """Return the JSON with secrets masked; of anything else its size alone, since nobody knows what stands in it."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return f"{len(body):,} bytes that are no JSON"
    written = json.dumps(_masked(data), ensure_ascii=False, separators=(",", ":"))
    text = written.encode("utf-8", "replace").decode("utf-8")  # JSON can hold halves of letters; the journal cannot
    return text if len(text) <= LONGEST else text[:LONGEST] + f"… ({len(text):,} characters)"


def summary_of(body: bytes) -> str:
    """Return what came, for people; no values."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return f"{len(body):,} bytes"
    if isinstance(data, dict):
        schemas = data.get("schemas")
        if isinstance(schemas, list) and any("scim" in str(each).lower() for each in schemas):
            operations = data.get("Operations")
            return f"SCIM, {len(operations)} operations" if isinstance(operations, list) else "a SCIM resource"
    return f"{len(body):,} bytes of JSON"


def _masked(value: object, depth: int = 0) -> object:
    if depth > _DEEPEST:
        return _MASK
    if isinstance(value, list):
        return [_masked(each, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    hides = _names_a_secret(value)
    return {
        name: _MASK if _SECRET_NAMES.search(name) or (hides and name == "value") else _masked(each, depth + 1)
        for name, each in value.items()
    }


def _names_a_secret(value: Mapping[str, object]) -> bool:
    """Return whether the ``value`` beside is one: ``{"op": "replace", "path": "password", "value": …}``."""
    return any(_SECRET_NAMES.search(str(value.get(name, ""))) for name in _SECRET_PATHS)
