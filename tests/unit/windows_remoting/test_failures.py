"""Codes of Windows and WMI as people read them."""

import pytest
from pypsrp.exceptions import WinRMError, WSManFaultError

from autosync.windows_remoting.failures import TIMED_OUT, Cause, by_code, told
from autosync.windows_remoting.target import Target

TARGET = Target(host="sync01")


def fault(code: int | str, reason: str = "", provider: str | None = None) -> WSManFaultError:
    return WSManFaultError(code, "sync01", reason, None, None, provider)


@pytest.mark.parametrize(
    ("error", "cause", "carried_out"),
    [
        (fault(TIMED_OUT), Cause.TIME_OUT, True),
        (fault(5, "Access is denied."), Cause.DENIED, False),
        (fault(2150859012), Cause.DENIED, False),
        (fault(2150858752), Cause.NOT_FOUND, False),
        (fault(1, "HRESULT = 0x8004100E"), Cause.MISSING, False),
        (fault(1, "", "0x80041010 inside"), Cause.MISSING, False),
        (fault(2150859173), Cause.BUSY, False),
        (fault(2150859240), Cause.BUSY, False),
        (fault(2150858824), Cause.TOO_LARGE, False),
        (fault(2150858843), Cause.NO_SHELL, False),
        (fault(0x80041013), Cause.SERVER, False),
        (fault(42, "something new"), Cause.SERVER, True),
        (fault("w:Odd", "odd"), Cause.SERVER, True),
        (WinRMError("ids do not match"), Cause.SERVER, True),
    ],
)
def test_every_fault_has_a_cause_and_names_the_server(error: WinRMError, cause: Cause, carried_out: bool) -> None:
    failed = told(error, TARGET)

    assert (failed.cause, failed.carried_out) == (cause, carried_out)
    assert "sync01:5986" in str(failed)


def test_who_is_denied_reads_which_rights_are_missing() -> None:
    said = str(told(fault(5, "Access is denied."), TARGET))

    assert "the account that AutoSync runs as" in said
    assert "Remote Management Users" in said
    assert said.endswith("(Access is denied.)")


def test_a_code_without_ws_management_means_the_same() -> None:
    assert by_code(0x80041003, "no", "this machine").cause is Cause.DENIED
    assert str(by_code(0x80041FFF, "new", "this machine")) == "this machine answered error 0x80041fff: new"


def test_long_words_of_a_server_are_cut() -> None:
    assert len(str(told(fault(42, "x" * 10_000), TARGET))) < 500
