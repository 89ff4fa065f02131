"""People at the command line: runs by hand, agents stopped and started, and what must not happen now."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.acceptance.company import Company, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stories use signals")

SLOW_RULES = """\
import time
from pathlib import Path

WAIT = Path(__file__).with_name("wait")


def title(value):
    while WAIT.exists():
        time.sleep(0.01)
    return value
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = Company(tmp_path_factory.mktemp("hand") / "company")
    (company.folder / "rules.py").write_text(SLOW_RULES, encoding="utf-8")
    company.edit("            title: title\n            department: department\n            phone: phone\n",
                 "            title: {python: rules.title, from: [title]}\n"
                 "            department: department\n            phone: phone\n")  # fmt: skip
    twice = "      hr:\n        profiles: {twice: [full-sync, full-sync]}\n        connector"
    company.edit("      hr:\n        connector", twice)
    company.start_and_wait()
    yield company
    (company.folder / "wait").unlink(missing_ok=True)
    company.close()


@pytest.fixture(autouse=True)
def everything_is_well_afterwards(company: Company) -> Iterator[None]:
    good, text = company.hr.read_bytes(), company.text
    yield
    company.write_bytes(good)
    if company.text != text:
        company.text = text
        company.autosync("config", "reload")
    wait_until(lambda: company.is_in_step() and not company.holds(), company.whole_story)


def with_title(company: Company, title: str) -> None:
    people = company.people()
    company.write([*people[:-1], replace(people[-1], title=title)])


def titles(company: Company) -> set[str]:
    return {title for title, _ in company.directory().values()}


def test_a_run_by_hand_is_waited_for_and_tells_what_it_did(company: Company) -> None:
    for agent, profile in (("hr", "full-import"), ("home/hr", "delta-sync"), ("phonebook", "export")):
        done = company.autosync("run", "start", agent, profile, "--wait", "--reason", "CHG0042")
        assert done.returncode == 0, done.stderr
        assert f"{profile.replace('-', ' ')} on default: success" in done.stdout
        assert "CHG0042" in done.stdout


def test_a_run_by_hand_passes_the_same_guards(company: Company) -> None:
    before = company.targets()
    company.write(company.people()[:5])
    hold = company.wait_hold()["id"]

    for profile in ("delta-sync", "full-sync"):
        held = company.autosync("run", "start", "hr", profile, "--wait")
        assert held.returncode == 3
        assert f"autosync hold show {hold}" in held.stderr
    imported = company.autosync("run", "start", "hr", "full-import", "--wait")

    assert imported.returncode == 0, "an import changes nothing but what is known"
    assert company.targets() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "start", "phonebok", "export"], 'did you mean "home/phonebook"?'),
        (["run", "start", "hr", "full-imprt"], "did you mean full-import"),
        (["agent", "stop", "hrr"], 'did you mean "home/hr"?'),
        (["agent", "show", "bagde"], 'did you mean "home/badge"?'),
        (["why", "phonebok"], 'did you mean "home/phonebook"?'),
        (["hold", "show", "H-999"], "no hold H-999"),
        (["run", "show", "99999"], "the newest is"),
        (["request", "drop", "R-99999"], "no request R-99999"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_does_not_exist_is_told_with_what_does(company: Company, words: list[str], said: str) -> None:
    done = company.autosync(*words)

    assert done.returncode == 5
    assert said in done.stderr
    assert done.stdout == ""


def test_a_run_is_stopped_while_it_goes_on(company: Company) -> None:
    (company.folder / "wait").touch()
    asked = subprocess.Popen(
        [sys.executable, "-c", "from autosync.cli.main import main; main()", "run", "start", "hr", "twice", "--wait"],
        cwd=company.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    wait_until(lambda: company.unfinished() == ["run home/hr twice"], company.whole_story)
    status = company.autosync("status").stdout

    stopped = company.autosync("run", "stop", "hr", "--reason", "too long")
    again = company.autosync("run", "stop", "badge")
    (company.folder / "wait").unlink()
    told, _ = asked.communicate(timeout=30)

    assert "running" in status
    assert stopped.returncode == 0, stopped.stderr
    assert again.returncode == 3
    assert "runs nothing now" in again.stderr
    assert asked.returncode == 1
    assert b"stopped-user-termination" in told
    assert company.unfinished() == [], "what a person stopped is not tried again"


def test_a_stopped_agent_keeps_its_wishes_until_it_is_started(company: Company) -> None:
    stopped = company.autosync("agent", "stop", "directory", "--reason", "maintenance")
    with_title(company, "Gardener")
    wait_until(lambda: company.unfinished() == ["request home/directory export"], company.whole_story)
    status = company.autosync("status").stdout
    kept = titles(company)
    started = company.autosync("agent", "start", "directory")
    company.wait_quiet()

    assert stopped.returncode == started.returncode == 0
    assert "maintenance" in status
    assert "Gardener" not in kept
    assert "Gardener" in titles(company)


def test_no_export_lets_everything_pass_but_exports(company: Company) -> None:
    company.edit("  store: sqlite:state/autosync.db\n", "  store: sqlite:state/autosync.db\n  no-export: true\n")
    reloaded = company.autosync("config", "reload")
    with_title(company, "Beekeeper")
    wait_until(lambda: company.unfinished() == ["request home/directory export"], company.whole_story)
    status = company.autosync("status").stdout
    asked = company.autosync("run", "start", "directory", "export", "--wait", "--timeout", "1s")
    kept = titles(company)

    company.edit("  no-export: true\n", "")
    company.autosync("config", "reload")
    company.wait_quiet()

    assert reloaded.returncode == 0, reloaded.stderr
    assert "no-export" in status
    assert asked.returncode == 1
    assert "still waits" in asked.stderr
    assert "Beekeeper" not in kept
    assert "Beekeeper" in titles(company)


def test_an_exclusion_period_keeps_what_it_names_until_it_is_over(company: Company) -> None:
    begin = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    end = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 3 * 86400))
    freeze = f"exclusions:\n  - {{name: freeze, from: {begin}, until: {end}, only: exports}}\n\nengines:\n"
    company.edit("engines:\n", freeze)
    reloaded = company.autosync("config", "reload")
    with_title(company, "Astronomer")
    wait_until(lambda: company.unfinished() == ["request home/directory export"], company.whole_story)
    why = company.autosync("why", "directory").stdout
    kept = titles(company)

    company.edit(freeze, "engines:\n")
    company.autosync("config", "reload")
    company.wait_quiet()

    assert reloaded.returncode == 0, reloaded.stderr
    assert "exclusion period freeze" in why
    assert "Astronomer" not in kept
    assert "Astronomer" in titles(company)
