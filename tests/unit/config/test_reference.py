from pathlib import Path

import pytest

from autosync.bootstrap.kinds import KINDS
from autosync.bootstrap.reference import main
from autosync.config.reference import inserted, reference

DOCS = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_holds_the_reference_that_the_code_makes() -> None:
    page = DOCS.read_text(encoding="utf-8")

    assert inserted(page, KINDS) == page, "run: python -m autosync.bootstrap.reference docs/configuration.md"


def test_every_row_of_the_reference_says_what_the_key_is_for() -> None:
    rows = [line for line in reference(KINDS).splitlines() if line.startswith("| `")]

    assert len(rows) > 60
    assert [row for row in rows if not row.rstrip(" |").split("|")[-1].strip().endswith(".")] == []


def test_writing_the_reference_twice_changes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- reference begins: python -m autosync.bootstrap.reference docs/configuration.md --><!-- reference ends -->\nb\n"
    )

    assert main([str(page)]) == 0
    once = page.read_text(encoding="utf-8")
    assert main([str(page)]) == 0

    assert page.read_text(encoding="utf-8") == once
    assert reference(KINDS) in once


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="both marks"):
        inserted("nothing", KINDS)
