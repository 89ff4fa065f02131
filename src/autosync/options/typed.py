"""Blocks whose ``type`` decides their other keys: common keys are read here, the rest by the kind itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from autosync.options.blocks import Block, Values, mapping, refuse_unknown
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import known_word
from autosync.ports.registry import OptionKind, Parsed, Registries

K = TypeVar("K", bound=OptionKind)

TYPE = "type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed(Generic[K]):
    """What was read of a block with a type. ``kind`` is None when the type is wrong; the rest is then of no use."""

    values: Values
    type: str
    kind: K | None
    options: object
    data: Mapping[str, object]
    """The kind's own keys, as they stand in the file."""
    is_good: bool
    at: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedBlock(Generic[K]):
    """A block with a ``type``."""

    common: Block
    """The keys of every type, without ``type`` itself."""
    what: str
    """What has the type, for people: ``engine``."""
    kinds: Callable[[Registries], Mapping[str, K]]
    type_doc: str
    name_is_type: bool = False
    """Whether the block's own name is its type when it has none."""

    def read(self, value: object, at: Place) -> Typed[K]:
        """Return common values and the kind's options."""
        data = mapping(value)
        kinds = self.kinds(at.context.registries)
        common = self.common.values(data, at)
        common_names = {TYPE, *(key.name for key in self.common.keys)}
        word = self._type(data, kinds, at)
        if word is None:
            return Typed(values=common, type="", kind=None, options=None, data={}, is_good=False, at=at)
        kind = kinds[word]
        own = set(own_properties(kind))
        refuse_unknown(data, common_names | own, at)
        rest = {name: each for name, each in data.items() if name in own - common_names}
        before = at.mistakes
        parsed = kind.parse(rest, at.context.folder)
        _note(parsed, at)
        is_good = at.mistakes == before
        return Typed(values=common, type=word, kind=kind, options=parsed.options, data=rest, is_good=is_good, at=at)

    def _type(self, data: Mapping[str, object], kinds: Mapping[str, K], at: Place) -> str | None:
        known = ", ".join(sorted(kinds))
        if TYPE not in data and self.name_is_type:
            name = str(at.path[-1])
            if name not in kinds:
                at.wrong(f"type is missing, and {name} is no {self.what} type itself (known: {known})", on_key=True)
            return name if name in kinds else None
        if TYPE not in data:
            at.wrong(f"type is missing (known {self.what} types: {known})")
            return None
        try:
            return known_word(data[TYPE], kinds, f"{self.what} type")
        except Wrong as error:
            at.at(TYPE).wrong(str(error))
            return None


def own_properties(kind: OptionKind) -> Mapping[str, Any]:
    """Return the schemas of a kind's own keys by their names."""
    properties = kind.json_schema().get("properties", {})
    return properties if isinstance(properties, Mapping) else {}


def _note(parsed: Parsed, at: Place) -> None:
    for mistake in parsed.mistakes:
        place = at.at(*mistake.path)
        if mistake.warning:
            place.warn(mistake.message, on_key=mistake.on_key)
        else:
            place.wrong(mistake.message, on_key=mistake.on_key)
