"""Scripts on a server: loaded once, called with parameters, and what comes back."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pypsrp.complex_objects import GenericComplexObject, PSCredential

from autosync.ports.secrets import Secret
from autosync.testing.mim.pipelines import Called, Invocation
from autosync.testing.mim.pipelines import CommandFailed as Fails
from autosync.testing.mim.server import MimStandIn
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.plain import plain
from autosync.windows_remoting.powershell import Command, CommandFailed, Credential, Said, Stream
from autosync.windows_remoting.scripts import RemoteScript
from autosync.windows_remoting.target import Target

TEXT = "# the users' own\nfunction ShouldExecute { }\n"


def run(target: Target, main: Callable[[RemoteScript], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        script = RemoteScript(target, TEXT, name="guard.ps1")
        try:
            async with asyncio.timeout(30):
                await main(script)
        finally:
            await script.close()

    asyncio.run(whole())


def know(server: MimStandIn, name: str, function: Callable[[Invocation, Called], None]) -> None:
    server.commands.known[name] = function


def test_a_script_is_loaded_once_and_its_functions_are_called_by_name(server: MimStandIn, target: Target) -> None:
    know(server, "shouldexecute", lambda invocation, called: invocation.write(called.parameters["RunProfileName"]))

    async def main(script: RemoteScript) -> None:
        first = await script.call(
            Command(text="ShouldExecute", parameters={"RunProfileName": "$(evil) `n 木"}), limit_s=10
        )
        second = await script.call(Command(text="ShouldExecute", parameters={"RunProfileName": "DI"}), limit_s=10)

        assert (first.values, second.values) == (("$(evil) `n 木",), ("DI",))
        assert (first.is_fresh, second.is_fresh) == (True, False)
        assert server.commands.scripts == [TEXT]

    run(target, main)
    assert server.shells.count == 0


def test_a_password_travels_as_a_credential(server: MimStandIn, target: Target) -> None:
    got: list[Any] = []
    know(server, "use", lambda _, called: got.append(called.parameters["Credential"]))

    async def main(script: RemoteScript) -> None:
        credential = Credential(user="CORP\\hr", password=Secret("pässword"))
        await script.call(Command(text="Use", parameters={"Credential": credential, "Left": None}), limit_s=10)

    run(target, main)

    assert got[0].UserName == "CORP\\hr"
    assert "pässword" not in repr(Credential(user="x", password=Secret("pässword")))


def test_streams_come_beside_the_output(server: MimStandIn, target: Target) -> None:
    def mutter(invocation: Invocation, _: Called) -> None:
        invocation.warn("careful")
        invocation.say("by the way")
        invocation.complain("one of them is wrong")
        invocation.write("done")

    know(server, "mutter", mutter)

    async def main(script: RemoteScript) -> None:
        answer = await script.call(Command(text="Mutter"), limit_s=10)

        assert answer.values == ("done",)
        assert set(answer.said) == {
            Said(stream=Stream.WARNING, text="careful"),
            Said(stream=Stream.VERBOSE, text="by the way"),
            Said(stream=Stream.ERROR, text="one of them is wrong"),
        }

    run(target, main)


def test_a_terminating_error_comes_with_its_id_and_the_next_call_goes_well(server: MimStandIn, target: Target) -> None:
    def fail(_: Invocation, __: Called) -> None:
        raise Fails("the list is empty", "EmptyList,Get-List")

    know(server, "fail", fail)
    know(server, "well", lambda invocation, _: invocation.write(1))

    async def main(script: RemoteScript) -> None:
        with pytest.raises(CommandFailed, match="the list is empty") as raised:
            await script.call(Command(text="Fail"), limit_s=10)
        assert raised.value.error_id == "EmptyList"
        with pytest.raises(CommandFailed, match="not recognized"):
            await script.call(Command(text="Unknown"), limit_s=10)
        assert (await script.call(Command(text="Well"), limit_s=10)).values == (1,)

    run(target, main)


def test_a_call_that_hangs_ends_in_time_and_the_script_begins_anew(server: MimStandIn, target: Target) -> None:
    stopped: list[bool] = []

    def hang(invocation: Invocation, _: Called) -> None:
        try:
            invocation.sleep(60)
        finally:
            stopped.append(True)

    know(server, "hang", hang)
    know(server, "well", lambda invocation, _: invocation.write("well"))

    async def main(script: RemoteScript) -> None:
        with pytest.raises(RemotingFailed) as raised:
            await script.call(Command(text="Hang"), limit_s=0.1)
        after = await script.call(Command(text="Well"), limit_s=10)

        assert raised.value.cause is Cause.TIME_OUT
        assert after.is_fresh
        assert server.commands.scripts == [TEXT, TEXT]

    run(target, main)
    assert stopped == [True]


def test_a_script_that_the_server_forgot_is_loaded_again(server: MimStandIn, target: Target) -> None:
    know(server, "well", lambda invocation, _: invocation.write("well"))

    async def main(script: RemoteScript) -> None:
        await script.call(Command(text="Well"), limit_s=10)
        server.shells.close()
        with pytest.raises(RemotingFailed) as raised:
            await script.call(Command(text="Well"), limit_s=10)
        assert raised.value.cause is Cause.NO_SHELL
        assert (await script.call(Command(text="Well"), limit_s=10)).is_fresh

    run(target, main)


def test_too_many_shells_are_told_and_none_is_left_behind(server: MimStandIn, target: Target) -> None:
    know(server, "well", lambda invocation, _: invocation.write("well"))
    server.shells.most_shells = 0

    async def main(script: RemoteScript) -> None:
        with pytest.raises(RemotingFailed, match="MaxShellsPerUser"):
            await script.call(Command(text="Well"), limit_s=10)
        server.shells.most_shells = 1
        assert (await script.call(Command(text="Well"), limit_s=10)).values == ("well",)

    run(target, main)
    assert server.shells.count == 0


def test_an_endless_output_is_cut_off(server: MimStandIn, target: Target) -> None:
    def pour(invocation: Invocation, _: Called) -> None:
        while True:
            invocation.write(0)

    know(server, "pour", pour)

    async def main(script: RemoteScript) -> None:
        with pytest.raises(CommandFailed, match="more than 10,000 values"):
            await script.call(Command(text="Pour"), limit_s=60)

    run(replace(target), main)


def test_results_become_plain_data() -> None:
    thing = GenericComplexObject()
    thing.adapted_properties = {"Name": "HR", "Inner": [1, 2.5, {"a": None}]}
    thing.extended_properties = {"Id": UUID(int=1)}
    number = GenericComplexObject()
    number.property_sets = [3]
    shown = GenericComplexObject()
    shown.to_string = "as text"

    assert plain(thing) == {"Name": "HR", "Inner": [1, 2.5, {"a": None}], "Id": str(UUID(int=1))}
    assert (plain(number), plain(shown), plain(b"x"), plain(True)) == (3, "as text", b"x", True)
    assert plain(PSCredential(username="u", password="p")) is None


def test_results_are_bounded_in_depth_and_size() -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = [deep]
    wide = plain(["x"] * 50_000)

    assert "bottom" not in repr(plain(deep))
    assert isinstance(wide, list)
    assert len(wide) <= 10_000
