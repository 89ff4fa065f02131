"""PowerShell remoting, asked by a plain pypsrp client."""

import base64
import threading
from collections.abc import Callable, Iterator

import pytest
from pypsrp.complex_objects import PSCredential, PSInvocationState, RunspacePoolState
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from autosync.testing.mim.pipelines import Called, CommandFailed, Invocation
from autosync.testing.mim.provider import MimProvider
from autosync.testing.mim.server import MimStandIn
from tests.unit.mim_stand_in.raw import connect


@pytest.fixture
def pool(client: WSMan) -> Iterator[RunspacePool]:
    opened = RunspacePool(client)
    opened.open()
    yield opened
    opened.close()


def call(pool: RunspacePool, name: str, **parameters) -> PowerShell:
    pipeline = PowerShell(pool)
    return pipeline.add_cmdlet(name).add_parameters(parameters)


def know(server: MimStandIn, name: str, function: Callable[[Invocation, Called], None]) -> None:
    server.commands.known[name] = function


def test_output_comes_back_as_what_it_was(pool: RunspacePool, server: MimStandIn) -> None:
    def say(invocation: Invocation, called: Called) -> None:
        for value in ("Größe 木", 7, True, None, b"\0\xff", called.parameters["Name"]):
            invocation.write(value)

    know(server, "say", say)

    assert call(pool, "Say", Name="$(x); `n").invoke() == ["Größe 木", 7, True, None, b"\0\xff", "$(x); `n"]


def test_each_stream_has_its_own_place(pool: RunspacePool, server: MimStandIn) -> None:
    def mutter(invocation: Invocation, _: Called) -> None:
        invocation.warn("careful")
        invocation.say("by the way")
        invocation.complain("one of them is wrong")
        invocation.write("done")

    know(server, "mutter", mutter)
    pipeline = call(pool, "Mutter")

    assert pipeline.invoke() == ["done"]
    assert pipeline.state == PSInvocationState.COMPLETED
    assert [str(each.message) for each in (*pipeline.streams.warning, *pipeline.streams.verbose)] == [
        "careful",
        "by the way",
    ]
    assert [str(each) for each in pipeline.streams.error] == ["one of them is wrong"]


def test_a_terminating_error_fails_the_pipeline_and_names_itself(pool: RunspacePool, server: MimStandIn) -> None:
    def fail(invocation: Invocation, _: Called) -> None:
        invocation.write("so far")
        raise CommandFailed("no more", "OutOfLuck")

    know(server, "fail", fail)
    pipeline = call(pool, "Fail")

    assert pipeline.invoke() == ["so far"]
    assert pipeline.state == PSInvocationState.FAILED
    assert pipeline.streams.error[0].fq_error == "OutOfLuck"


def test_what_is_unknown_is_not_run(pool: RunspacePool) -> None:
    pipeline = call(pool, "Remove-Everything")

    assert pipeline.invoke() == []
    assert pipeline.streams.error[0].fq_error == "CommandNotFoundException"


def load_bridge(pool: RunspacePool) -> None:
    PowerShell(pool).add_script("# autosync: bridge\nfunction maexport {}").invoke()


def test_large_output_comes_in_pieces_of_many_answers(
    pool: RunspacePool, server: MimStandIn, inside: MimProvider
) -> None:
    inside.knobs.agent_file = bytes(range(256)) * 8000
    load_bridge(pool)
    pieces = call(pool, "maexport", Agent="HR").invoke()

    assert b"".join(base64.b64decode(piece) for piece in pieces) == inside.knobs.agent_file
    assert len(pieces) > 40
    assert sum(call.action == "Receive" for call in server.calls) > 3


def test_the_bridge_belongs_to_its_runspace_or_to_a_session_configuration(sign_in, server: MimStandIn) -> None:
    server.shells.configurations["AutoSync.Tools"] = ("bridge",)
    with RunspacePool(sign_in()) as bare, RunspacePool(sign_in(), configuration_name="AutoSync.Tools") as ready:
        unknown, known = call(bare, "Find-Tools"), call(ready, "Find-Tools")
        unknown.invoke()
        known.invoke()

        assert (unknown.had_errors, known.had_errors) == (True, False)
    with pytest.raises(WSManFaultError) as fault:
        RunspacePool(sign_in(), configuration_name="Nowhere").open()
    assert fault.value.code == 2150858811


def test_what_a_run_did_is_told_by_the_bridge_too(pool: RunspacePool, inside: MimProvider) -> None:
    load_bridge(pool)
    inside.begin("HR", "DI")
    key = inside.runs()[0].key
    missed = call(pool, "Get-RunDetails", Key=f"{key}1")
    missed.invoke()

    assert base64.b64decode(call(pool, "Get-RunDetails", Key=key).invoke()[0]).startswith(b"<?xml")
    assert missed.streams.error[0].fq_error == "NoSuchRun"


def test_scripts_of_others_are_loaded_and_their_functions_called(pool: RunspacePool, server: MimStandIn) -> None:
    know(server, "get-it", lambda invocation, _: invocation.write("it"))
    text = "function Get-It {}"
    PowerShell(pool).add_script(text).invoke()

    assert server.commands.scripts == [text]
    assert call(pool, "Get-It").invoke() == ["it"]


def test_a_credential_arrives_with_its_password(pool: RunspacePool, server: MimStandIn) -> None:
    told: list[str] = []

    def keep(_: Invocation, called: Called) -> None:
        credential = called.parameters["Credentials"]
        told.extend((credential.UserName, credential.Password.decrypt()))

    know(server, "keep", keep)
    pool.exchange_keys()
    call(pool, "Keep", Credentials=PSCredential(username="CORP\\reader", password="s€cret")).invoke()

    assert told == ["CORP\\reader", "s€cret"]


