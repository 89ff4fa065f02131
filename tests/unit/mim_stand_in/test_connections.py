"""Who may come in, what protects the messages, and what connections suffer."""

import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import trustme
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from pypsrp.wsman import WSMan

from autosync.testing.mim.listener import Place
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.server import PASSWORD, Area, MimStandIn
from tests.unit.mim_stand_in.raw import connect, execute, get, invoke, select

AGENT = "MIIS_ManagementAgent"
IDENTIFY = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><w:Identify/></s:Body></s:Envelope>'
)


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
@pytest.mark.parametrize("user", [ACCOUNT, "svc-autosync", "SVC-AutoSync@CORP"])
def test_every_form_of_a_name_signs_in(sign_in: Callable[..., WSMan], server: MimStandIn, auth: str, user: str) -> None:
    assert get(sign_in(auth=auth, user=user), AGENT, Name="HR")
    assert {call.account for call in server.calls} == {ACCOUNT}


@pytest.mark.parametrize(("user", "password"), [(ACCOUNT, "wrong"), ("CORP\\nobody", PASSWORD)])
def test_a_wrong_password_or_name_stays_outside(sign_in, server: MimStandIn, user: str, password: str) -> None:
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            get(sign_in(user=user, password=password), AGENT, Name="HR")

    assert not server.calls


def test_over_http_messages_are_encrypted_and_nothing_else_is_read(sign_in, server: MimStandIn) -> None:
    with pytest.raises(WinRMTransportError) as refused:
        get(sign_in(encryption="never"), AGENT, Name="HR")

    assert refused.value.code == 400
    assert not server.calls


def test_anybody_may_ask_who_the_server_is_and_nothing_more(server: MimStandIn) -> None:
    headers = {"WSMANIDENTIFY": "unauthenticated", "Content-Type": "application/soap+xml;charset=UTF-8"}
    told = requests.post(server.url, data=IDENTIFY, headers=headers, timeout=5)
    curious = IDENTIFY.replace("<w:Identify/>", "").replace("<s:Header/>", "<s:Header></s:Header>")
    refused = requests.post(server.url, data=curious, headers=headers, timeout=5)

    assert (told.status_code, "ProductVendor" in told.text) == (200, True)
    assert (refused.status_code, "Access is denied" in refused.text) == (500, True)
    assert requests.post(server.url, data=IDENTIFY, timeout=5).status_code == 401


def test_who_signs_in_to_ask_is_told_whether_he_may_come_in(client: WSMan, server: MimStandIn) -> None:
    told = client.transport.send(IDENTIFY.encode())
    server.denies = {Area.WINRM}
    with pytest.raises(WinRMTransportError, match="Access is denied"):
        client.transport.send(IDENTIFY.encode())

    assert b"ProductVendor" in told


def test_declarations_are_refused(server: MimStandIn) -> None:
    headers = {"WSMANIDENTIFY": "unauthenticated"}
    hostile = f"<!DOCTYPE x [<!ENTITY a 'b'>]>{IDENTIFY}"

    assert requests.post(server.url, data=hostile, headers=headers, timeout=5).status_code == 500


def test_an_idle_connection_is_closed_and_its_encryption_forgotten(client: WSMan, sign_in, server: MimStandIn) -> None:
    get(client, AGENT, Name="HR")
    server.line.idle_s = 0.05
    get(client, AGENT, Name="HR")
    threading.Event().wait(0.15)
    server.line.idle_s = 120
    with pytest.raises(WinRMTransportError) as stale:
        get(client, AGENT, Name="HR")

    assert stale.value.code == 400
    assert get(sign_in(), AGENT, Name="HR")


def test_a_lost_answer_has_been_carried_out(client: WSMan, sign_in, inside: MimProvider) -> None:
    inside.knobs.lose("Execute")
    with pytest.raises(requests.ConnectionError):
        execute(client, "HR", "DI")

    assert len(inside.executed) == 1
    assert invoke(sign_in(), AGENT, "RunNumber", {"Name": "HR"}) == "1"


def test_a_dropped_request_has_not(client: WSMan, sign_in, server: MimStandIn, inside: MimProvider) -> None:
    get(client, AGENT, Name="HR")
    server.line.drops = 1
    with pytest.raises(requests.ConnectionError):
        execute(client, "HR", "DI")

    assert not inside.executed
    assert execute(sign_in(), "HR", "DI") == "success"


