"""The MIM Service trigger through PowerShell remoting: in front of the stand-in server, where FIMAutomation is played."""

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Parser

from autosync.adapters.clocks import SystemClock
from autosync.adapters.triggers.mim_service.options import LOCAL_SERVICE, MimServiceOptions
from autosync.adapters.triggers.mim_service.remote import RemoteHistory, script
from autosync.adapters.triggers.mim_service.requests import SYNCHRONIZATION_ACCOUNT, Answer, completed_after
from autosync.adapters.triggers.mim_service.watching import MIM_SERVICE_KIND, MimServiceTrigger
from autosync.model.errors import TriggerFailed
from autosync.options.windows_host import WindowsHost
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from autosync.testing.mim.pipelines import Called, CommandFailed, Invocation
from autosync.testing.mim.server import Area, MimStandIn
from tests.contracts.mim_remote import stand_in
from tests.unit.scripts.places import PASSWORD, SIGN_IN, OneSecret
from tests.unit.scripts.remote_pwsh import windows_host

AFTER = re.compile(
    r"/Request\[msidmCompletedTime > '([^']+)' and RequestStatus = 'Completed'((?: and not\(Creator = '[^']+'\))*)\]"
)
QUESTION = completed_after(datetime(2026, 1, 31, 12, tzinfo=UTC), [SYNCHRONIZATION_ACCOUNT])
SOMEBODY = "7fb2b853-24f0-4498-9534-4e10589723c4"


class Portal:
    """Requests, and the function that finds them as ``requests.ps1`` does."""

    def __init__(self) -> None:
        self.completed: list[tuple[datetime, str, str]] = []
        self.calls: list[Called] = []

    def complete(self, creator: str = SOMEBODY) -> None:
        self.completed.append((datetime.now(UTC), str(UUID(int=len(self.completed))), creator))

    def find(self, invocation: Invocation, called: Called) -> None:
        assert "mim service" in invocation.loaded
        self.calls.append(called)
        found = AFTER.fullmatch(called.parameters["Filter"])
        assert found, called.parameters["Filter"]
        since = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
        invocation.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}1Z")
        for moment, name, creator in self.completed:
            if moment > since and creator not in found[2]:
                invocation.write(f"urn:uuid:{name.upper()}")


@pytest.fixture
def server() -> Iterator[MimStandIn]:
    with stand_in() as standing:
        yield standing


@pytest.fixture
def portal(server: MimStandIn) -> Portal:
    there = Portal()
    server.commands.known["find-completedrequest"] = there.find
    return there


@pytest.fixture
def options(server: MimStandIn) -> MimServiceOptions:
    return MimServiceOptions(host=windows_host(server), every=timedelta(milliseconds=20))


def trigger(options: MimServiceOptions) -> MimServiceTrigger:
    return MimServiceTrigger(options, SystemClock(), lambda: RemoteHistory(options, OneSecret()))


def ask(options: MimServiceOptions, times: int = 1) -> Answer:
    async def main() -> Answer:
        history = RemoteHistory(options, OneSecret())
        try:
            async with asyncio.timeout(20):
                answers = [await history.asked(QUESTION) for _ in range(times)]
            return answers[-1]
        finally:
            await history.close()

    return asyncio.run(main())


@pytest.mark.parametrize("case", CASES)
def test_it_keeps_a_triggers_promises(case: str, portal: Portal, options: MimServiceOptions) -> None:
    stage = TriggerStage(make=lambda: trigger(options), change=portal.complete, quiet_s=0.4)

    asyncio.run(getattr(TriggerContract(stage), case)())


def test_a_request_is_told_once_and_own_exports_never(portal: Portal, options: MimServiceOptions) -> None:
    async def main() -> list[int]:
        counts: list[int] = []
        pulses = 0
        async for seen in trigger(options).watch(None):
            if isinstance(seen, Firing):
                counts.append(seen.count)
                if len(counts) == 1:
                    portal.complete()
                    portal.complete(SYNCHRONIZATION_ACCOUNT)
            pulses += isinstance(seen, Pulse)
            if pulses == 5:
                break
        return counts

    assert asyncio.run(main()) == [1, 1]


