"""An HR file that somebody emptied, cut, overwrote or removed: nothing is deleted anywhere, and people see why."""

import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.acceptance.company import Company, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stories use signals")


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    company = Company(tmp_path_factory.mktemp("broken") / "company")
    company.start_and_wait()
    yield company
    company.close()


@pytest.fixture
def company(living: Company) -> Iterator[Company]:
    """The company when all is well; afterwards the good file is back and all must be well again by itself."""
    good, before = living.hr.read_bytes(), living.targets()
    yield living
    living.write_bytes(good)
    wait_until(lambda: living.is_in_step() and not living.holds(), living.whole_story)
    assert living.targets() == before


def lines_of(company: Company) -> list[bytes]:
    return company.hr.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("kept", [1, 25], ids=["the header alone", "four in ten"])
def test_a_file_without_most_of_its_lines_is_held(company: Company, kept: int) -> None:
    before = company.targets()

    company.write_bytes(b"".join(lines_of(company)[:kept]))
    hold = company.wait_hold()

    deletes = f"{61 - kept} deletes, limit half or more"
    listed = company.autosync("hold", "list").stdout
    status = company.autosync("status").stdout
    assert hold["id"] in listed
    assert deletes in listed
    assert f"autosync hold show {hold['id']}" in status
    assert deletes in company.autosync("why", "home/hr").stdout
    assert deletes in company.autosync("why", hold["id"]).stdout
    assert company.targets() == before


UNREADABLE = {
    "zero bytes": (lambda good: b"", "is empty: not even the header"),
    "cut in its last line": (lambda good: good[:-30], "could not read every object"),
    "binary": (lambda good: b"\x80\xff\x00\xfe" * 500, "that is not utf-8"),
    "zeroes": (lambda good: b"\0" * 5000, "no column"),
    "UTF-16": (lambda good: good.decode().encode("utf-16"), "give encoding: utf-16"),
    "another header": (lambda good: good.replace(b"employee_id", b"number", 1), "no column 'employee_id' (anchor)"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_cannot_be_read_changes_nothing_and_says_so(company: Company, kind: str) -> None:
    broken, said = UNREADABLE[kind]
    before, runs = company.targets(), len(company.runs())

    company.write_bytes(broken(company.hr.read_bytes()))
    wait_until(lambda: len(company.runs()) > runs and company.unfinished() == ["request home/hr delta import"],
               company.whole_story)  # fmt: skip

    assert said in company.autosync("queue").stdout
    why = company.autosync("why", "last").stdout
    assert said in why
    assert "nothing new" not in why or "1 error" in why
    assert "\0" not in why
    assert company.targets() == before


def test_a_file_that_is_away_is_waited_for_visibly(company: Company) -> None:
    before = company.targets()

    company.hr.unlink()
    wait_until(lambda: "waiting for the file" in company.autosync("status").stdout, company.whole_story)
    asked = company.autosync("run", "start", "hr", "full-import", "--wait", "--timeout", "1s")

    assert asked.returncode == 1
    assert "no-start-file-not-found" in company.autosync("why", "last").stdout
    assert company.targets() == before


def test_approving_deletes_exactly_what_was_looked_at(company: Company) -> None:
    everybody = company.people()
    gone = everybody[-40:]
    company.write(everybody[:-40])
    hold = company.wait_hold()["id"]
    seen = company.autosync("hold", "show", hold).stdout
    company.write(everybody[:-45])
    wait_until(lambda: company.holds()[0]["counts"]["deletes"] == 45, company.whole_story)

    refused = company.autosync("hold", "approve", hold, "--reason", "CHG0042")
    still_there = len(company.phonebook())
    company.write(everybody[:-40])
    wait_until(lambda: company.holds()[0]["counts"]["deletes"] == 40, company.whole_story)
    approved = company.autosync("hold", "approve", hold, "--reason", "CHG0042")
    # The exports of 40 deletions among 60 are a mass deletion of their own: each target asks again.
    wait_until(lambda: len(company.holds()) == 2, company.whole_story)
    for each in company.holds():
        company.autosync("hold", "show", each["id"])
        company.autosync("hold", "approve", each["id"], "--reason", "CHG0042")
    company.wait_quiet()

    assert "pending   40 deletes" in seen
    assert refused.returncode == 3
    assert "refused: the pending set has grown since you looked (40 → 45 deletes)." in refused.stderr
    assert f"Look again: autosync hold show {hold}" in refused.stderr
    assert still_there == 60
    assert approved.returncode == 0, approved.stderr
    assert company.phonebook().keys() == company.badges().keys() == {one.employee_id for one in everybody[:-40]}
    directory = company.directory()
    assert all(directory[one.employee_id][1] for one in gone), "left in the directory, but disabled"


def test_a_rejection_keeps_back_over_a_restart_until_it_is_lifted_w39(company: Company) -> None:
    everybody, before = company.people(), company.targets()
    company.write(everybody[:20])
    hold = company.wait_hold()["id"]
    company.autosync("hold", "show", hold)
    rejected = company.autosync("hold", "reject", hold, "--reason", "ask HR")
    # Harmless now, but rejected is rejected, whatever comes.
    company.write([*everybody[:-1], replace(everybody[-1], title="Poet")])
    wait_until(lambda: company.facts("token-stored") and company.unfinished() == ["request home/hr delta sync"],
               company.whole_story)  # fmt: skip
    assert company.stop() == 0
    company.start()
    wait_until(company.is_answering, company.told)
    wait_until(lambda: "rejected" in company.autosync("queue").stdout, company.whole_story)
    asked = company.autosync("run", "start", "hr", "delta-sync", "--wait")
    kept = company.targets()

    lifted = company.autosync("hold", "lift", hold, "--reason", "HR says yes")
    company.wait_quiet()

    assert rejected.returncode == 0, rejected.stderr
    assert asked.returncode == 3
    assert f"autosync hold show {hold}" in asked.stderr
    assert kept == before
    assert lifted.returncode == 0, lifted.stderr
    assert company.directory()[everybody[-1].employee_id][0] == "Poet"
