"""The shape of the source: modules that can be read in one sitting, and names that say something."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "autosync"
MODULES = sorted(SOURCE.rglob("*.py"))

LONG_MODULE = 400
LONGEST_MODULE = 500
LONGEST_BODY = 50
NAMELESS = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "manager.py", "base.py", "misc.py"}

type_of_function = (ast.FunctionDef, ast.AsyncFunctionDef)


class LongModule(UserWarning):
    """A module that should be split, or say why not."""


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    if not body:
        return 0
    return (function.end_lineno or 0) - body[0].lineno + 1


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, type_of_function):
            yield node


def test_there_is_source_to_look_at() -> None:
    assert len(MODULES) > 10


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_module_can_be_read_in_one_sitting() -> None:
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    for name, length in lengths.items():
        if length > LONG_MODULE:
            warnings.warn(f"{name} has {length} lines", LongModule, stacklevel=1)
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_a_function_fits_on_a_screen() -> None:
    too_long = {
        f"{place(path)}:{function.lineno} {function.name}": body_lines(function)
        for path in MODULES
        for function in functions(path)
        if body_lines(function) > LONGEST_BODY
    }

    assert too_long == {}


def test_a_module_has_a_subject() -> None:
    assert [place(path) for path in MODULES if path.name in NAMELESS] == []


def test_every_folder_with_source_is_a_package() -> None:
    """The tools that walk packages, and the layer contracts, do not see others."""
    folders = {path.parent for path in MODULES}

    assert sorted(place(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_a_docstring_is_not_part_of_a_body() -> None:
    module = ast.parse('def f():\n    """One.\n\n    Two."""\n    a = 1\n    return a\n')

    assert [body_lines(node) for node in module.body if isinstance(node, type_of_function)] == [2]
