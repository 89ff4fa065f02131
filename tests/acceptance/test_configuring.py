"""The configuration changes while everything runs; and what it must never tell anybody."""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.company import Company, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stories use signals")

SECRET = "Tops3cretPassw0rd"
EVERY_ANSWER = (
    ("status",),
    ("status", "--json"),
    ("config", "show"),
    ("config", "show", "--running"),
    ("config", "plan"),
    ("config", "validate"),
    ("config", "history"),
    ("events", "--limit", "500", "--jsonl"),
    ("why", "last"),
    ("why", "badge"),
    ("run", "show", "last"),
    ("agent", "show", "badge"),
    ("queue",),
)


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = Company(tmp_path_factory.mktemp("configuring") / "company", people=20)
    company.start_and_wait()
    yield company
    company.close()


@pytest.fixture
def company(living: Company) -> Iterator[Company]:
    text = living.text
    yield living
    living.text = text
    assert living.autosync("config", "reload").returncode == 0
    living.wait_quiet()


def put(company: Company, text: str, tag: str) -> tuple[int, Any]:
    return company.answer("/configuration", {"text": text, "reason": "test"}, method="PUT", headers={"If-Match": tag})


def in_force(company: Company) -> tuple[str, str]:
    """Return the tag of the revision in force, and its text."""
    revision = company.ask("/configuration")
    return f'"{revision["number"]}"', revision["text"]


def guarded(text: str, limit: int) -> str:
    return text.replace("  home/hr:\n", f"  home/hr:\n    guards: {{staged: {{updates: {limit}}}}}\n")


def test_a_good_change_counts_at_once_and_disturbs_nothing(company: Company) -> None:
    workers, (tag, text) = company.workers(), in_force(company)
    fires = company.ask("/triggers")["items"][0]["fired"]
    people = company.people()

    status, applied = put(company, guarded(text, 0), tag)
    company.write([*people[:-1], replace(people[-1], title="Diver")])
    hold = company.wait_hold()
    again, _ = put(company, guarded(text, 5), f'"{applied["number"]}"')
    company.wait_quiet()

    assert (status, again) == (200, 200)
    assert hold["breaches"][0]["limit"] == "0"
    assert company.text == guarded(text, 5), "the file is what is in force"
    assert company.workers() == workers, "an engine that did not change goes on"
    assert company.ask("/triggers")["items"][0]["fired"] == fires + 1, "and so do triggers"


def test_of_two_editors_the_second_is_told(company: Company) -> None:
    tag, text = in_force(company)
    first, applied = put(company, guarded(text, 7), tag)
    second, told = put(company, guarded(text, 8), tag)
    without, asked = company.answer("/configuration", {"text": text}, method="PUT")

    assert (first, second, without) == (200, 412, 428)
    assert f"revision {applied['number']}" in told["error"]["message"]
    assert "If-Match" in asked["error"]["message"]
    assert in_force(company)[1] == guarded(text, 7)


def test_of_many_editors_at_the_same_moment_exactly_one_is_first(company: Company) -> None:
    tag, text = in_force(company)

    with ThreadPoolExecutor(6) as editors:
        answers = list(editors.map(lambda limit: put(company, guarded(text, limit), tag), range(10, 16)))

    assert sorted(status for status, _ in answers) == [200, *[412] * 5]
    (first,) = [applied for status, applied in answers if status == 200]
    assert in_force(company)[1] == first["text"] == company.text


def test_mistakes_change_nothing_and_are_told_with_their_places(company: Company) -> None:
    tag, text = in_force(company)
    broken = text.replace("      - {type: file, path: hr.csv}", "      - {type: fiel, path: hr.csv}\n    guard: {}")
    company.text = broken

    status, told = put(company, broken, tag)
    reloaded = company.autosync("config", "reload")

    mistakes = {mistake["message"] for mistake in told["error"]["mistakes"]}
    assert status == 422
    assert any("did you mean file" in message for message in mistakes)
    assert all(mistake["line"] > 60 for mistake in told["error"]["mistakes"])
    assert reloaded.returncode != 0
    assert "did you mean file" in reloaded.stderr
    assert in_force(company) == (tag, text)


