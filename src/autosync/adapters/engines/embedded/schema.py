"""The JSON Schema of an embedded engine's section: what an editor offers, and what ``config schema`` prints."""

from collections.abc import Mapping
from typing import Final

from autosync.syncengine.connectors.registry import KINDS

_TEXT: Final = {"type": "string", "minLength": 1}


def _described(schema: Mapping[str, object], description: str) -> dict[str, object]:
    return {**schema, "description": description}


def _named(item: Mapping[str, object], description: str) -> dict[str, object]:
    return {"type": "object", "additionalProperties": item, "description": description}


_CONDITION: Final = {
    "description": "When it holds: an attribute that must be there, {equals: [attribute, value]}, {matches: [attribute, "
    "pattern]}, {not: …}, {all: […]}, {any: […]} or {python: module.function}.",
    "anyOf": [{"type": "string"}, {"type": "object"}],
}
_EXPRESSION: Final = {
    "description": 'Where the value comes from: an attribute, a template "{first} {last}", {constant: …}, {ref: attribute}, '
    "{table: …}, a condition, or {python: module.function}.",
    "anyOf": [{"type": "string"}, {"type": "object"}],
}
_ATTRIBUTE: Final = {
    "type": ["object", "null"],
    "description": "One attribute of the metaverse.",
    "properties": {
        "type": {
            "enum": ["string", "integer", "boolean", "binary", "reference"],
            "default": "string",
            "description": "What its values are.",
        },
        "multivalued": {"type": "boolean", "default": False, "description": "Whether it can have several values."},
        "key": {"type": "boolean", "default": False, "description": "Whether it identifies the object."},
        "reference": _described(_TEXT, "The object type that it refers to."),
        "precedence": {
            "type": "array",
            "items": _TEXT,
            "description": "Agents, the strongest first, where it differs from the order of the agents.",
        },
    },
    "additionalProperties": False,
}
_METAVERSE_TYPE: Final = {
    "type": "object",
    "description": "One object type of the metaverse.",
    "properties": {
        "attributes": _named(_ATTRIBUTE, "Its attributes by name."),
        "delete": {
            "description": "When an object goes: last-source, last-connector or {connector-of: [agents]}.",
            "default": "last-source",
            "anyOf": [{"enum": ["last-source", "last-connector"]}, {"type": "object"}],
        },
    },
    "required": ["attributes"],
    "additionalProperties": False,
}
_PROVISION: Final = {
    "type": "object",
    "description": "When an object is made in the connected system, and under what name.",
    "properties": {
        "when": _CONDITION,
        "dn": _described(_TEXT, "Its name, a template of metaverse attributes."),
        "object-class": _described(_TEXT, "Its object type there."),
        "initial": _named(_EXPRESSION, "What only a new object gets, such as a password."),
    },
    "required": ["dn"],
    "additionalProperties": False,
}
_RULES: Final = {
    "type": "object",
    "description": "What the agent does with objects of this metaverse type.",
    "properties": {
        "object-type": _described(_TEXT, "The connected system's own object type."),
        "filter": _CONDITION,
        "join": {
            "description": "Which object belongs to which: {attribute here: metaverse attribute}, or a list, tried in order.",
            "anyOf": [{"type": "object"}, {"type": "array"}],
        },
        "project": {
            "description": "Whether an object without a match makes a new one: always, never or {when: condition}.",
            "default": "never",
            "anyOf": [{"enum": ["always", "never"]}, {"type": "boolean"}, {"type": "object"}],
        },
        "import": _named(_EXPRESSION, "Metaverse attributes and where they come from."),
        "export": _named(_EXPRESSION, "The connected system's attributes and where they come from."),
        "provision": _PROVISION,
        "deprovision": {
            "description": "What happens when it is not wanted any more: disconnect, delete, or {after: 30d, then: …}.",
            "default": "disconnect",
            "anyOf": [{"enum": ["disconnect", "delete"]}, {"type": "object"}],
        },
    },
    "additionalProperties": False,
}
_AGENT: Final = {
    "type": "object",
    "description": "One agent: its connector, and its rules by metaverse object type.",
    "properties": {
        "connector": {
            "type": "object",
            "description": "How the connected system is reached; the page on connectors has every setting.",
            "properties": {
                "type": {"enum": sorted(KINDS), "description": "What kind of connected system it is."},
            },
            "required": ["type"],
        },
        "profiles": _named(
            {"anyOf": [{"type": "string"}, {"type": "array"}, {"type": "object"}]},
            "Run profiles beside the usual ones: a step, or a list of steps.",
        ),
    },
    "required": ["connector"],
    "additionalProperties": _RULES,
}

SCHEMA: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "store": {
            "type": "string",
            "default": "engine.db",
            "description": "The file in which the engine keeps its connector spaces and the metaverse.",
        },
        "rules": {
            "type": "string",
            "default": "rules.py",
            "description": "The Python file whose functions the rules may name as {python: rules.function}.",
        },
        "metaverse": _named(_METAVERSE_TYPE, "The object types of the metaverse."),
        "agents": _named(_AGENT, "The agents by name, the strongest precedence first."),
    },
    "required": ["metaverse", "agents"],
    "additionalProperties": False,
}
