"""Scripts on another machine: what only a network, a session and a server of one's own can do wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.scripts.powershell import remote
from autosync.adapters.scripts.script import Arguments, Output, Script
from autosync.model.errors import ScriptFailed
from autosync.options.script import ScriptOptions
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.testing.mim.pipelines import Called, CommandFailed, Invocation
from autosync.testing.mim.server import Area, MimStandIn
from tests.unit.scripts.places import QUICK, OneSecret, script_options
from tests.unit.scripts.remote_pwsh import script_server

TEXT = """\
#fake Get-Count => {"count": true}
function Get-Count { $global:count++; $global:count }
#fake Get-Run => {"outputs": ["Zo\\u00eb"]}
function Get-Run { 'Zoë' }
#fake Invoke-Sleep => {"sleep": 60}
function Invoke-Sleep { Start-Sleep 60 }
"""


@pytest.fixture
def server() -> Iterator[MimStandIn]:
    with script_server() as standing:
        yield standing


@pytest.fixture
def options(server: MimStandIn, tmp_path: Path) -> ScriptOptions:
    return script_options("remote", tmp_path, TEXT, server=server)


def play(options: ScriptOptions, act: Callable[[Script], Awaitable[None]]) -> None:
    async def main() -> None:
        script = script_of(options, OneSecret(), patience=QUICK)
        try:
            async with asyncio.timeout(30):
                await act(script)
        finally:
            await script.close()

    asyncio.run(main())


async def outputs(script: Script, name: str = "Get-Count") -> list[object]:
    async with aclosing(script.call(name, Arguments())) as found:
        return [each.value async for each in found if isinstance(each, Output)]


def test_a_session_that_the_server_forgot_is_noticed_before_a_call_that_comes_late(
    server: MimStandIn, options: ScriptOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_TRUST_S", 0.0)

    async def act(script: Script) -> None:
        assert await outputs(script) == [1]
        assert await outputs(script) == [2]
        server.shells.close()
        assert await outputs(script) == [1]

    play(options, act)


def test_a_session_is_kept_while_nothing_is_asked(
    server: MimStandIn, options: ScriptOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_KEEP_S", 0.05)

    async def act(script: Script) -> None:
        assert await outputs(script) == [1]
        before = len(server.calls)
        async with asyncio.timeout(5):
            while len(server.calls) < before + 8:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.02)
        assert await outputs(script) == [2]

    play(options, act)


def test_a_connection_that_breaks_in_a_call_is_told_and_the_script_begins_anew(
    server: MimStandIn, options: ScriptOptions
) -> None:
    async def act(script: Script) -> None:
        assert await outputs(script) == [1]
        async with asyncio.TaskGroup() as group:
            call = group.create_task(_failing(outputs(script, "Invoke-Sleep")), name="call")
            await asyncio.sleep(0.3)
            server.shells.close()
        assert "the session on 127.0.0.1 of script.ps1 ended during Invoke-Sleep" in str(call.result())
        assert await outputs(script) == [1]

    play(options, act)


async def _failing(call: Awaitable[object]) -> ScriptFailed:
    try:
        await call
    except ScriptFailed as error:
        return error
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("area", [Area.WINRM, Area.POWERSHELL])
def test_an_account_without_rights_is_told(server: MimStandIn, options: ScriptOptions, area: Area) -> None:
    server.denies.add(area)

    async def act(script: Script) -> None:
        with pytest.raises(
            ScriptFailed, match=r"the session on 127\.0\.0\.1 cannot run it: .* denies it access.*Management Users"
        ):
            await script.open()

    play(options, act)


def test_a_wrong_password_and_a_missing_one_are_told(options: ScriptOptions) -> None:
    assert options.host is not None

    def signing_in(name: str) -> ScriptOptions:
        assert options.host is not None
        sign_in = replace(options.host.sign_in, password=SecretReference(kind=SecretKind.ENV, name=name))
        return replace(options, host=replace(options.host, sign_in=sign_in))

    async def refused(script: Script) -> None:
        with pytest.raises(ScriptFailed, match=r"HTTP 401.*see sign-in"):
            await script.open()

    async def missing(script: Script) -> None:
        with pytest.raises(ScriptFailed, match="env:NOWHERE is not set"):
            await script.open()

    play(signing_in("SCRIPT_PASSWORD"), refused)
    play(signing_in("NOWHERE"), missing)


def test_a_server_that_is_not_there_is_told(options: ScriptOptions) -> None:
    assert options.host is not None

    async def act(script: Script) -> None:
        with pytest.raises(ScriptFailed, match="refuses connections"):
            await script.open()

    play(replace(options, host=replace(options.host, port=1)), act)


def test_a_session_that_allows_no_scripts_is_told(server: MimStandIn, options: ScriptOptions) -> None:
    def constrained(invocation: Invocation, _: Called) -> None:
        invocation.write('{"ready":false,"protocol":1,"reason":"PowerShell is in Constrained Language Mode there"}')

    server.commands.known["open-autosyncbridge"] = constrained

    async def act(script: Script) -> None:
        with pytest.raises(ScriptFailed, match=r"script\.ps1 cannot run here: .*Constrained Language Mode"):
            await script.open()

    play(options, act)


def test_a_bridge_that_cannot_be_loaded_is_told(server: MimStandIn, options: ScriptOptions) -> None:
    def refused(_: Invocation, __: Called) -> None:
        raise CommandFailed("The syntax is not supported by this runspace.", "ScriptsNotAllowed")

    server.commands.known["open-autosyncbridge"] = refused

    async def act(script: Script) -> None:
        with pytest.raises(ScriptFailed, match="The syntax is not supported by this runspace"):
            await script.open()

    play(options, act)


def test_closing_in_the_middle_ends_the_call_and_the_session(server: MimStandIn, options: ScriptOptions) -> None:
    async def act(script: Script) -> None:
        await script.open()
        async with asyncio.TaskGroup() as group:
            call = group.create_task(_failing(outputs(script, "Invoke-Sleep")), name="call")
            await asyncio.sleep(0.2)
            async with asyncio.timeout(3):
                await script.close()
        assert "ended during Invoke-Sleep" in str(call.result())
        assert server.shells.count == 0

    play(options, act)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_script_is_read_as_powershell_reads_files_here(encoding: str, options: ScriptOptions) -> None:
    text = '#fake Get-Run => {"outputs": ["Zoë"]}\nfunction Get-Run { \'Zoë\' }\n'
    options.path.write_bytes(text.encode(encoding))

    async def act(script: Script) -> None:
        assert await outputs(script, "Get-Run") == ["Zoë"]

    play(options, act)


def test_the_helper_types_go_along_with_the_script(server: MimStandIn, options: ScriptOptions) -> None:
    seen: list[str] = []
    real = server.commands.known["invoke-autosyncrequest"]

    def look(invocation: Invocation, called: Called) -> None:
        seen.append(called.parameters["Request"])
        real(invocation, called)

    server.commands.known["invoke-autosyncrequest"] = look

    async def act(script: Script) -> None:
        await outputs(script)

    play(options, act)

    load, call = seen
    assert "UnexpectedChangeException" in load
    assert "PersistentSearchControl" in load
    assert "UnexpectedChangeException" not in call
    assert all(request.isascii() for request in seen)


def test_a_service_goes_on_while_a_server_does_not_answer(server: MimStandIn, options: ScriptOptions) -> None:
    """Nothing blocks the loop, and a cancelled call is over at once."""
    server.provider.knobs.answer_s = 30.0

    async def act(script: Script) -> None:
        loop: Any = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await script.open()
        assert loop.time() - began < 4.0

    play(options, act)
