"""The ways in where the contract leaves room: rights, limits of WinRM, stale connections, long answers, what it costs."""

import asyncio
import ssl
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autosync.adapters.engines.mim.access import rows
from autosync.adapters.engines.mim.access.options import AccessOptions
from autosync.adapters.engines.mim.access.port import Question
from autosync.adapters.engines.mim.access.psrp.tools import PsrpTools
from autosync.adapters.engines.mim.access.service import WmiService
from autosync.adapters.engines.mim.access.ways import tls_of, ways_in
from autosync.adapters.engines.mim.access.wsman.door import WsmanDoor
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.options.windows_host import SignInOptions, Transport, WindowsHost
from autosync.ports.secrets import Secret, SecretKind, SecretReference
from autosync.testing.mim.cim import ENGINE
from autosync.testing.mim.server import Area, MimStandIn
from autosync.windows_remoting.target import Method, Target
from autosync.windows_remoting.wql import quoted
from tests.contracts.mim_remote import LIMITS, over_http, stand_in

Main = Callable[[WmiService], Coroutine[Any, Any, None]]


@pytest.fixture
def server() -> Iterator[MimStandIn]:
    with stand_in() as standing:
        yield standing


def run(server: MimStandIn, main: Main) -> None:
    async def whole() -> None:
        target = over_http(server)
        tools = PsrpTools(target)
        service = WmiService(target.name, lambda: WsmanDoor(target), LIMITS, long_details=tools.run_details)
        try:
            async with asyncio.timeout(30):
                await main(service)
        finally:
            await service.close()
            await tools.close()

    asyncio.run(whole())


@pytest.mark.parametrize("area", [Area.WINRM, Area.WMI])
def test_an_account_without_rights_reads_which_it_needs(server: MimStandIn, area: Area) -> None:
    server.denies.add(area)

    async def main(service: WmiService) -> None:
        with pytest.raises(EngineUnavailable, match="Remote Management Users"):
            await service.agents()

    run(server, main)


def test_a_server_without_the_engine_is_told(server: MimStandIn) -> None:
    server.cim.namespaces.remove(ENGINE)

    async def main(service: WmiService) -> None:
        await service.open()
        with pytest.raises(EngineUnavailable, match="has no Synchronization Service"):
            await service.agents()

    run(server, main)


def test_details_that_are_longer_than_an_envelope_come_by_powershell(server: MimStandIn) -> None:
    server.envelope_kb = 64

    async def main(service: WmiService) -> None:
        await service.execute("HR", "DI")
        (row,) = await service.runs(agent="HR")
        server.provider.knobs.details = f"<run-history>{'ä' * 300_000}</run-history>"
        assert await service.details(row.key) == server.provider.knobs.details

    run(server, main)


def test_without_powershell_long_details_say_which_limit_to_raise(server: MimStandIn) -> None:
    server.envelope_kb = 64
    server.denies.add(Area.POWERSHELL)
    target = over_http(server)

    async def main(_: WmiService) -> None:
        alone = WmiService(target.name, lambda: WsmanDoor(target), LIMITS)
        await alone.execute("HR", "DI")
        (row,) = await alone.runs(agent="HR")
        server.provider.knobs.details = "x" * 100_000
        with pytest.raises(EngineUnavailable, match="MaxEnvelopeSizekb"):
            await alone.details(row.key)
        await alone.close()

    run(server, main)


@pytest.mark.parametrize("status", [400, 401])
def test_a_forgotten_sign_in_loses_no_start(server: MimStandIn, status: int) -> None:
    async def main(service: WmiService) -> None:
        assert await service.execute("HR", "DI") == "success"
        server.line.statuses.append(status)
        assert await service.execute("HR", "DI") == "success"
        assert len(server.provider.executed) == 2

    run(server, main)


