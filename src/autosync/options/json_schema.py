"""The JSON Schema (draft 2020-12) of the file, made from the blocks that read it; what an editor completes and checks with."""

from collections.abc import Mapping
from typing import Any, Final

from autosync.options.blocks import Block, Built, Key, ListOf, NamesBeside, NamesOf
from autosync.options.shapes import Scalar
from autosync.options.typed import TYPE, TypedBlock
from autosync.ports.registry import OptionKind, Registries

Schema = dict[str, Any]

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
EXTENSION: Final = "^x-"
"""Top-level keys that are the user's own: a place for YAML anchors."""


def file_schema(root: Block, registries: Registries) -> Schema:
    """Return the schema of the whole file."""
    definitions: Schema = {}
    schema = _hoisted(block_schema(root, registries), "", definitions)
    schema["patternProperties"] = {EXTENSION: {"description": "Your own: a place for YAML anchors."}}
    return {"$schema": DRAFT, "title": "AutoSync configuration", **schema, "$defs": definitions}


def block_schema(block: Block, registries: Registries) -> Schema:
    """Return the schema of a block."""
    properties = {key.name: _key_schema(key, registries) for key in block.keys}
    required = [key.name for key in block.keys if key.required]
    return _object(properties, required, block.doc)


def shape_schema(shape: object, registries: Registries) -> Schema:
    """Return the schema of any shape."""
    match shape:
        case Scalar():
            return {**shape.schema, "description": _sentence(shape.says)}
        case Block():
            return block_schema(shape, registries)
        case Built():
            return block_schema(shape.block, registries)
        case ListOf():
            item = shape_schema(shape.item, registries)
            whole = {"type": ["array", "null"], "items": item}
            return {"anyOf": [whole, item]} if shape.one_alone else whole
        case NamesOf():
            return {"type": ["object", "null"], "additionalProperties": shape_schema(shape.item, registries)}
        case NamesBeside():
            names = shape_schema(shape.names, registries)
            return {**block_schema(shape.block, registries), "additionalProperties": names["additionalProperties"]}
        case TypedBlock():
            return _typed_schema(shape, registries)
        case _:
            raise TypeError(f"no shape: {shape!r}")


def default_of(key: Key[Any]) -> object:
    """Return the default as one would write it into the file; None where nothing is the default."""
    return key.shape.plain(key.default) if isinstance(key.shape, Scalar) and not key.required else None


def _key_schema(key: Key[Any], registries: Registries) -> Schema:
    schema = shape_schema(key.shape, registries)
    says = f" {_sentence(key.shape.says)}" if isinstance(key.shape, Scalar) else ""
    unit = f" Unit: {key.unit}." if key.unit else ""
    described = {**schema, "description": key.doc + says + unit}
    default = default_of(key)
    return described if default is None else {**described, "default": default}


def _typed_schema(shape: TypedBlock[Any], registries: Registries) -> Schema:
    kinds: Mapping[str, OptionKind] = shape.kinds(registries)
    common = block_schema(shape.common, registries)["properties"]
    variants = [_variant(shape, name, kind, common) for name, kind in sorted(kinds.items())]
    # Without its type, a block may fit several: then its name decides, which a schema cannot say.
    return (
        {"anyOf" if shape.name_is_type else "oneOf": variants}
        if variants
        else {"type": "object", "description": shape.common.doc}
    )


def _variant(shape: TypedBlock[Any], name: str, kind: OptionKind, common: Schema) -> Schema:
    own: Schema = {}
    kind_schema = _hoisted(dict(kind.json_schema()), f"{shape.what}-{name}-", own)
    type_schema = {"const": name, "description": shape.type_doc}
    schema = _object(
        {TYPE: type_schema, **common, **kind_schema.get("properties", {})},
        [*([] if shape.name_is_type else [TYPE]), *kind_schema.get("required", [])],
        str(kind_schema.get("description", shape.common.doc)),
    )
    return {**schema, "$defs": own} if own else schema


def _object(properties: Schema, required: list[str], doc: str) -> Schema:
    schema: Schema = {
        "type": "object" if required else ["object", "null"],
        "description": doc,
        "properties": properties,
        "additionalProperties": False,
    }
    return {**schema, "required": required} if required else schema


def _hoisted(schema: Any, prefix: str, definitions: Schema) -> Any:
    """Return the schema with its ``$defs`` moved to ``definitions``, their names and references prefixed."""
    if isinstance(schema, list):
        return [_hoisted(each, prefix, definitions) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved: Schema = {}
    for key, value in schema.items():
        if key == "$defs" and isinstance(value, Mapping):
            for name, each in value.items():
                definitions[prefix + name] = _hoisted(each, prefix, definitions)
        elif key == "$ref" and isinstance(value, str) and value.startswith("#/$defs/"):
            moved[key] = f"#/$defs/{prefix}{value.removeprefix('#/$defs/')}"
        else:
            moved[key] = _hoisted(value, prefix, definitions)
    return moved


def _sentence(says: str) -> str:
    return says[:1].upper() + says[1:] + "."
