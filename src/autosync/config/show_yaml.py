"""The configuration in force as YAML that means the same as the file, each key with its origin behind it."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from autosync.config.plain import plain_value
from autosync.config.show import Shown

_Tree: TypeAlias = "dict[str | int, _Tree | Shown]"

_BARE: Final = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*")


def as_yaml(shown: Iterable[Shown]) -> str:
    """Return the text of a file with every default written out."""
    tree: _Tree = {}
    for each in shown:
        branch = tree
        for key in each.path[:-1]:
            inner = branch.setdefault(key, {})
            assert isinstance(inner, dict)
            branch = inner
        branch[each.path[-1]] = each
    return "\n".join(_mapping(tree)) + "\n"


def _mapping(tree: _Tree) -> Iterator[str]:
    for key, inner in tree.items():
        name = _scalar(str(key))
        if isinstance(inner, Shown):
            yield f"{name}: {value_text(inner.value)}  # {inner.origin}"
            continue
        yield f"{name}:"
        lines = _list(inner) if all(isinstance(each, int) for each in inner) else _mapping(inner)
        yield from (f"  {line}" for line in lines)


def _list(tree: _Tree) -> Iterator[str]:
    for item in tree.values():
        lines = _mapping(item) if isinstance(item, dict) else iter(())
        for number, line in enumerate(lines):
            yield f"  {line}" if number else f"- {line}"


def value_text(value: object) -> str:
    """Return one value in YAML on one line."""
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(str(key))}: {value_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(value_text(each) for each in value) + "]"
    return json.dumps(value)


def _scalar(text: str) -> str:
    # JSON's strings are YAML's double-quoted ones, but for line separators that YAML would fold: those stay escaped.
    return text if _BARE.fullmatch(text) and plain_value(text) == text else json.dumps(text)