def test_an_idle_connection_that_the_server_closed_loses_no_start(server: MimStandIn) -> None:
    async def main(service: WmiService) -> None:
        await service.execute("HR", "DI")
        server.line.idle_s = 0.05
        await asyncio.to_thread(server.break_connections)
        await asyncio.to_thread(threading.Event().wait, 0.2)
        assert await service.execute("HR", "DI") == "success"
        assert len(server.provider.executed) == 2

    run(server, main)


def test_a_request_that_was_not_answered_is_asked_once_more(server: MimStandIn) -> None:
    async def main(service: WmiService) -> None:
        await service.agents()
        server.line.drops = 1
        assert await service.ask("HR", Question.RUN_STATUS) == ""
        server.line.drops = 2
        with pytest.raises(EngineUnavailable, match="broke before the answer"):
            await service.ask("HR", Question.RUN_STATUS)

    run(server, main)


def test_an_overloaded_server_is_told(server: MimStandIn) -> None:
    server.line.statuses.extend([503] * 4)

    async def main(service: WmiService) -> None:
        with pytest.raises(EngineUnavailable, match="overloaded"):
            await service.execute("HR", "DI")

    run(server, main)


def test_calls_of_many_agents_wait_side_by_side(server: MimStandIn) -> None:
    """Let twenty starts wait for their ends, and answer a question meanwhile."""
    server.provider.knobs.answer_s = 0.2

    async def main(service: WmiService) -> None:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(service.execute("HR", f"none {number}"), name=str(number))
            assert await service.ask("AD", Question.RUN_STATUS) == ""

    run(server, main)


def test_asking_for_new_rows_is_one_small_request(server: MimStandIn) -> None:
    async def main(service: WmiService) -> None:
        for _ in range(30):
            server.provider.begin("HR", "DI")
            server.provider.stop("HR")
        since = datetime.now(UTC) + timedelta(minutes=1)
        await service.open()
        before = len(server.calls)
        assert not await service.runs(started_from=since)

        assert [(call.action, call.of) for call in server.calls[before:]] == [("Enumerate", "*")]
        assert "RunStartTime >=" in server.calls[-1].detail

    run(server, main)


def test_long_histories_are_read_page_by_page(server: MimStandIn) -> None:
    server.cim.most_elements = 7

    async def main(service: WmiService) -> None:
        for _ in range(30):
            server.provider.begin("HR", "DI")
            server.provider.stop("HR")
        rows_found = await service.runs(agent="HR")

        assert [row.number for row in rows_found] == [str(number) for number in range(1, 31)]
        assert [call.action for call in server.calls] == ["Enumerate", *["Pull"] * 4]

    run(server, main)


def test_a_session_configuration_of_the_customers_own_needs_no_script(server: MimStandIn) -> None:
    server.shells.configurations["AutoSync"] = ("bridge",)

    async def main(_: WmiService) -> None:
        tools = PsrpTools(_with_session(over_http(server), "AutoSync"))
        await tools.open()
        assert [piece async for piece in tools.export_agent("HR")]
        await tools.close()
        without = PsrpTools(_with_session(over_http(server), "Elsewhere"))
        server.shells.configurations["Elsewhere"] = ()
        with pytest.raises(EngineUnavailable, match="does not have the functions"):
            await without.open()
        await without.close()

    run(server, main)


def test_an_account_without_powershell_is_told(server: MimStandIn) -> None:
    server.denies.add(Area.POWERSHELL)

    async def main(_: WmiService) -> None:
        tools = PsrpTools(over_http(server))
        with pytest.raises(EngineUnavailable, match="denies it access"):
            await tools.open()
        await tools.close()

    run(server, main)


def test_tools_that_say_something_odd_are_no_file(server: MimStandIn) -> None:
    server.commands.known["maexport"] = lambda invocation, _: invocation.write("no base 64 ✗")

    async def main(_: WmiService) -> None:
        tools = PsrpTools(over_http(server))
        with pytest.raises(EngineUnavailable, match="wrote between the pieces"):
            _pieces = [piece async for piece in tools.export_agent("HR")]
        await tools.close()

    run(server, main)


