"""Every host of scripts keeps the promises of ``adapters.scripts.script``: Python, PowerShell's stand-in, also on another
machine, and real PowerShell.

Each script is written in both languages. The stand-in does what its comments say; for real PowerShell they are comments.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.scripts.script import Arguments, Output, UnexpectedChangeSeen, Working
from autosync.model.errors import ScriptFailed
from autosync.options.account import Account
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.testing.mim.server import MimStandIn
from tests.unit.scripts.places import HOSTS, PASSWORD, QUICK, OneSecret, language_of, machine, script_options

POWERSHELL = """\
$global:count = 0
Set-StrictMode -Off
#fake Get-Outputs => {"outputs": ["DI", 5, true, {"RunProfileName": "FI", "Exclusive": false}, "Zo\\u00eb \\ud83c\\udf89"]}
function Get-Outputs { 'DI'; $null; 5; $true; [pscustomobject]@{ RunProfileName = 'FI'; Exclusive = $false }; 'Zoë 🎉' }
#fake Get-Count => {"count": true}
function Get-Count { $global:count++; $global:count }
#fake Get-Arguments => {"echo": true}
function Get-Arguments { param($maname) [pscustomobject]@{ named = @{ maname = $maname }; positional = @() } }
#fake Get-Credential => {"credential": true}
function Get-Credential {
    param($credentials)
    "$($credentials.UserName) $($credentials.GetNetworkCredential().Password.Length)"
}
#fake Get-Nothing => {}
function Get-Nothing { }
#fake Invoke-Error => {"error": "it broke"}
function Invoke-Error {
    throw 'it broke'
}
#fake Invoke-Noise => {"noise": ["plain noise", "{\\"id\\": 1", "[1]"], "warnings": ["w\\u00e4rning"], "outputs": ["done"]}
function Invoke-Noise { [Console]::WriteLine('plain noise'); Write-Host 'plain noise'; Write-Warning 'wärning'; 'done' }
#fake Invoke-Sleep => {"sleep": 60}
function Invoke-Sleep { Start-Sleep -Seconds 60 }
#fake Invoke-Hang => {"grandchild": true, "hang": true}
function Invoke-Hang {
    (Start-Process -PassThru pwsh '-NoProfile -Command Start-Sleep 600').Id
    [Threading.Thread]::Sleep(600000)
}
#fake Invoke-Exit => {"exit": 3}
function Invoke-Exit { [Environment]::Exit(3) }
#fake Invoke-Leak => {"credential": true, "leak": true, "error": "no"}
function Invoke-Leak { param($credentials) Write-Warning $credentials.GetNetworkCredential().Password; throw 'no' }
#fake Stop-Agent => {"unexpected": false, "message": "too m\\u00e4ny"}
function Stop-Agent { throw (New-Object Lithnet.Miiserver.AutoSync.UnexpectedChangeException($false, 'too mäny')) }
#fake Stop-All => {"unexpected": true}
function Stop-All { throw [Lithnet.Miiserver.AutoSync.UnexpectedChangeException] $true }
"""

PYTHON = """\
import os, subprocess, sys, time, warnings, logging
import autosync_scripts
count = 0
def get_outputs():
    return ["DI", None, 5, True, {"RunProfileName": "FI", "Exclusive": False}, "Zoë 🎉"]
def get_count():
    global count
    count += 1
    return count
def get_arguments(maname):
    return {"named": {"maname": maname}, "positional": []}
def get_credential(credentials):
    return f"{credentials.user} {len(credentials.password)}"
def get_nothing():
    pass
def invoke_error():
    raise ValueError("it broke")
def invoke_noise():
    print("plain noise")
    os.write(1, b'{"id": 1\\n[1]\\n')
    logging.getLogger().warning("wärning")
    yield "done"
async def invoke_sleep():
    time.sleep(60)
def invoke_hang():
    import signal
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield sleeper.pid
    time.sleep(600)
def invoke_exit():
    os._exit(3)
def invoke_leak(credentials):
    logging.getLogger().warning(credentials.password)
    raise ValueError("no")
def stop_agent():
    raise autosync_scripts.UnexpectedChange("too mäny")
async def stop_all():
    raise autosync_scripts.UnexpectedChange(stop_all=True)