def test_a_long_pipeline_is_polled_and_can_be_stopped(pool: RunspacePool, server: MimStandIn) -> None:
    ended: list[str] = []

    def dawdle(invocation: Invocation, _: Called) -> None:
        invocation.write("began")
        try:
            invocation.sleep(3600)
        finally:
            ended.append("stopped")

    know(server, "dawdle", dawdle)
    pipeline = call(pool, "Dawdle")
    pipeline.begin_invoke()
    while not pipeline.output:
        pipeline.poll_invoke(timeout=1)
    pipeline.stop()

    assert (pipeline.output, ended, pipeline.state) == (["began"], ["stopped"], PSInvocationState.STOPPED)
    assert call(pool, "Nothing").invoke() == []


def test_a_pipeline_outlives_its_client(client: WSMan, sign_in, server: MimStandIn) -> None:
    may_end = threading.Event()

    def wait(invocation: Invocation, _: Called) -> None:
        may_end.wait(5)
        invocation.write("at last")

    know(server, "wait", wait)
    first = RunspacePool(client)
    first.open()
    call(first, "Wait").begin_invoke()
    first.disconnect()
    found = RunspacePool.get_runspace_pools(sign_in())
    may_end.set()
    found[0].connect()
    pipelines = found[0].create_disconnected_power_shells()

    assert [len(found), len(pipelines)] == [1, 1]
    assert pipelines[0].connect() == ["at last"]
    found[0].close()
    assert server.shells.count == 0


def test_two_pipelines_of_one_pool_do_not_mix(client: WSMan, server: MimStandIn) -> None:
    def count(invocation: Invocation, called: Called) -> None:
        for number in range(20):
            invocation.write(f"{called.parameters['Of']}{number}")
            invocation.sleep(0.001)

    know(server, "count", count)
    pool = RunspacePool(client, max_runspaces=2)
    pool.open()
    pipelines = {word: call(pool, "Count", Of=word) for word in "ab"}
    for pipeline in pipelines.values():
        pipeline.begin_invoke()

    for word, pipeline in pipelines.items():
        assert pipeline.end_invoke() == [f"{word}{number}" for number in range(20)]
    pool.close()


def test_a_shell_that_is_gone_is_told(pool: RunspacePool, server: MimStandIn) -> None:
    server.shells.close()
    with pytest.raises(WSManFaultError) as fault:
        call(pool, "Say").invoke()

    assert fault.value.code == 2150858843
    pool.state = RunspacePoolState.CLOSED


def test_an_account_has_only_so_many_shells(sign_in, server: MimStandIn) -> None:
    server.shells.most_shells = 1
    first = RunspacePool(sign_in())
    first.open()
    with pytest.raises(WSManFaultError) as fault:
        RunspacePool(sign_in()).open()

    assert fault.value.code == 2150859173
    first.close()


def test_a_script_longer_than_an_envelope_comes_in_parts(pool: RunspacePool, server: MimStandIn) -> None:
    script = "# autosync: say\n" + "# and much more\n" * 60_000
    know(server, "say", lambda invocation, called: invocation.write(len(called.text)))

    assert PowerShell(pool).add_script(script).invoke() == [len(script)]
    assert sum(call.action == "Send" for call in server.calls) >= 2


def test_the_same_client_may_leave_and_come_back(pool: RunspacePool, server: MimStandIn) -> None:
    know(server, "say", lambda invocation, _: invocation.write("here"))
    pool.disconnect()
    pool.connect()

    assert call(pool, "Say").invoke() == ["here"]
    assert pool.is_alive()


def test_arguments_without_a_name_come_in_order(pool: RunspacePool, server: MimStandIn) -> None:
    know(server, "say", lambda invocation, called: invocation.write(" ".join(called.arguments)))

    assert PowerShell(pool).add_cmdlet("Say").add_argument("a").add_argument("b").invoke() == ["a b"]


def test_the_tools_are_found_or_not(pool: RunspacePool, inside: MimProvider) -> None:
    load_bridge(pool)
    found = call(pool, "find-tools").invoke()
    inside.knobs.tools = False
    missed = call(pool, "find-tools")
    missed.invoke()

    assert found[0].endswith("Bin")
    assert missed.streams.error[0].fq_error == "NoTools"


def test_a_command_without_what_it_needs_fails(pool: RunspacePool) -> None:
    load_bridge(pool)
    pipeline = call(pool, "maexport")
    pipeline.invoke()

    assert pipeline.streams.error[0].fq_error == "ParameterBindingException"


def test_a_shell_belongs_to_its_account(inside: MimProvider) -> None:
    accounts = {"CORP\\a": "x", "CORP\\b": "y"}
    with MimStandIn(inside, passwords=accounts) as server:
        first, second = (connect(server, user=user, password=password) for user, password in accounts.items())
        mine = RunspacePool(first)
        mine.open()
        seen = RunspacePool.get_runspace_pools(second)
        stolen = RunspacePool(second)
        stolen.id = stolen.shell.id = mine.id
        stolen.state, stolen._new_client = RunspacePoolState.DISCONNECTED, True
        with pytest.raises(WSManFaultError) as fault:
            stolen.connect()
        mine.close()
        first.close()
        second.close()

    assert (seen, fault.value.code) == ([], 2150858843)