def test_one_session_is_kept_and_the_script_is_loaded_once(
    server: MimStandIn, portal: Portal, options: MimServiceOptions
) -> None:
    answer = ask(options, times=3)

    assert abs(answer.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert server.commands.scripts == [script()]
    assert server.shells.count == 0
    assert [call.parameters["Service"] for call in portal.calls] == [LOCAL_SERVICE] * 3
    assert "Credential" not in portal.calls[0].parameters


def test_an_account_of_its_own_asks_the_service(portal: Portal, options: MimServiceOptions) -> None:
    given = MimServiceOptions(host=options.host, service="http://portal:5725", sign_in=SIGN_IN)
    ask(given)

    called = portal.calls[0].parameters
    assert called["Service"] == "http://portal:5725"
    assert (called["Credential"].UserName, called["Credential"].Password.decrypt()) == (SIGN_IN.user, PASSWORD)


@pytest.mark.parametrize(
    ("error_id", "said", "says"),
    [
        (
            "NoSnapIn",
            "The Windows PowerShell snap-in 'FIMAutomation' is not installed",
            "host must be the server of the",
        ),
        ("NotAnswered", "Failure when making web service call", "Get-Service FIMService"),
        ("CommandNotFoundException", "not recognized", "does not have the functions of AutoSync's requests.ps1"),
        ("Other", "something", "the MIM Service on 127.0.0.1: something"),
    ],
)
def test_each_failure_says_what_to_do(
    error_id: str, said: str, says: str, server: MimStandIn, options: MimServiceOptions
) -> None:
    def fail(_: Invocation, __: Called) -> None:
        raise CommandFailed(said, f"{error_id},Find-CompletedRequest")

    server.commands.known["find-completedrequest"] = fail

    with pytest.raises(TriggerFailed) as failure:
        ask(options)
    assert said in str(failure.value)
    assert says in str(failure.value)


def test_a_server_that_lets_nobody_in_is_told(server: MimStandIn, options: MimServiceOptions) -> None:
    server.denies.add(Area.WINRM)

    with pytest.raises(TriggerFailed, match=r"the MIM Service on 127\.0\.0\.1 cannot be asked: .*denies it access"):
        ask(options)


@pytest.mark.parametrize("values", [(), ("hello",), ("2026-01-31T12:00:00",)])
def test_an_answer_of_something_else_is_no_answer(
    values: tuple[str, ...], server: MimStandIn, options: MimServiceOptions
) -> None:
    def write(invocation: Invocation, _: Called) -> None:
        for value in values:
            invocation.write(value)

    server.commands.known["find-completedrequest"] = write

    with pytest.raises(TriggerFailed, match="did not say when it was asked"):
        ask(options)


def test_a_session_configuration_of_ones_own_gets_no_script(server: MimStandIn, options: MimServiceOptions) -> None:
    portal = Portal()
    server.shells.configurations["AutoSync"] = ("mim service",)
    server.commands.known["find-completedrequest"] = portal.find
    assert options.host is not None
    ask(MimServiceOptions(host=windows_host_of(options.host, session="AutoSync")))

    assert server.commands.scripts == []
    assert len(portal.calls) == 1


def windows_host_of(host: WindowsHost, **more: Any) -> WindowsHost:
    return WindowsHost(server=host.server, port=host.port, transport=host.transport, sign_in=host.sign_in, **more)


def test_a_lost_session_fails_the_watch_and_the_next_one_goes_on_from_the_token(
    server: MimStandIn, portal: Portal, options: MimServiceOptions
) -> None:
    tokens: list[str] = []

    async def first() -> None:
        async for seen in trigger(options).watch(None):
            tokens.extend([seen.token] if isinstance(seen, Firing) and seen.token else [])
            server.shells.close()

    async def after(token: str) -> Firing | Pulse:
        watching = trigger(options).watch(token)
        return await anext(aiter(watching))

    with pytest.raises(TriggerFailed, match=r"the remote shell .* is gone"):
        asyncio.run(first())
    portal.complete()

    assert isinstance(asyncio.run(after(tokens[0])), Firing)


def test_the_script_has_no_syntax_error_and_is_pure_ascii() -> None:
    parser = Parser(Language(tree_sitter_powershell.language()))

    assert not parser.parse(script().encode()).root_node.has_error
    assert parser.parse(script().replace("param(", "param((", 1).encode()).root_node.has_error
    assert script().isascii()
    assert script().startswith("# autosync: mim service\n")


def test_the_options_are_read(tmp_path: Path) -> None:
    parsed = MIM_SERVICE_KIND.parse(
        {"host": {"server": "mim01"}, "sign-in": {"user": "u", "password": {"env": "P"}}}, tmp_path
    )

    assert not parsed.mistakes
    assert isinstance(parsed.options, MimServiceOptions)
    assert (parsed.options.host, parsed.options.service) == (WindowsHost(server="mim01"), LOCAL_SERVICE)
    built = MIM_SERVICE_KIND.build(parsed.options, Surroundings(clock=SystemClock(), secrets=OneSecret()))
    assert isinstance(built, MimServiceTrigger)
