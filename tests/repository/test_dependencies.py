"""Dependencies are few, explained, and pinned with hashes."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))


def normal(requirement: str) -> str:
    """Return the name in a requirement, as registries compare it."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def pins(path: Path) -> dict[str, str]:
    """Return each pinned package with everything that belongs to it."""
    logical_lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return {normal(line): line for line in logical_lines if re.match(r"[A-Za-z0-9]", line)}


def explained() -> set[str]:
    page = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    first_cells = re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE)
    return {normal(name.strip()) for cell in first_cells for name in cell.split(",") if name.strip("- ")}


def test_every_runtime_dependency_says_why_it_is_here() -> None:
    wanted = {normal(requirement) for requirement in PROJECT["project"]["dependencies"]}

    assert wanted - explained() == set()


def test_every_development_dependency_says_why_it_is_here() -> None:
    groups = PROJECT["dependency-groups"].values()
    wanted = {normal(requirement) for group in groups for requirement in group}

    assert wanted - explained() == set()


def test_every_dependency_is_pinned() -> None:
    wanted = {normal(requirement) for requirement in PROJECT["project"]["dependencies"]}

    assert wanted - set(pins(ROOT / "requirements" / "runtime.txt")) == set()


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_pin_is_exact_and_hashed(path: Path) -> None:
    loose = [name for name, line in pins(path).items() if "==" not in line or "--hash=sha256:" not in line]

    assert pins(path), "empty"
    assert loose == []


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_no_requirement_file_says_where_packages_come_from(path: Path) -> None:
    options = re.findall(r"^(?:--|-i|-f|.*://).*$", path.read_text(encoding="utf-8"), re.MULTILINE)

    assert options == []


def test_the_files_agree() -> None:
    """One environment takes them all."""
    versions: dict[str, set[str]] = {}
    for path in REQUIREMENTS:
        for name, line in pins(path).items():
            versions.setdefault(name, set()).add(line.split()[0])

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
