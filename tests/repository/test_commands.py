"""What the documentation tells a newcomer to type exists, on Linux and on Windows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page for name in ("README.md", "CONTRIBUTING.md") if (page := ROOT / name).exists()]
INTERNAL = {"run-env", "dev-env", "docs-env", "help"}


def make_words() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def windows_words() -> set[str]:
    return set(re.findall(r'"%WORD%"=="([a-z-]+)"', (ROOT / "make.bat").read_text(encoding="utf-8")))


def code(page: Path) -> str:
    """Return the fenced blocks and the inline code of a page."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*fenced, *inline])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_command_in_the_documentation_exists(page: Path) -> None:
    named = set(re.findall(r"(?:^|[$;&]\s*)make ([a-z][a-z-]*)", code(page), re.MULTILINE))

    assert named, f"{page.name} names no make command"
    assert named - make_words() == set()


def test_windows_has_the_same_words() -> None:
    assert windows_words() == make_words() - INTERNAL


def test_every_word_has_a_label_in_the_windows_file() -> None:
    labels = set(re.findall(r"^:([a-z-]+)\s*$", (ROOT / "make.bat").read_text(encoding="utf-8"), re.MULTILINE))

    assert windows_words() <= labels


def test_every_word_is_declared_phony() -> None:
    """A folder named like a word (docs/) would otherwise make it do nothing."""
    declared = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert {word for line in declared for word in line.split()} == make_words()
