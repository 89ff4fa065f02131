"""Kinds that are described by a block: what they parse and their schema follow from the block."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Generic, TypeVar, cast

from autosync.options.blocks import Built
from autosync.options.json_schema import block_schema
from autosync.options.reading import Context, Place, Wrong
from autosync.ports.notifier import Notifier
from autosync.ports.registry import OptionMistake, Parsed, Registries, Surroundings
from autosync.ports.trigger import Trigger

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockKind(Generic[T]):
    """An ``OptionKind`` made from a block."""

    shape: Built[T]

    def parse(self, data: Mapping[str, object], folder: FilePath) -> Parsed:
        """Return the options."""
        place = Place(Context(folder=folder, registries=Registries()))
        options: object = None
        try:
            options = self.shape.read(dict(data), place)
        except Wrong as error:
            place.note(error)
        mistakes = tuple(
            OptionMistake(path=found.path, message=found.message, on_key=found.on_key, warning=found.warning)
            for found in place.findings.found
        )
        return Parsed(options=options, mistakes=mistakes)

    def json_schema(self) -> Mapping[str, object]:
        """Return the block's schema."""
        return block_schema(self.shape.block, Registries())


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTrigger(BlockKind[T]):
    """A ``TriggerKind`` made from a block and a function."""

    make: Callable[[T, Surroundings], Trigger]

    def build(self, options: object, around: Surroundings) -> Trigger:
        """Return a trigger of the options that ``parse`` made."""
        return self.make(cast("T", options), around)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockChannel(BlockKind[T]):
    """A ``ChannelKind`` made from a block and a function."""

    make: Callable[[T, Surroundings], Notifier]

    def build(self, options: object, around: Surroundings) -> Notifier:
        """Return a notifier of the options that ``parse`` made."""
        return self.make(cast("T", options), around)
