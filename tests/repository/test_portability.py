"""AutoSync runs on Windows: what only POSIX has is asked for with a way out.

The types are checked for Windows too (`scripts/check`), which finds functions such as os.getuid; here it is modules.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "autosync"
POSIX_ONLY = frozenset(
    {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "spwd", "syslog", "termios", "tty"}
)

# Imports every module of AutoSync as if this were Windows. Libraries still see what there is: what they do about
# Windows is theirs.
IMPORT_ALL = """
import builtins, importlib, pkgutil, sys

HIDDEN = frozenset(sys.argv[1].split())
real_import = builtins.__import__

def import_as_on_windows(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if level == 0 and name in HIDDEN and importer.split(".")[0] == "autosync":
        raise ModuleNotFoundError(f"No module named {name!r} (as on Windows), wanted by {importer}", name=name)
    return real_import(name, globals, locals, fromlist, level)

builtins.__import__ = import_as_on_windows
import autosync

failures, imported = [], 0
for found in pkgutil.walk_packages(autosync.__path__, "autosync.", onerror=failures.append):
    if found.name.endswith(".__main__"):
        continue
    try:
        importlib.import_module(found.name)
        imported += 1
    except Exception as error:
        failures.append(f"{found.name}: {error!r}")
print(imported)
sys.exit("\\n".join(failures) or 0)
"""


def posix_imports(tree: ast.AST, *, guarded: bool = False) -> Iterator[tuple[int, str]]:
    """Yield the imports of POSIX-only modules that have no way out around them."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import(names=names):
                wanted = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), level=0):
                wanted = [module]
            case _:
                yield from posix_imports(node, guarded=guarded or is_guard(node))
                continue
        if not guarded:
            yield from ((node.lineno, name) for name in wanted if name in POSIX_ONLY)


def is_guard(node: ast.AST) -> bool:
    """Tell whether ``node`` asks which system this is, or is ready for a missing module."""
    match node:
        case ast.Try(handlers=handlers):
            return any(
                "ImportError" in ast.dump(handler) or "ModuleNotFound" in ast.dump(handler) for handler in handlers
            )
        case ast.If(test=test):
            return any(word in ast.unparse(test) for word in ("sys.platform", "os.name"))
        case _:
            return False


def test_every_module_can_be_imported_on_windows() -> None:
    command = [sys.executable, "-c", IMPORT_ALL, " ".join(sorted(POSIX_ONLY))]
    answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)

    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout.split()[-1]) > 10


def test_an_import_inside_a_function_has_a_way_out_too() -> None:
    unguarded = [
        f"{path.relative_to(SOURCE).as_posix()}:{line} imports {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line, name in posix_imports(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert unguarded == []


def test_the_search_finds_what_it_looks_for() -> None:
    text = "import os\ndef f():\n    import fcntl\ntry:\n    import pwd\nexcept ImportError:\n    pwd = None\n"

    assert list(posix_imports(ast.parse(text))) == [(3, "fcntl")]
