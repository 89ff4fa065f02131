"""The reference of every key, made from the blocks that read them; ``docs/configuration.md`` holds it between two marks.

``python -m autosync.bootstrap.reference docs/configuration.md`` writes it there; a test keeps the two equal.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from autosync.config.file import ROOT
from autosync.config.mistakes import SEPARATOR
from autosync.config.show_yaml import value_text
from autosync.options.blocks import Block, Built, Key, ListOf, NamesBeside, NamesOf
from autosync.options.json_schema import default_of
from autosync.options.kind import BlockKind
from autosync.options.shapes import Scalar
from autosync.options.typed import TypedBlock
from autosync.ports.registry import Registries

BEGIN: Final = "<!-- reference begins: python -m autosync.bootstrap.reference docs/configuration.md -->"
END: Final = "<!-- reference ends -->"


def reference(registries: Registries) -> str:
    """Return the reference as Markdown: a table for each block, also those of kinds."""
    return "\n".join(_tables(ROOT, (), registries)).strip() + "\n"


def inserted(page: str, registries: Registries) -> str:
    """Return a page with the reference between its marks; raise ``ValueError`` when they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has not both marks: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{reference(registries)}\n{END}{after}"


def _tables(shape: object, path: tuple[str, ...], registries: Registries) -> Iterator[str]:
    match shape:
        case Block():
            yield from _table(shape, path or ("The file",))
            yield from chain.from_iterable(_tables(key.shape, (*path, key.name), registries) for key in shape.keys)
        case Built():
            yield from _tables(shape.block, path, registries)
        case NamesOf():
            yield from _tables(shape.item, (*path, f"*{shape.name}*"), registries)
        case ListOf():
            yield from _tables(shape.item, path, registries)
        case NamesBeside():
            yield from _tables(shape.block, path, registries)
            yield from _tables(shape.names, path, registries)
        case TypedBlock():
            yield from _table(shape.common, path, type_doc=shape.type_doc)
            yield from _kinds(shape.kinds(registries), path, registries)
        case _:
            return


def _kinds(kinds: Mapping[str, object], path: tuple[str, ...], registries: Registries) -> Iterator[str]:
    for name, kind in kinds.items():
        if isinstance(kind, BlockKind):  # others have a schema of their own, and pages of their own
            yield from _tables(kind.shape, (*path, f"type: {name}"), registries)


def _table(block: Block, path: tuple[str, ...], type_doc: str = "") -> Iterator[str]:
    yield f"## {SEPARATOR.join(path)}\n"
    yield f"{block.doc}\n"
    yield "| key | value | default | |"
    yield "| --- | --- | --- | --- |"
    if type_doc:
        yield f"| `type` | one word | required | {type_doc} |"
    yield from (_row(key) for key in block.keys)
    yield ""


def _row(key: Key[Any]) -> str:
    unit = f" ({key.unit})" if key.unit else ""
    return f"| `{key.name}` | {_says(key.shape)}{unit} | {_default(key)} | {key.doc} |"


def _says(shape: object) -> str:
    match shape:
        case Scalar():
            return shape.says
        case ListOf():
            return f"a list: {_says(shape.item)}" if isinstance(shape.item, Scalar) else "a list, see below"
        case _:
            return "keys, see below"


def _default(key: Key[Any]) -> str:
    if key.required:
        return "required"
    default = default_of(key)
    if default is None and isinstance(key.shape, ListOf) and isinstance(key.shape.item, Scalar) and key.default:
        default = [key.shape.item.plain(item) for item in key.default]
    return "" if default is None else f"`{value_text(default)}`"
