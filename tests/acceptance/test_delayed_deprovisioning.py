"""Who left is deleted when the delay is over, although nothing else happens and the service was away meanwhile."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.company import Company, wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="the stories use signals"),
]
DELAY_S = 6


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    company = Company(tmp_path / "company", people=20)
    before, after = company.text.split("      phonebook:")
    company.text = (
        before
        + "      phonebook:"
        + after.replace("deprovision: delete", f"deprovision: {{after: {DELAY_S}s, then: delete}}")
    )
    yield company
    company.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_delayed_deprovisioning_happens_by_itself(company: Company, *, restarted: bool) -> None:
    company.start_and_wait()
    first, *others = company.people()
    company.write([replace(first, status="L"), *others])
    wait_until(lambda: first.employee_id not in company.badges() and company.is_idle(), company.whole_story)
    left = time.monotonic()
    assert first.employee_id in company.phonebook(), "it waits for its delay"
    if restarted:
        company.stop()
        wait_until(lambda: time.monotonic() > left + DELAY_S, lambda: "the clock stands still")
        company.start()
        wait_until(company.is_answering, company.told)
    wait_until(lambda: first.employee_id not in company.phonebook() and company.is_idle(), company.whole_story)

    newest = company.runs()[-1]["id"]
    assert "1 delayed deprovisioning is due" in company.autosync("why", str(newest)).stdout
