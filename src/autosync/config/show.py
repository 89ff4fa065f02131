"""The configuration in force: every key with its value, and where the value comes from. Secrets are references."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autosync.config.document import Document
from autosync.config.file import AGENTS_KEY, OWN, ROOT
from autosync.config.load import Loaded
from autosync.config.mistakes import Path
from autosync.options.blocks import Block, Built, Key, ListOf, NamesBeside, NamesOf
from autosync.options.json_schema import default_of
from autosync.options.shapes import Scalar
from autosync.options.typed import TYPE, TypedBlock, own_properties
from autosync.ports.registry import Registries


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One key with its value in force. ``line`` is where it stands in the file; None: the default."""

    path: Path
    value: object
    line: int | None

    @property
    def origin(self) -> str:
        """Return ``line 12`` or ``default``."""
        return "default" if self.line is None else f"line {self.line}"


def effective(loaded: Loaded, registries: Registries) -> tuple[Shown, ...]:
    """Return every key of a valid configuration, also those of agents that only an engine's options name."""
    data = dict(loaded.document.data) if isinstance(loaded.document.data, dict) else {}
    data = {key: value for key, value in data.items() if not key.startswith(OWN)}
    agents = dict(data.get(AGENTS_KEY.name) or {})
    for engine in loaded.required().engines:
        for name in sorted(engine.agents or ()):
            agents.setdefault(f"{engine.name}/{name}", None)
    data[AGENTS_KEY.name] = agents
    return tuple(_Walk(loaded.document, registries).block(ROOT, data, ()))


@dataclass(frozen=True, slots=True)
class _Walk:
    document: Document
    registries: Registries

    def shape(self, shape: object, value: object, path: Path) -> Iterator[Shown]:
        """Yield what a shape shows for a value that stands in the file."""
        match shape:
            case Block():
                yield from self.block(shape, value, path)
            case Built():
                yield from self.block(shape.block, value, path)
            case NamesOf():
                yield from self.names(shape, value, path)
            case NamesBeside():
                known = {key.name for key in shape.block.keys}
                yield from self.block(shape.block, value, path)
                yield from self.names(
                    shape.names, {name: each for name, each in _dict(value).items() if name not in known}, path
                )
            case ListOf() if isinstance(value, list) and not isinstance(shape.item, Scalar):
                for place, item in enumerate(value):
                    yield from self.shape(shape.item, item, (*path, place))
            case TypedBlock():
                yield from self.typed(shape, _dict(value), path)
            case _:
                yield self.given(value, path)

    def block(self, block: Block, value: object, path: Path) -> Iterator[Shown]:
        data = _dict(value)
        for key in block.keys:
            if key.name in data:
                yield from self.shape(key.shape, data[key.name], (*path, key.name))
            else:
                yield from self.default(key, (*path, key.name))

    def names(self, shape: NamesOf[Any], value: object, path: Path) -> Iterator[Shown]:
        for name, each in _dict(value).items():
            yield from self.shape(shape.item, each, (*path, name))

    def typed(self, shape: TypedBlock[Any], data: dict[str, object], path: Path) -> Iterator[Shown]:
        if TYPE in data:
            yield self.given(data[TYPE], (*path, TYPE))
        else:
            yield Shown(path=(*path, TYPE), value=str(path[-1]), line=None)
        yield from self.block(shape.common, data, path)
        kind = shape.kinds(self.registries)[str(data.get(TYPE, path[-1]))]
        for name, schema in own_properties(kind).items():
            if name in data:
                yield self.given(data[name], (*path, name))
            elif isinstance(schema, dict) and schema.get("default") is not None:
                yield Shown(path=(*path, name), value=schema["default"], line=None)

    def default(self, key: Key[Any], path: Path) -> Iterator[Shown]:
        default = default_of(key)
        if default is not None:
            yield Shown(path=path, value=default, line=None)
        elif isinstance(key.shape, Built) and not any(inner.required for inner in key.shape.block.keys):
            yield from self.block(key.shape.block, {}, path)
        elif isinstance(key.shape, ListOf) and isinstance(key.shape.item, Scalar) and key.default:
            yield Shown(path=path, value=[key.shape.item.plain(item) for item in key.default], line=None)

    def given(self, value: object, path: Path) -> Shown:
        return Shown(path=path, value=value, line=self.document.spot(path, on_key=True).line)


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
