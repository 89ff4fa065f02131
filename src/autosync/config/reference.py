"""The reference of every key, made from the blocks that read them; ``docs/configuration.md`` holds it between two marks.

``python -m autosync.config.reference docs/configuration.md`` writes it there; a test keeps the two equal.
"""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from autosync.config.file import ROOT
from autosync.config.mistakes import SEPARATOR
from autosync.config.show_yaml import value_text
from autosync.config.triggers import CLOCK_KINDS, TRIGGER
from autosync.options.blocks import Block, Built, Key, ListOf, NamesBeside, NamesOf
from autosync.options.json_schema import default_of
from autosync.options.kind import BlockKind
from autosync.options.shapes import Scalar
from autosync.options.typed import TypedBlock

BEGIN: Final = "<!-- reference begins: python -m autosync.config.reference docs/configuration.md -->"
END: Final = "<!-- reference ends -->"


def reference() -> str:
    """Return the reference as Markdown: a table for each block."""
    return "\n".join(_tables(ROOT, ())).strip() + "\n"


def inserted(page: str) -> str:
    """Return a page with the reference between its marks; raise ``ValueError`` when they are not there."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page has not both marks: {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def _tables(shape: object, path: tuple[str, ...]) -> Iterator[str]:
    match shape:
        case Block():
            yield from _table(shape, path or ("The file",))
            yield from chain.from_iterable(_tables(key.shape, (*path, key.name)) for key in shape.keys)
        case Built():
            yield from _tables(shape.block, path)
        case NamesOf():
            yield from _tables(shape.item, (*path, f"*{shape.name}*"))
        case ListOf():
            yield from _tables(shape.item, path)
        case NamesBeside():
            yield from _tables(shape.block, path)
            yield from _tables(shape.names, path)
        case TypedBlock():
            yield from _table(shape.common, path, type_doc=shape.type_doc)
            yield from _clock(path) if shape is TRIGGER else ()
        case _:
            return


def _clock(path: tuple[str, ...]) -> Iterator[str]:
    for name, kind in CLOCK_KINDS.items():
        assert isinstance(kind, BlockKind)
        yield from _table(kind.shape.block, (*path, f"type: {name}"))


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


def main(arguments: list[str]) -> int:
    """Write the reference into the page that the only argument names."""
    page = Path(arguments[0])
    page.write_text(inserted(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
