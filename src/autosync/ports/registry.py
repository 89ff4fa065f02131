"""The promise of a kind: what the configuration must know about a type of engine, trigger or channel without knowing it.

Obligations of every kind (`parse` and `json_schema` are checked against each other by the tests of the configuration):

- ``parse`` gets the keys that are the kind's own: plain data (mappings with text keys, lists, text, whole numbers,
  floats, booleans, None) that must not be changed. Common keys (``type``, ``name``, ``run-mode``, …) and top-level keys
  that ``json_schema`` does not name never arrive. Relative paths are resolved against ``folder``.
- ``parse`` collects all mistakes and raises nothing. A mistake's path counts from the options inwards, list places from
  0. Messages are plain English with the way out and never repeat the value of a secret (see ``ports.secrets``).
- ``parse`` reads no file, opens no connection and resolves no secret: it must be right on any machine, at any time.
- ``json_schema`` describes a mapping (draft 2020-12): every property has a ``description``, and a ``default`` where it
  may be left out and something else than nothing is assumed. ``$defs`` are allowed.
- Options are values: equal data yields equal options.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from autosync.model.ids import AgentId
from autosync.ports.clock import Clock
from autosync.ports.notifier import Notifier
from autosync.ports.secrets import SecretSource
from autosync.ports.trigger import Trigger

OptionPath: TypeAlias = tuple[str | int, ...]
"""Keys from the options inwards; places in lists count from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionMistake:
    """One mistake in a kind's options."""

    path: OptionPath
    message: str
    on_key: bool = False
    """Whether the key itself is wrong (unknown), not what stands under it."""
    warning: bool = False
    """Whether the options are good nevertheless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a kind made of its keys. ``options`` may be anything when there are mistakes; it is then not used."""

    options: object
    mistakes: tuple[OptionMistake, ...] = ()


class OptionKind(Protocol):
    """A type of trigger or channel."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        """Return the options that ``data`` describes, with every mistake in it."""
        ...

    def json_schema(self) -> Mapping[str, object]:
        """Return the JSON Schema of what ``parse`` accepts."""
        ...


class EngineKind(OptionKind, Protocol):
    """A type of engine."""

    def agent_names(self, options: object) -> frozenset[str] | None:
        """Return the names of all agents where the options tell them, else None: the engine must be asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a thing that is built from options may use of its service."""

    clock: Clock
    secrets: SecretSource
    agent: AgentId | None = None
    """Whose trigger it is; None for a channel."""


class TriggerKind(OptionKind, Protocol):
    """A type of trigger."""

    def build(self, options: object, around: Surroundings) -> Trigger:
        """Return a trigger of the options that ``parse`` made; nothing is opened yet."""
        ...


class ChannelKind(OptionKind, Protocol):
    """A type of channel."""

    def build(self, options: object, around: Surroundings) -> Notifier:
        """Return a notifier of the options that ``parse`` made; nothing is opened yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registries:
    """The kinds that this installation has, by the word that stands under ``type``."""

    engines: Mapping[str, EngineKind] = field(default_factory=dict)
    triggers: Mapping[str, TriggerKind] = field(default_factory=dict)
    """Without ``interval`` and ``schedule``, which the core decides."""
    channels: Mapping[str, ChannelKind] = field(default_factory=dict)
    stores: Collection[str] = ("sqlite", "memory")
    """The schemes that ``service: store:`` may have."""