def test_a_session_that_the_server_forgot_is_opened_again(server: MimStandIn) -> None:
    async def main(_: WmiService) -> None:
        tools = PsrpTools(over_http(server))
        await tools.open()
        server.shells.close()
        assert [piece async for piece in tools.export_agent("HR")]
        with pytest.raises(EngineRejected):
            _pieces = [piece async for piece in tools.export_agent("nobody")]
        await tools.close()
        assert server.shells.count == 0

    run(server, main)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "SELECT * FROM MIIS_RunHistory"),
        ({"agent": "O'Neill\\x"}, "SELECT * FROM MIIS_RunHistory WHERE MaName = 'O\\'Neill\\\\x'"),
        (
            {"started_from": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)},
            "SELECT * FROM MIIS_RunHistory WHERE RunStartTime >= '2026-01-02 03:04:05'",
        ),
        (
            {"started_from": datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC)},
            "SELECT * FROM MIIS_RunHistory WHERE RunStartTime >= '2026-01-02 03:04:05.12'",
        ),
        (
            {"ended_until": datetime(2026, 1, 2, 3, 4, 5, 129_999, tzinfo=UTC)},
            "SELECT * FROM MIIS_RunHistory WHERE RunEndTime > '' AND RunEndTime <= '2026-01-02 03:04:05.129'",
        ),
    ],
)
def test_queries_bound_what_the_server_looks_at(given: dict[str, Any], expected: str) -> None:
    asked = {"agent": None, "started_from": None, "ended_until": None, **given}

    assert rows.runs_query(quoted, **asked) == expected


def test_a_lower_bound_is_rounded_to_the_next_millisecond() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 999_001, tzinfo=UTC)

    assert rows.next_millisecond(moment) == datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    assert rows.next_millisecond(moment.replace(microsecond=5000)) == moment.replace(microsecond=5000)


class _Secrets:
    def find(self, reference: str) -> Secret:
        return Secret(f"value of {reference}")


def test_options_become_a_target_with_its_secrets() -> None:
    host = WindowsHost(
        server="sync01",
        port=5985,
        transport=Transport.HTTP,
        sign_in=SignInOptions(
            method=Method.NTLM, user="CORP\\svc", password=SecretReference(kind=SecretKind.ENV, name="MIM_PASSWORD")
        ),
    )
    target = host.target(_Secrets())

    assert (target.host, target.port, target.tls) == ("sync01", 5985, None)
    assert target.sign_in.password is not None
    assert target.sign_in.password.reveal() == "value of env:MIM_PASSWORD"
    assert ways_in(AccessOptions(host=host, tools=False), _Secrets()).tools is None


def test_how_certificates_are_checked_can_be_shown(tmp_path: Path) -> None:
    assert tls_of(AccessOptions(host=WindowsHost(server="sync01"))) is not None
    assert tls_of(AccessOptions(host=WindowsHost(server="sync01", transport=Transport.HTTP))) is None
    pinned = tls_of(AccessOptions(host=WindowsHost(server="sync01", fingerprint="0" * 64)))
    assert pinned is not None
    assert pinned.verify_mode is ssl.CERT_NONE  # whoever looks compares
    with pytest.raises(EngineUnavailable, match="cannot be used"):
        tls_of(AccessOptions(host=WindowsHost(server="sync01", ca=tmp_path / "missing.pem")))


@pytest.mark.skipif(sys.platform == "win32", reason="there pywin32 may be installed")
def test_on_the_server_itself_com_is_asked() -> None:
    ways = ways_in(AccessOptions(), _Secrets())

    async def main() -> None:
        with pytest.raises(EngineUnavailable, match=r"pip install autosync\[windows\]"):
            await ways.service.open()
        assert ways.tools is not None
        with pytest.raises(EngineUnavailable, match="were not found"):
            await ways.tools.open()
        await ways.service.close()

    asyncio.run(main())


def _with_session(target: Target, name: str) -> Target:
    return Target(host=target.host, port=target.port, tls=None, sign_in=target.sign_in, session=name)
