"""The keys that say how to reach a server."""

from pathlib import Path
from typing import Any

import pytest

from autosync.adapters.engines.mim.access.options import AccessOptions
from autosync.adapters.engines.mim.options import MimKind, MimOptions
from autosync.options.windows_host import SignInOptions, Transport, WindowsHost
from autosync.ports.registry import OptionMistake
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.windows_remoting.target import Method

FOLDER = Path("/etc/autosync")
PASSWORD = {"env": "MIM_PASSWORD"}
REFERENCE = SecretReference(kind=SecretKind.ENV, name="MIM_PASSWORD")
ACCOUNT = {"user": "CORP\\svc-autosync", "password": PASSWORD}


def read(data: dict[str, Any]) -> AccessOptions:
    parsed = MimKind().parse(data, FOLDER)
    assert parsed.mistakes == ()
    assert isinstance(parsed.options, MimOptions)
    return parsed.options.access


def host(data: dict[str, Any]) -> WindowsHost:
    found = read(data).host
    assert found is not None
    return found


def mistakes(data: dict[str, Any]) -> list[OptionMistake]:
    found = list(MimKind().parse(data, FOLDER).mistakes)
    assert found
    return found


def test_a_server_alone_is_enough() -> None:
    options = read({"server": "sync01.corp.example"})

    assert options == AccessOptions(host=WindowsHost(server="sync01.corp.example", port=5986))
    assert host({"server": "sync01.corp.example"}).sign_in == SignInOptions(method=Method.NEGOTIATE)


def test_an_account_signs_in_with_a_secret() -> None:
    options = host({"server": "sync01", "sign-in": ACCOUNT})

    assert options.sign_in == SignInOptions(user="CORP\\svc-autosync", password=REFERENCE)


@pytest.mark.parametrize(
    "words", [{"kerberos": True}, {"method": "kerberos"}, {"kerberos": True, "method": "kerberos"}]
)
def test_kerberos_can_be_asked_for_with_the_own_account(words: dict[str, Any]) -> None:
    assert host({"server": "sync01", "sign-in": words}).sign_in == SignInOptions(method=Method.KERBEROS)


def test_a_client_certificate_needs_no_account() -> None:
    words = {"method": "certificate", "certificate": "client.pem", "key": "/keys/client.key", "key-password": PASSWORD}
    options = host({"server": "sync01", "sign-in": words})

    assert options.sign_in == SignInOptions(
        method=Method.CERTIFICATE,
        certificate=FOLDER / "client.pem",
        key=Path("/keys/client.key"),
        key_password=REFERENCE,
    )


def test_http_has_its_own_port() -> None:
    assert host({"server": "sync01", "transport": "http"}).port == 5985
    assert host({"server": "sync01", "transport": "http", "port": 8080}).port == 8080
    assert host({"server": "sync01", "transport": "http"}).transport is Transport.HTTP


def test_a_fingerprint_is_taken_as_tools_write_it() -> None:
    options = host({"server": "sync01", "fingerprint": ":".join(["AB"] * 32)})

    assert options.fingerprint == "ab" * 32


def test_the_server_itself_needs_nothing_else() -> None:
    options = read({"local": True, "command-line-tools": False})

    assert options == AccessOptions(host=None, tools=False)


@pytest.mark.parametrize(
    ("data", "path", "said"),
    [
        ({}, (), "server is missing"),
        ({"server": "https://sync01"}, ("server",), "the server's name alone"),
        ({"server": "a", "local": True}, ("server",), "asks its own machine"),
        ({"local": True, "sign-in": ACCOUNT}, ("sign-in",), "asks its own machine"),
        ({"server": "a", "sign-in": {"user": "x"}}, ("sign-in",), "password is missing"),
        ({"server": "a", "sign-in": {"password": PASSWORD}}, ("sign-in",), "user is missing"),
        ({"server": "a", "sign-in": {"kerberos": True, "method": "ntlm"}}, ("sign-in", "method"), "different things"),
        ({"server": "a", "sign-in": {"method": "certificate"}}, ("sign-in",), "needs certificate:"),
        (
            {"server": "a", "sign-in": {"method": "certificate", "certificate": "c", "user": "x"}},
            ("sign-in", "user"),
            "the certificate says who",
        ),
        ({"server": "a", "sign-in": {"key": "k"}}, ("sign-in", "key"), "needs method: certificate"),
        ({"server": "a", "sign-in": {"method": "basic"}}, ("sign-in", "method"), "is not one of"),
        ({"server": "a", "transport": "http", "ca": "x"}, ("ca",), "needs transport: https"),
        (
            {"server": "a", "transport": "http", "sign-in": {"method": "certificate", "certificate": "c"}},
            ("transport",),
            "needs https",
        ),
        ({"server": "a", "ca": "x", "fingerprint": "0" * 64}, ("fingerprint",), "ca or fingerprint"),
        ({"server": "a", "fingerprint": "0" * 40}, ("fingerprint",), "GetCertHashString('SHA256')"),
        ({"server": "a", "port": 0}, ("port",), "from 1 to 65535"),
        ({"server": "a", "certificate-validation": False}, ("certificate-validation",), "unknown key"),
    ],
)
def test_what_does_not_fit_together_is_told_where_it_stands(data: dict[str, Any], path: tuple, said: str) -> None:
    found = mistakes(data)

    assert any(each.path == path and said in each.message for each in found), found


def test_a_password_in_the_file_is_refused_and_not_repeated() -> None:
    found = mistakes({"server": "a", "sign-in": {"user": "x", "password": "hunter2"}})

    assert "hunter2" not in repr(found)
