"""As much of JSON Schema (draft 2020-12) as the configuration's schema uses, so that the tests need no library for it."""

import re
from typing import Any

KNOWN = frozenset({
    "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "description", "enum", "items",
    "maximum", "maxProperties", "minimum", "minItems", "minLength", "minProperties", "oneOf", "pattern", "patternProperties",
    "properties", "required", "title", "type",
})  # fmt: skip
_TYPES: dict[str, Any] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def fits(value: Any, schema: Any, root: Any) -> bool:
    """Return whether a value is valid; fail on a keyword that is not known here."""
    if isinstance(schema, bool):
        return schema
    assert set(schema) <= KNOWN, f"unknown keywords: {set(schema) - KNOWN}"
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        if not fits(value, target, root):
            return False
    return _single(value, schema) and _choices(value, schema, root) and _inside(value, schema, root)


def _single(value: Any, schema: Any) -> bool:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_TYPES[each](value) for each in types):
        return False
    if ("const" in schema and value != schema["const"]) or ("enum" in schema and value not in schema["enum"]):
        return False
    if isinstance(value, str):
        return len(value) >= schema.get("minLength", 0) and re.search(schema.get("pattern", ""), value) is not None
    if _TYPES["number"](value):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True


def _choices(value: Any, schema: Any, root: Any) -> bool:
    if "anyOf" in schema and not any(fits(value, each, root) for each in schema["anyOf"]):
        return False
    return "oneOf" not in schema or sum(fits(value, each, root) for each in schema["oneOf"]) == 1


def _inside(value: Any, schema: Any, root: Any) -> bool:
    if isinstance(value, list):
        return len(value) >= schema.get("minItems", 0) and all(
            fits(each, schema.get("items", True), root) for each in value
        )
    if not isinstance(value, dict):
        return True
    if not set(schema.get("required", [])) <= set(value):
        return False
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
        return False
    return all(fits(each, _property(key, schema), root) for key, each in value.items())


def _property(key: str, schema: Any) -> Any:
    if key in schema.get("properties", {}):
        return schema["properties"][key]
    for pattern, each in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return each
    return schema.get("additionalProperties", True)