"""

TEXTS = {"python": PYTHON, "fake pwsh": POWERSHELL, "remote": POWERSHELL, "pwsh": POWERSHELL}

NOTHING = Arguments()

ENDED = {
    "python": r"the process of script\.py ended during invoke_exit \(exit status 3\)",
    "fake pwsh": r"the process of script\.ps1 ended during Invoke-Exit \(exit status 3\)",
    "remote": r"the session on 127\.0\.0\.1 of script\.ps1 ended during Invoke-Exit \(the remote shell on .* is gone",
    "pwsh": r"the process of script\.ps1 ended during Invoke-Exit",
}


class Stage:
    """A script, and what it is called with."""

    def __init__(
        self, host: str, server: MimStandIn | None, folder: Path, limit_s: float | None, *, signs_in: bool
    ) -> None:
        self.host = host
        self.options = script_options(host, folder, TEXTS[host], limit_s, signs_in=signs_in, server=server)
        self.script = script_of(self.options, OneSecret(), patience=QUICK)

    def named(self, name: str) -> str:
        """Return a function's name in the script's language."""
        return name if language_of(self.host) == "powershell" else name.replace("-", "_").lower()

    async def outputs(self, name: str, *positional: str, **named: str) -> list[object]:
        """Call a function to its end."""
        values: list[object] = []
        await self.listen(name, values.append, Arguments(positional=positional, named=named))
        return values

    async def listen(self, name: str, hear: Callable[[object], None], arguments: Arguments = NOTHING) -> None:
        """Call a function and hear each output as it comes."""
        async with aclosing(self.script.call(self.named(name), arguments)) as found:
            async for each in found:
                if isinstance(each, Output):
                    hear(each.value)


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., None]:
    """Return a way to play something with a script on a host."""

    def run(
        host: str, act: Callable[[Stage], Awaitable[None]], *, limit_s: float | None = None, signs_in: bool = False
    ) -> None:
        async def main(server: MimStandIn | None) -> None:
            stage = Stage(host, server, tmp_path, limit_s, signs_in=signs_in)
            try:
                async with asyncio.timeout(60):
                    await act(stage)
            finally:
                await stage.script.close()

        with machine(host) as server:
            asyncio.run(main(server))
            if server is not None:
                assert server.shells.count == 0, "a session was left behind"

    return run


pytestmark = pytest.mark.parametrize("host", HOSTS)


def test_outputs_come_as_plain_data_in_order(host, play) -> None:
    async def act(stage: Stage) -> None:
        assert await stage.outputs("Get-Outputs") == [
            "DI",
            5,
            True,
            {"RunProfileName": "FI", "Exclusive": False},
            "Zoë 🎉",
        ]
        assert await stage.outputs("Get-Nothing") == []

    play(host, act)


def test_a_function_gets_only_what_it_declares(host, play) -> None:
    async def act(stage: Stage) -> None:
        found = await stage.outputs("Get-Arguments", maname="HR-Ämter", token="17")
        assert found == [{"named": {"maname": "HR-Ämter"}, "positional": []}]
        assert await stage.outputs("Get-Nothing", maname="HR") == []

    play(host, act)


def test_a_text_that_looks_like_a_moment_stays_a_text(host, play) -> None:
    async def act(stage: Stage) -> None:
        found = await stage.outputs("Get-Arguments", maname="2026-03-29T01:30:00+00:00")
        assert found == [{"named": {"maname": "2026-03-29T01:30:00+00:00"}, "positional": []}]

    play(host, act)


def test_credentials_reach_the_script(host, play) -> None:
    async def act(stage: Stage) -> None:
        assert await stage.outputs("Get-Credential") == [f"CORP\\svc-sync {len(PASSWORD)}"]

    play(host, act, signs_in=True)


def test_state_survives_from_call_to_call(host, play) -> None:
    async def act(stage: Stage) -> None:
        assert [await stage.outputs("Get-Count") for _ in range(50)] == [[number] for number in range(1, 51)]

    play(host, act)


def test_an_error_names_file_and_line_and_loses_no_state(host, play) -> None:
    line = {"python": PYTHON, "powershell": POWERSHELL}[language_of(host)].splitlines().index
    text = '    raise ValueError("it broke")' if host == "python" else "    throw 'it broke'"

    async def act(stage: Stage) -> None:
        await stage.outputs("Get-Count")
        with pytest.raises(ScriptFailed, match=rf"{stage.options.path.name}:{line(text) + 1}: .*it broke"):
            await stage.outputs("Invoke-Error")
        assert await stage.outputs("Get-Count") == [2]

    play(host, act)


def test_a_syntax_error_names_file_and_line(host, play) -> None:
    async def act(stage: Stage) -> None:
        stage.options.path.write_text("def f(:\n  pass" if host == "python" else "function f {\n", encoding="utf-8")
        with pytest.raises(ScriptFailed, match=rf"{stage.options.path.name}:1: syntax error"):
            await stage.script.open()

    play(host, act)


def test_a_function_that_is_missing_is_told_with_those_that_are_there(host, play) -> None:
    async def act(stage: Stage) -> None:
        assert await stage.script.function("Get-Missing") is None
        with pytest.raises(ScriptFailed, match=r"has no function Get-Missing; it has: .*(Get-C|get_c)ount"):
            async with aclosing(stage.script.call("Get-Missing", Arguments())) as found:
                await anext(found)

    play(host, act)


def test_a_file_that_is_not_there_is_told(host, play) -> None:
    async def act(stage: Stage) -> None:
        stage.options.path.unlink()
        with pytest.raises(ScriptFailed, match="cannot be read: No such file"):
            await stage.script.open()

    play(host, act)


def test_noise_and_warnings_go_to_the_log_and_disturb_nothing(host, play) -> None:
    async def act(stage: Stage) -> None:
        with structlog.testing.capture_logs() as logs:
            assert await stage.outputs("Invoke-Noise") == ["done"]
            await asyncio.sleep(0.2)
        texts = [entry["text"] for entry in logs if entry["event"] == "script-said"]
        assert any("plain noise" in text for text in texts)
        assert any("wärning" in text for text in texts)

    play(host, act)


def test_a_call_that_takes_too_long_is_stopped_and_the_next_finds_a_fresh_script(host, play) -> None:
    async def act(stage: Stage) -> None:
        await stage.outputs("Get-Count")
        with pytest.raises(ScriptFailed, match=r"took longer than 0.3 s and was stopped"):
            await stage.outputs("Invoke-Sleep")
        assert await stage.outputs("Get-Count") == [1]

    play(host, act, limit_s=0.3)


def test_a_call_that_cannot_be_stopped_ends_with_all_that_it_started(host, play) -> None:
    async def act(stage: Stage) -> None:
        pids: list[object] = []
        with pytest.raises(ScriptFailed, match="took longer than"):
            await stage.listen("Invoke-Hang", pids.append)
        assert len(pids) == 1
        await has_gone(int(str(pids[0])))
        assert await stage.outputs("Get-Count") == [1]

    play(host, act, limit_s=1.0)


def test_a_process_that_ends_by_itself_is_told_and_begun_again(host, play) -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(ScriptFailed, match=ENDED[host]):
            await stage.outputs("Invoke-Exit")
        assert await stage.outputs("Get-Count") == [1]

    play(host, act)


def test_an_edited_script_is_loaded_again(host, play) -> None:
    async def act(stage: Stage) -> None:
        await stage.outputs("Get-Count")
        path = stage.options.path
        path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
        assert await stage.outputs("Get-Count") == [1]

    play(host, act)


def test_a_long_call_shows_that_it_goes_on_and_ends_when_nobody_listens(host, play) -> None:
    async def act(stage: Stage) -> None:
        await stage.script.open()
        async with asyncio.timeout(5), aclosing(stage.script.call(stage.named("Invoke-Sleep"), Arguments())) as found:
            assert isinstance(await anext(found), Working)
        assert await stage.outputs("Get-Count") == [1]

    play(host, act)


def test_cancellation_ends_a_call_at_once(host, play) -> None:
    async def act(stage: Stage) -> None:
        await stage.script.open()
        async with asyncio.timeout(1.5), asyncio.TaskGroup() as group:
            task = group.create_task(stage.outputs("Invoke-Sleep"), name="call")
            await asyncio.sleep(0.1)
            task.cancel()
        assert await stage.outputs("Get-Count") == [1]

    play(host, act)


def test_an_unexpected_change_says_who_must_stop(host, play) -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(UnexpectedChangeSeen, match="too mäny") as one:
            await stage.outputs("Stop-Agent")
        with pytest.raises(UnexpectedChangeSeen) as everybody:
            await stage.outputs("Stop-All")
        assert (one.value.stop_all, everybody.value.stop_all) == (False, True)

    play(host, act)


def test_a_password_appears_nowhere(host, play) -> None:
    async def act(stage: Stage) -> None:
        with structlog.testing.capture_logs() as logs:
            with pytest.raises(ScriptFailed) as failure:
                await stage.outputs("Invoke-Leak")
            await asyncio.sleep(0.2)
        assert any("***" in str(entry.get("text")) for entry in logs)
        assert PASSWORD not in f"{logs} {failure.value}"

    play(host, act, signs_in=True)


def test_a_password_that_is_not_there_is_told(host, play) -> None:
    async def act(stage: Stage) -> None:
        missing = Account(user="x", password=SecretReference(kind=SecretKind.ENV, name="NOWHERE"))
        script = script_of(replace(stage.options, sign_in=missing), OneSecret(), patience=QUICK)
        with pytest.raises(ScriptFailed, match="env:NOWHERE is not set"):
            await script.open()
        await script.close()

    play(host, act)


def test_calls_do_not_overlap(host, play) -> None:
    async def act(stage: Stage) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stage.outputs("Get-Count"), name=f"call {number}") for number in range(5)]
        assert sorted(str(task.result()) for task in tasks) == [f"[{number}]" for number in range(1, 6)]

    play(host, act)


def test_a_closed_script_opens_again(host, play) -> None:
    async def act(stage: Stage) -> None:
        await stage.outputs("Get-Count")
        await stage.script.close()
        await stage.script.close()
        assert await stage.outputs("Get-Count") == [1]

    play(host, act)


async def has_gone(pid: int) -> None:
    """Wait until a process is no more; fail when it stays."""
    async with asyncio.timeout(5):
        while is_running(pid):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