def test_connections_may_end_after_some_requests_or_all_at_once(sign_in, server: MimStandIn) -> None:
    server.line.drop_after = 4
    first, second = sign_in(), sign_in()
    get(first, AGENT, Name="HR")
    with pytest.raises(requests.ConnectionError):
        get(first, AGENT, Name="HR")
    server.line.drop_after = None
    get(second, AGENT, Name="HR")
    server.break_connections()
    with pytest.raises((requests.ConnectionError, WinRMTransportError)):
        get(second, AGENT, Name="HR")


def test_a_server_may_be_busy_slow_or_away(client: WSMan, sign_in, server: MimStandIn, inside: MimProvider) -> None:
    get(client, AGENT, Name="HR")
    server.line.statuses.append(503)
    with pytest.raises((requests.RequestException, WinRMTransportError)):
        get(client, AGENT, Name="HR")
    inside.knobs.answer_s = 0.3
    with pytest.raises(requests.ReadTimeout):
        get(sign_in(read_timeout=0.1), AGENT, Name="HR")
    inside.knobs.answer_s, inside.knobs.reachable = 0.0, False
    with pytest.raises(requests.ConnectionError):
        get(sign_in(), AGENT, Name="HR")


def test_many_clients_are_served_at_once(sign_in, server: MimStandIn) -> None:
    clients = [sign_in() for _ in range(8)]

    def ask(client: WSMan) -> None:
        for _ in range(10):
            assert get(client, AGENT, Name="AD")["Name"] == "AD"
            assert select(client, "SELECT * FROM MIIS_ManagementAgent WHERE Name='HR'")[0]["Name"] == "HR"

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ask, clients))

    assert (len(server.calls), server.connections) == (160, 8)


def test_closing_ends_connections_and_waiting_calls_at_once(inside: MimProvider) -> None:
    with ThreadPoolExecutor(1) as threads:
        with MimStandIn(inside) as server:
            client = connect(server)
            get(client, AGENT, Name="HR")
            inside.knobs.answer_s = 30
            waiting = threads.submit(get, client, AGENT, Name="HR")
        ended = waiting.exception(timeout=5)
    client.close()

    assert isinstance(ended, requests.ConnectionError)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secured(inside: MimProvider, authority: trustme.CA) -> Iterator[MimStandIn]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    shown = ssl.PEM_cert_to_DER_cert(certificate.cert_chain_pems[0].bytes().decode())
    with MimStandIn(inside, place=Place(tls=context, bound_to=shown, certified_as=ACCOUNT)) as standing:
        yield standing


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return str(tmp_path / "authority.pem")


def test_over_https_a_password_is_enough(secured: MimStandIn, sign_in, trusted: str) -> None:
    assert get(sign_in(to=secured, cert_validation=trusted), AGENT, Name="HR")


def test_a_sign_in_that_is_not_bound_to_the_connection_stays_outside(
    secured: MimStandIn, sign_in, trusted: str
) -> None:
    with pytest.raises(AuthenticationError):
        get(sign_in(to=secured, cert_validation=trusted, negotiate_send_cbt=False), AGENT, Name="HR")


def test_over_https_a_closed_connection_mends_itself(secured: MimStandIn, sign_in, trusted: str) -> None:
    client = sign_in(to=secured, cert_validation=trusted)
    get(client, AGENT, Name="HR")
    secured.line.idle_s = 0.05
    get(client, AGENT, Name="HR")
    threading.Event().wait(0.15)
    secured.line.idle_s = 120

    assert get(client, AGENT, Name="HR")


def test_a_certificate_nobody_trusts_is_an_error_of_its_own(secured: MimStandIn, sign_in) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        get(sign_in(to=secured), AGENT, Name="HR")


def test_a_client_certificate_signs_in(
    secured: MimStandIn, sign_in, trusted: str, authority: trustme.CA, tmp_path: Path
) -> None:
    certificate = authority.issue_cert("svc-autosync@corp.example")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    files = {"certificate_key_pem": str(tmp_path / "key.pem"), "certificate_pem": str(tmp_path / "certificate.pem")}
    client = sign_in(to=secured, cert_validation=trusted, auth="certificate", **files)

    assert get(client, AGENT, Name="HR")
    assert secured.calls[0].account == ACCOUNT
