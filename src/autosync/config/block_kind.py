"""A kind that is described by a block of this package: what it parses and its schema follow from the block."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Generic, TypeVar

from autosync.config.blocks import Built
from autosync.config.json_schema import block_schema
from autosync.config.reading import Context, Place, Wrong
from autosync.ports.registry import OptionMistake, Parsed, Registries

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
