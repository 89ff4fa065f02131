"""The first load of a company whose targets hold their people already: they are taken over, and nobody is made twice."""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.company import Company

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the stories use signals"),
]


def outdate(company: Company) -> None:
    """Let the targets say of everybody what was true some years ago, in the words of another system."""
    directory, phonebook = company.folder / "directory.ldif", company.folder / "phonebook.csv"
    text = directory.read_text(encoding="utf-8")
    text = text.replace("title: ", "title: former ").replace(",ou=people,dc=example", ",OU=People,DC=example")
    directory.write_text(text, encoding="utf-8", newline="\n")
    header, *rows = phonebook.read_text(encoding="utf-8").splitlines()
    old = [",".join([*row.split(",")[:3], "Old department"]) for row in rows]
    phonebook.write_text("\n".join([header, *old, ""]), encoding="utf-8", newline="\n")
    with closing(sqlite3.connect(company.folder / "badge.db")) as badge:
        badge.execute("UPDATE badge SET department = 'Old department'")
        badge.commit()


def test_people_that_are_in_the_targets_already_are_taken_over_although_the_source_is_read_first(
    tmp_path: Path,
) -> None:
    company = Company(tmp_path / "company", people=40)
    try:
        company.start_and_wait()
        company.stop()
        number = {name: len(found) for name, found in zip("pbd", company.targets(), strict=True)}
        shutil.rmtree(company.folder / "state")
        outdate(company)
        company.start_and_wait()
        first = next(run for run in company.runs() if run["state"] == "ended")
        company.stop()
        waiting = company.query("state/engine.db", "SELECT sum(n) FROM tally WHERE what LIKE 'pending %'")
        doubled = company.query("state/engine.db", "SELECT mv, agent FROM cs GROUP BY mv, agent HAVING count(*) > 1")

        assert waiting == [(0,)], "nothing waits for ever"
        assert doubled == []
        assert first["agent"] == "home/hr", "the source came first"
        assert {name: len(found) for name, found in zip("pbd", company.targets(), strict=True)} == number
    finally:
        company.close()
