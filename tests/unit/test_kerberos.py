"""What Kerberos libraries and Windows say in numbers is told in words."""

import pytest

from autosync import kerberos

ACCOUNT, SERVICE = "svc@CORP.EXAMPLE", "host/sync01.corp.example"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Preauthentication failed -1765328360", "the password is wrong"),
        ("Decrypt integrity check failed -1765328353", "the password is wrong"),
        ("Client 'svc@CORP.EXAMPLE' not found in Kerberos database -1765328378", "knows no such account"),
        (
            "SpnegoError (4294967295): Major (851968): Unspecified GSS failure, Minor (2529638919): Server not found",
            "knows no service host/sync01.corp.example",
        ),
        ("Major (851968): Unspecified, Minor (2529638949): Clock skew too great", "five minutes apart"),
        ("Client's credentials have been revoked -1765328366", "disabled or locked"),
        ("Password has expired -1765328361", "password has expired"),
        ("Major (458752): No credentials, Minor (2529639053): No Kerberos credentials available", "KRB5_CLIENT_KTNAME"),
        ("Cannot contact any KDC for realm 'CORP.EXAMPLE' -1765328228", "is one of CORP.EXAMPLE reached, at port 88"),
        ('Cannot find KDC for realm "CORP.EXAMPLE" -1765328230', "krb5.conf"),
        ("[WinError -2146893053] The specified target is unknown or unreachable", "setspn -Q host/sync01"),
        ("SpnegoError (16): WinError 0x80090324 SEC_E_TIME_SKEW", "five minutes apart"),
    ],
)
def test_a_number_that_is_known_is_told_with_a_way_out(text, said):
    assert said in (kerberos.reason(RuntimeError(text), account=ACCOUNT, service=SERVICE) or "")


def test_a_windows_name_is_told_from_an_account_that_is_not_there():
    error = RuntimeError("Client 'CORPsvc@CORP.EXAMPLE' not found in Kerberos database -1765328378")

    assert "user@REALM" in (kerberos.reason(error, account=r"CORP\svc", service=SERVICE) or "")


@pytest.mark.parametrize("text", ["", "the server said nothing", "Major (851968), Minor (123456789)", "1" * 40])
def test_what_is_not_known_is_left_to_the_library(text):
    assert kerberos.reason(RuntimeError(text), account=ACCOUNT, service=SERVICE) is None


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Preauthentication failed -1765328360", True),
        ("Client's credentials have been revoked -1765328366", True),
        ("Password has expired -1765328361", True),
        ("Client 'CORPsvc@CORP.EXAMPLE' not found in Kerberos database -1765328378", False),
        ("Cannot contact any KDC for realm 'CORP.EXAMPLE' -1765328228", False),
        ("Server not found -1765328377", False),
        ("nothing is known", False),
    ],
)
def test_only_what_a_realm_says_of_an_account_that_it_knows_is_a_refusal(text, refused):
    assert kerberos.is_refusal(RuntimeError(text)) is refused
