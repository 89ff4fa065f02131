"""Windows remoting signs in by Kerberos: tickets of a real domain controller (Samba), the stand-in in WinRM's place."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.mim.access.rows import AGENTS
from autosync.adapters.engines.mim.access.wsman.door import WsmanDoor
from autosync.ports.secrets import Secret
from autosync.testing.mim.listener import Place
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.mim.server import MimStandIn
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.powershell import Command, Session
from autosync.windows_remoting.target import Method, SignIn, Target, Tls
from scripts.services.processes import make_certificate
from tests.integration.realm import ACCOUNT, Proof, Realm

WINDOWS_NAME = r"LAB\Administrator"
SKEWED = """
import sys
from autosync.ports.secrets import Secret
from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.target import Method, SignIn, Target

who = SignIn(method=Method.KERBEROS, user=sys.argv[2], password=Secret(sys.argv[3]))
try:
    print("signed in", Connection(Target(host="127.0.0.1", port=int(sys.argv[1]), tls=None, sign_in=who)).identify())
except Exception as error:
    print(error)
"""


@contextmanager
def standing(place: Place, realm: Realm) -> Iterator[MimStandIn]:
    provider = MimProvider(company(), SystemClock(), Random(1))
    with MimStandIn(provider, place=place, passwords={WINDOWS_NAME: realm.samba.password}) as server:
        yield server


@pytest.fixture(params=["http", "https"])
def server(request, realm: Realm, remoting_keytab: Path, tmp_path: Path) -> Iterator[tuple[MimStandIn, Tls | None]]:
    """HTTP with encrypted messages, and HTTPS where sign-ins must be bound to the certificate."""
    if request.param == "http":
        with standing(Place(keytab=remoting_keytab), realm) as found:
            yield found, None
        return
    key, certificate = make_certificate(tmp_path, "sync01", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    shown = ssl.PEM_cert_to_DER_cert(certificate.read_text(encoding="ascii"))
    with standing(Place(keytab=remoting_keytab, tls=context, bound_to=shown), realm) as found:
        yield found, Tls(ca=certificate)


@pytest.fixture
def http_server(realm: Realm, remoting_keytab: Path) -> Iterator[MimStandIn]:
    with standing(Place(keytab=remoting_keytab), realm) as found:
        yield found


def kerberos(user: str, password: str | None) -> SignIn:
    return SignIn(method=Method.KERBEROS, user=user, password=Secret(password) if password is not None else None)


def agents_by(target: Target) -> int:
    """Return how many agents are read, over three conversations of which each is longer than a piece that is sealed."""
    door = WsmanDoor(target)
    try:
        door.enter()
        return [len(list(door.query(AGENTS, limit_s=10))) for _ in range(3)][-1]
    finally:
        door.close()


@pytest.mark.parametrize("proof", Proof)
def test_an_account_signs_in_by_kerberos(server, realm: Realm, tmp_path: Path, proof: Proof) -> None:
    found, tls = server
    password = realm.prove(proof, tmp_path)
    target = Target(host=found.host, port=found.port, tls=tls, sign_in=kerberos(ACCOUNT if password else "", password))

    assert agents_by(target) == len(found.provider.agents())
    assert {call.account for call in found.calls} == {WINDOWS_NAME}


def test_a_powershell_session_signs_in_by_kerberos(server, realm: Realm) -> None:
    found, tls = server
    target = Target(host=found.host, port=found.port, tls=tls, sign_in=kerberos(ACCOUNT, realm.samba.password))
    found.commands.known["say"] = lambda invocation, _: invocation.write("ü" * 50_000)
    session = Session(target, ())
    try:
        said, _ = session.run(Command(text="say"), limit_s=10)
    finally:
        session.close()

    assert said == ["ü" * 50_000]


def test_negotiate_takes_ntlm_where_the_account_is_written_as_windows_does(server, realm: Realm) -> None:
    found, tls = server
    who = SignIn(method=Method.NEGOTIATE, user=WINDOWS_NAME, password=Secret(realm.samba.password))

    assert agents_by(Target(host=found.host, port=found.port, tls=tls, sign_in=who))


def test_a_sign_in_that_is_bound_to_another_certificate_is_refused(
    realm: Realm, remoting_keytab: Path, tmp_path: Path
) -> None:
    key, certificate = make_certificate(tmp_path, "sync01", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with standing(Place(keytab=remoting_keytab, tls=context, bound_to=b"another certificate"), realm) as found:
        who = kerberos(ACCOUNT, realm.samba.password)
        target = Target(host=found.host, port=found.port, tls=Tls(ca=certificate), sign_in=who)
        with pytest.raises(RemotingFailed, match="does not let in") as caught:
            agents_by(target)

    assert caught.value.cause is Cause.SIGN_IN


@pytest.mark.parametrize(
    ("host", "user", "password", "said"),
    [
        ("127.0.0.1", ACCOUNT, "Wrong-Passw0rd", "the password is wrong"),
        ("127.0.0.1", "nobody@LAB.TEST", "Wrong-Passw0rd", "knows no such account"),
        ("127.0.0.1", WINDOWS_NAME, "Wrong-Passw0rd", r"as user@REALM here, not as DOMAIN\\user"),
        ("127.0.0.1", "", None, "there is no ticket, and no keytab"),
        ("localhost", ACCOUNT, "", "knows no service host/localhost: .* setspn -Q host/localhost"),
    ],
)
def test_what_kerberos_refuses_is_told_in_words(
    http_server: MimStandIn, realm: Realm, host: str, user: str, password: str | None, said: str
) -> None:
    who = kerberos(user, realm.samba.password if password == "" else password)
    with pytest.raises(RemotingFailed, match=f"with kerberos: .*{said}") as caught:
        agents_by(Target(host=host, port=http_server.port, tls=None, sign_in=who))

    assert caught.value.cause is Cause.SIGN_IN
    assert "Wrong-Passw0rd" not in f"{caught.value!r}"


def test_a_clock_that_is_wrong_is_told(http_server: MimStandIn, clocks: Realm) -> None:
    arguments = [str(http_server.port), ACCOUNT, clocks.samba.password]

    assert "signed in" in clocks.with_clock(1, SKEWED, arguments)
    assert "clock and the domain's are more than five minutes apart" in clocks.with_clock(10, SKEWED, arguments)