def test_half_a_file_is_never_taken_over_w53(company: Company) -> None:
    tag, text = in_force(company)
    company.text = text[: text.index("agents:\n  home/hr")]

    reloaded = company.autosync("config", "reload")

    assert reloaded.returncode != 0
    assert "the file ends in the middle" in reloaded.stderr
    assert in_force(company) == (tag, text)


def test_an_engine_that_changes_is_opened_anew_and_goes_on(company: Company) -> None:
    workers, runs = company.workers(), len(company.runs())
    company.edit("            department: department\n", "            department: {constant: Everywhere}\n")

    reloaded = company.autosync("config", "reload")
    asked = company.autosync("run", "start", "hr", "full-sync", "--wait")
    wait_until(lambda: {department for _, department in company.badges().values()} == {"Everywhere"} and company.is_idle(),
               company.whole_story)  # fmt: skip
    back = company.text.replace("{constant: Everywhere}", "department")
    company.text = back
    company.autosync("config", "reload")
    company.autosync("run", "start", "hr", "full-sync", "--wait")
    company.wait_quiet()

    assert reloaded.returncode == asked.returncode == 0, reloaded.stderr + asked.stderr
    assert company.workers() != workers
    assert len(company.runs()) > runs


def places_of(company: Company, secret: str) -> list[str]:
    """Return everywhere that the secret shows."""
    assert company.process is not None
    files = [path for path in company.folder.rglob("*") if path.is_file() and path.name != "badge.url"]
    processes = [Path(f"/proc/{number}/cmdline") for number in (company.process.pid, *company.workers())]
    said = {" ".join(words): company.autosync(*words) for words in EVERY_ANSWER}
    assert all(answer.stdout for answer in said.values())
    return [
        *(str(path) for path in (*files, *processes) if secret.encode() in path.read_bytes()),
        *(words for words, answer in said.items() if secret in answer.stdout + answer.stderr),
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize(
    ("reference", "url", "works"),
    [
        ("{file: badge.url}", f"sqlite:///badge.db?password={SECRET}", True),
        ("{env: BADGE_URL}", f"sqlite://service:{SECRET}@host/badge.db", False),
    ],
    ids=["a file", "the environment, and a URL that is refused"],
)
def test_a_secret_shows_nowhere(tmp_path: Path, reference: str, url: str, works: bool) -> None:
    company = Company(tmp_path / "company", people=5)
    (company.folder / "badge.url").write_text(url, encoding="utf-8")
    (company.folder / "badge.url").chmod(0o600)
    company.edit('url: "sqlite:///badge.db"', f"url: {reference}")
    company.edit("service:\n", "service:\n  log-level: debug\n")
    company.start({"BADGE_URL": url})
    try:
        wait_until(company.is_answering, company.told)
        wait_until(lambda: company.is_in_step() if works else company.unfinished() == ["request home/badge export"],
                   company.whole_story)  # fmt: skip
        shown = places_of(company, SECRET)
        assert company.stop() == 0
    finally:
        company.close()

    assert shown == []
    assert SECRET not in company.told()
    if not works:
        (refused,) = [run for run in company.runs() if run["agent"] == "home/badge"]
        assert "***" in json.dumps(refused), "the driver's sentence is shown, without it"


def test_a_secret_that_stands_in_the_file_is_refused_without_being_repeated(tmp_path: Path) -> None:
    company = Company(tmp_path / "company", people=5)
    company.edit('url: "sqlite:///badge.db"', f'url: "postgresql://service:{SECRET}@host/badge"')

    ended = company.program("run", "--config", str(company.configuration))

    assert ended.returncode == 1
    assert "a password stands in this address" in ended.stderr
    assert SECRET not in ended.stdout + ended.stderr


@pytest.mark.slow
def test_a_secret_that_is_missing_is_told_once_and_waited_for(tmp_path: Path) -> None:
    company = Company(tmp_path / "company", people=5)
    company.edit('url: "sqlite:///badge.db"', "url: {file: badge.url}")
    company.start()
    try:
        wait_until(company.is_answering, company.told)
        wait_until(lambda: company.facts("engine-lost"), company.whole_story)
        status = company.autosync("status").stdout
        (company.folder / "badge.url").write_text("sqlite:///badge.db", encoding="utf-8")
        (company.folder / "badge.url").chmod(0o600)
        company.wait_quiet()
    finally:
        company.close()

    assert "badge.url" in status
    assert "ConfigError" not in status
    assert company.told().count("level=error") == 1
