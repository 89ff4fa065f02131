"""Kinds as installations have them, small: an engine that knows its agents, one that does not, a trigger, a channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from autosync.config.load import Loaded, Source, load_text
from autosync.ports.registry import OptionMistake, Parsed, Registries, Surroundings
from autosync.ports.secrets import SECRET_SCHEMA, secret_reference


@dataclass(frozen=True)
class EmbeddedLike:
    """Its agents are named in the file; its rules are mappings of the user's own."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        agents = data.get("agents") or {}
        mistakes = [
            OptionMistake(path=("agents", name, "connector"), message="is missing")
            for name, agent in (agents.items() if isinstance(agents, dict) else ())
            if not isinstance(agent, dict) or "connector" not in agent
        ]
        return Parsed(options={"agents": agents, "folder": folder}, mistakes=tuple(mistakes))

    def json_schema(self) -> Mapping[str, object]:
        return {
            "type": "object",
            "description": "The engine that AutoSync brings along.",
            "properties": {
                "metaverse": {"type": "object", "description": "Object types of the metaverse."},
                "agents": {
                    "type": "object",
                    "description": "The agents and their rules.",
                    "additionalProperties": {"$ref": "#/$defs/agent"},
                },
            },
            "required": ["agents"],
            "$defs": {
                "agent": {
                    "type": "object",
                    "properties": {"connector": {"type": "object", "description": "Where it reads and writes."}},
                    "required": ["connector"],
                }
            },
        }

    def agent_names(self, options: object) -> frozenset[str] | None:
        assert isinstance(options, dict)
        return frozenset(options["agents"])


@dataclass(frozen=True)
class MimLike:
    """Only the engine knows its agents; it needs a password."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        mistakes = []
        password: object = None
        if "password" in data:
            try:
                password = secret_reference(data["password"])
            except ValueError as error:
                mistakes.append(OptionMistake(path=("password",), message=str(error)))
        return Parsed(options=(data.get("server", "localhost"), password), mistakes=tuple(mistakes))

    def json_schema(self) -> Mapping[str, object]:
        return {
            "type": "object",
            "properties": {
                "server": {"type": "string", "description": "The server's name.", "default": "localhost"},
                "password": {**SECRET_SCHEMA, "description": "The password of the account."},
            },
        }

    def agent_names(self, options: object) -> frozenset[str] | None:
        return None


@dataclass(frozen=True)
class FileLike:
    """A trigger that watches a file."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        path = data.get("path")
        if not isinstance(path, str):
            return Parsed(options=None, mistakes=(OptionMistake(path=("path",), message="expected a path"),))
        return Parsed(options=folder / path)

    def json_schema(self) -> Mapping[str, object]:
        properties = {"path": {"type": "string", "description": "The file to watch."}}
        return {"type": "object", "properties": properties, "required": ["path"]}

    def build(self, options: object, around: Surroundings) -> NoReturn:
        raise NotImplementedError


@dataclass(frozen=True)
class LogLike:
    """A channel without options."""

    properties: Mapping[str, object] = field(default_factory=dict)

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        return Parsed(options=())

    def json_schema(self) -> Mapping[str, object]:
        return {"type": "object", "properties": self.properties}

    def build(self, options: object, around: Surroundings) -> NoReturn:
        raise NotImplementedError


REGISTRIES = Registries(
    engines={"embedded": EmbeddedLike(), "mim": MimLike()}, triggers={"file": FileLike()}, channels={"log": LogLike()}
)
FOLDER = Path("/etc/autosync")


def loaded(text: str | bytes, **environment: str) -> Loaded:
    """Load a text as if it stood in autosync.yaml."""
    content = text.encode() if isinstance(text, str) else text
    return load_text(content, Source(name="autosync.yaml", folder=FOLDER, environment=environment), REGISTRIES)
