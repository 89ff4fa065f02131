"""What stands between here and a server, each told apart, with the way out."""

import hashlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from autosync.ports.secrets import Secret
from autosync.testing.mim.provider import ACCOUNT
from autosync.testing.mim.server import MimStandIn
from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.target import Method, SignIn, Target, Tls, plain_fingerprint
from tests.contracts.mim_remote import NTLM, over_https, stand_in


def failure(target: Target) -> RemotingFailed:
    connection = Connection(target)
    with pytest.raises(RemotingFailed) as raised:
        connection.identify()
    connection.close()
    assert not raised.value.carried_out
    return raised.value


@contextmanager
def showing(authority: trustme.CA, folder: Path, **certificate) -> Iterator[tuple[MimStandIn, Path]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = certificate.pop("names", ("localhost",))
    authority.issue_cert(*names, **certificate).configure_cert(context)
    ca = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with stand_in(tls=context) as server:
        yield server, ca


def test_a_name_without_an_address_is_told() -> None:
    failed = failure(Target(host="no-such-host.invalid"))

    assert failed.cause is Cause.NOT_REACHED
    assert "no-such-host.invalid has no address" in str(failed)


def test_a_closed_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    failed = failure(Target(host="127.0.0.1", port=port))

    assert failed.cause is Cause.NOT_REACHED
    assert f"127.0.0.1:{port} refuses connections" in str(failed)


def test_plain_http_behind_an_https_target_is_told(server: MimStandIn) -> None:
    failed = failure(Target(host="127.0.0.1", port=server.port, sign_in=NTLM))

    assert failed.cause is Cause.TLS
    assert "no TLS that is accepted" in str(failed)


def test_an_unknown_issuer_is_told(secure: tuple[MimStandIn, Target]) -> None:
    _, target = secure
    failed = failure(replace(target, tls=Tls()))

    assert failed.cause is Cause.TLS
    assert "give ca:" in str(failed)


def test_a_certificate_for_another_name_is_told(tmp_path: Path) -> None:
    with showing(trustme.CA(), tmp_path, names=("sync01.corp.example",)) as (server, ca):
        failed = failure(over_https(server, ca))

    assert failed.cause is Cause.TLS
    assert "for another name" in str(failed)


def test_an_expired_certificate_is_told(tmp_path: Path) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with showing(trustme.CA(), tmp_path, not_after=yesterday) as (server, ca):
        failed = failure(over_https(server, ca))

    assert failed.cause is Cause.TLS
    assert "has expired" in str(failed)


def test_a_file_of_authorities_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    target = Target(host="127.0.0.1", port=1, tls=Tls(ca=tmp_path / "missing.pem"))
    no_pem = tmp_path / "no.pem"
    no_pem.write_text("nothing", encoding="utf-8")

    assert "missing.pem cannot be used: No such file" in str(failure(target))
    assert "no.pem cannot be used" in str(failure(replace(target, tls=Tls(ca=no_pem))))


def test_a_pinned_certificate_is_accepted_and_no_other(secure: tuple[MimStandIn, Target]) -> None:
    server, target = secure
    shown = ssl.get_server_certificate(("127.0.0.1", server.port))
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    pinned = Connection(replace(target, host="127.0.0.1", tls=Tls(fingerprint=plain_fingerprint(digest.upper()))))
    other = failure(replace(target, tls=Tls(fingerprint="0" * 64)))

    assert pinned.identify() is not None
    assert other.cause is Cause.TLS
    assert "another certificate" in str(other)
    assert not server.calls
    pinned.close()


def test_fingerprints_are_read_as_tools_write_them() -> None:
    assert plain_fingerprint("AB:CD ef") == "abcdef"


@pytest.mark.parametrize(
    "sign_in",
    [replace(NTLM, password=Secret("wrong")), replace(NTLM, user="CORP\\nobody")],
    ids=["password", "account"],
)
@pytest.mark.parametrize("over_tls", [False, True], ids=["http", "https"])
def test_a_wrong_sign_in_is_told_without_the_password(
    sign_in: SignIn, over_tls: bool, target: Target, secure: tuple[MimStandIn, Target]
) -> None:
    failed = failure(replace(secure[1] if over_tls else target, sign_in=sign_in))

    assert failed.cause is Cause.SIGN_IN
    assert f"does not let in {sign_in.user} (HTTP 401)" in str(failed)
    assert "wrong" not in str(failed)


def test_kerberos_without_a_ticket_is_told(target: Target) -> None:
    failed = failure(replace(target, sign_in=SignIn(method=Method.KERBEROS)))

    assert failed.cause is Cause.SIGN_IN
    assert "cannot sign in" in str(failed)


def test_negotiate_signs_in(target: Target, server: MimStandIn) -> None:
    connection = Connection(replace(target, sign_in=replace(NTLM, method=Method.NEGOTIATE)))

    assert connection.identify() is not None
    connection.close()


def test_a_client_certificate_signs_in(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    ca, client = tmp_path / "ca.pem", tmp_path / "client.pem"
    authority.cert_pem.write_to_path(ca)
    authority.issue_cert("svc-autosync@corp.example").private_key_and_cert_chain_pem.write_to_path(client)
    with stand_in(tls=context, certified_as=ACCOUNT) as server:
        certified = SignIn(method=Method.CERTIFICATE, certificate=client)
        connection = Connection(over_https(server, ca, certified))
        known = connection.identify()
        connection.close()
        missing = failure(over_https(server, ca, replace(certified, certificate=tmp_path / "gone.pem")))

    assert known is not None
    assert "gone.pem or its key cannot be used" in str(missing)


@pytest.mark.parametrize(
    ("status", "cause", "said"),
    [
        (403, Cause.DENIED, "forbids it"),
        (404, Cause.NOT_REACHED, "no WS-Management"),
        (503, Cause.BUSY, "overloaded"),
        (418, Cause.SERVER, "HTTP 418"),
    ],
)
def test_statuses_are_told(status: int, cause: Cause, said: str, server: MimStandIn, target: Target) -> None:
    server.line.statuses.append(status)
    failed = failure(target)

    assert failed.cause is cause
    assert said in str(failed)


def test_the_servers_clock_comes_with_every_answer(server: MimStandIn, target: Target) -> None:
    server.provider.knobs.skew_s = 3600
    connection = Connection(target)
    told = connection.identify()

    assert told is not None
    assert timedelta(minutes=59) < told - datetime.now(UTC) < timedelta(minutes=61)
    connection.close()


def test_what_is_shown_of_a_target_holds_no_secret(target: Target) -> None:
    assert "stand-in" not in repr(target)
    assert Target(host="fe80::1").url == "https://[fe80::1]:5986/wsman"
