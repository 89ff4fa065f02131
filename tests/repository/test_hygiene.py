"""Nothing in the repository belongs to one machine: no paths, no package registry, no odd line ends."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MADE = {".git", ".venv", ".cache", "build", "dist", "__pycache__", "node_modules", ".hypothesis"}
BINARY = {".png", ".ico", ".woff2", ".db", ".pyc", ".gz", ".zip"}

# Put together from parts, so that this file does not find itself.
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))]
FOLDERS = ["/".join(("", *parts)) for parts in (("work", ""), ("root", ""), ("opt", "pypi"), ("opt", "wheels"))]
FOREIGN = re.compile(
    "|".join([*map(re.escape, HOSTS), *(rf"(?<![\w.)}}\]*>-]){re.escape(folder)}" for folder in FOLDERS)])
)


def text_files(folder: Path = ROOT) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if (
            path.name in MADE
            or path == ROOT / "demo"
            or path.name.endswith("_cache")
            or path.suffix in BINARY
            or path.is_symlink()
        ):
            continue
        if path.is_dir():
            yield from text_files(path)
        elif path.name != ".coverage":
            yield path


def test_nothing_names_a_machine_or_a_registry() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {line.strip()[:80]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FOREIGN.search(line)
    ]

    assert found == []


def test_the_search_finds_what_it_looks_for() -> None:
    assert FOREIGN.search(f"see https://{HOSTS[0]}/project")
    assert FOREIGN.search(f"cd {FOLDERS[0]}main")
    assert not FOREIGN.search(f"docs{FOLDERS[0]}flow")
    assert len(list(text_files())) > 50


def test_lines_end_as_they_should() -> None:
    """Only cmd.exe wants carriage returns."""
    odd = [
        path.relative_to(ROOT).as_posix()
        for path in text_files()
        if (b"\r\n" in path.read_bytes()) != (path.suffix == ".bat")
    ]

    assert odd == []
