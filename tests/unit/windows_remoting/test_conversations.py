"""One connection over time: closed when idle, broken, too slow, and answers that must not be believed."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from autosync.testing.mim.server import MimStandIn
from autosync.windows_remoting import transport
from autosync.windows_remoting.cim import Cim
from autosync.windows_remoting.connection import Connection
from autosync.windows_remoting.envelopes import checked, fault_in
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.target import Target
from autosync.windows_remoting.transport import Transport

AGENTS = "SELECT * FROM MIIS_ManagementAgent"


@pytest.fixture(params=["http", "https"])
def either(
    request: pytest.FixtureRequest, server: MimStandIn, target: Target, secure: tuple[MimStandIn, Target]
) -> tuple[MimStandIn, Target]:
    return secure if request.param == "https" else (server, target)


@pytest.fixture
def connection(either: tuple[MimStandIn, Target]) -> Iterator[Connection]:
    made = Connection(either[1])
    yield made
    made.close()


def asked(connection: Connection, limit_s: int = 5) -> int:
    cim = Cim(connection=connection, namespace="root/MicrosoftIdentityIntegrationServer", limit_s=limit_s)
    return len(list(cim.query(AGENTS)))


def failed(connection: Connection, limit_s: int = 5) -> RemotingFailed:
    with pytest.raises(RemotingFailed) as raised:
        asked(connection, limit_s)
    return raised.value


def test_one_connection_carries_many_requests(connection: Connection) -> None:
    assert [asked(connection) for _ in range(5)] == [4] * 5
    assert connection.connections == 1


def test_a_connection_that_the_server_closed_while_idle_is_replaced_before_anything_is_sent(
    connection: Connection, either: tuple[MimStandIn, Target]
) -> None:
    server = either[0]
    server.line.idle_s = 0.05
    asked(connection)
    threading.Event().wait(0.3)

    assert asked(connection) == 4
    assert connection.connections == 2


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(connection)
    monkeypatch.setattr(transport, "_IDLE_S", -1.0)

    assert asked(connection) == 4
    assert connection.connections == 2


def test_after_a_broken_connection_the_next_request_gets_a_new_one(
    connection: Connection, either: tuple[MimStandIn, Target]
) -> None:
    server = either[0]
    asked(connection)
    server.line.drops = 1
    lost = failed(connection)

    assert (lost.cause, lost.carried_out) == (Cause.LOST, True)
    assert asked(connection) == 4
    assert connection.connections == 2


def test_after_a_time_out_the_next_request_gets_a_new_connection(server: MimStandIn, target: Target) -> None:
    connection = Connection(target)
    asked(connection)
    server.provider.knobs.answer_s = 4
    late = failed(connection, limit_s=1)
    server.provider.knobs.answer_s = 0

    assert (late.cause, late.carried_out) == (Cause.TIME_OUT, True)
    assert asked(connection) == 4
    assert connection.connections == 2
    connection.close()


def test_a_sign_in_that_the_server_has_forgotten_was_carried_out_by_nobody(server: MimStandIn, target: Target) -> None:
    connection = Connection(target)
    asked(connection)
    server.line.statuses.append(400)
    forgotten = failed(connection)

    assert (forgotten.cause, forgotten.carried_out) == (Cause.LOST, False)
    assert asked(connection) == 4
    connection.close()


def test_a_waiting_request_can_be_broken_off(connection: Connection, either: tuple[MimStandIn, Target]) -> None:
    server = either[0]
    asked(connection)
    server.provider.knobs.answer_s = 5
    timer = threading.Timer(0.1, connection.abort)
    timer.start()

    assert failed(connection).cause is Cause.LOST
    timer.join()


def test_an_answer_in_the_clear_is_thrown_away_where_messages_are_encrypted(server: MimStandIn, target: Target) -> None:
    with in_between(server, tampered) as port:
        connection = Connection(replace(target, port=port))
        refused = failed(connection)
        connection.close()

    assert refused.cause is Cause.SIGN_IN
    assert "was not encrypted" in str(refused)


def test_who_does_not_ask_for_a_sign_in_is_no_server_of_windows(target: Target) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as port:
        said = failed(Connection(replace(target, port=port)))

    assert "does not ask for a sign-in" in str(said)


def test_a_server_that_offers_only_basic_is_refused(target: Target) -> None:
    with answering(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n") as port:
        said = failed(Connection(replace(target, port=port)))

    assert "offers basic to sign in, not Negotiate" in str(said)


def test_an_endless_answer_is_cut_off(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_ANSWER", 1000)
    with answering(b"HTTP/1.1 401 No\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000) as port:
        said = failed(Connection(replace(target, port=port)))

    assert said.cause is Cause.TOO_LARGE


@pytest.mark.parametrize(
    "hostile",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"<a>" * 100 + b"</a>" * 100,
        b"<a><b></a>",
        b"",
        b"\xff\xfe<\x00a\x00",
    ],
    ids=["entities", "depth", "no XML", "empty", "cut off"],
)
def test_hostile_answers_are_refused(hostile: bytes, target: Target) -> None:
    with pytest.raises(RemotingFailed, match="answered what is not read"):
        checked(hostile, target)


def test_an_envelope_without_a_fault_has_none() -> None:
    assert fault_in(b'<s:Envelope xmlns:s="x"><s:Body/></s:Envelope>') is None


def test_a_fault_without_a_detail_is_told_by_its_subcode() -> None:
    fault = fault_in(
        b"<s:Envelope xmlns:s='x'><s:Body><s:Fault><s:Code><s:Subcode><s:Value>w:Odd</s:Value></s:Subcode></s:Code>"
        b"<s:Reason><s:Text>so it is</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
    )

    assert fault is not None
    assert (fault.code, fault.reason) == ("w:Odd", "so it is")


def test_what_a_provider_says_is_part_of_the_fault() -> None:
    fault = fault_in(
        b"<s:Envelope xmlns:s='x' xmlns:f='y'><s:Body><s:Fault><s:Detail><f:WSManFault Code='5' Machine='sync01'><f:Message>"
        b"<f:ProviderFault provider='WMI'><f:Extended>0x80041003</f:Extended> denied</f:ProviderFault></f:Message>"
        b"</f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>"
    )

    assert fault is not None
    assert (fault.code, fault.machine, fault.provider) == (5, "sync01", "WMI")
    assert "0x80041003" in fault.provider_fault


def test_what_was_broken_off_sends_nothing_more(server: MimStandIn, target: Target) -> None:
    connection = Connection(target)
    asked(connection)
    connection.abort()
    refused = failed(connection)
    connection.mend()

    assert (refused.cause, refused.carried_out) == (Cause.LOST, False)
    assert asked(connection) == 4
    connection.close()


def test_closing_twice_does_nothing(target: Target) -> None:
    alone = Transport(target)
    alone.close()
    alone.abort()
    alone.close()


@contextmanager
def answering(answer: bytes) -> Iterator[int]:
    """Answer whatever is asked with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            line, _ = listening.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)
                line.settimeout(2)
                line.recv(65536)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@contextmanager
def in_between(server: MimStandIn, change: Callable[[bytes], bytes]) -> Iterator[int]:
    """Stand between a client and the server, and change what the server says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            near, _ = listening.accept()
            with near, socket.create_connection((server.host, server.port)) as far:
                threading.Thread(target=carry, args=(near, far), daemon=True).start()
                while said := far.recv(1 << 20):
                    near.sendall(change(said))

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def carry(near: socket.socket, far: socket.socket) -> None:
    try:
        while said := near.recv(1 << 20):
            far.sendall(said)
    except OSError:
        pass


def tampered(said: bytes) -> bytes:
    if b"multipart/encrypted" not in said:
        return said
    forged = b"<e/>"
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: "
        + str(len(forged)).encode()
        + b"\r\n\r\n"
        + forged
    )
