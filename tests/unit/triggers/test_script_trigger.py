"""The script trigger: what it makes of a script's outputs, when it asks, and what it says of a script that does not work."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import structlog

from autosync.adapters.clocks import SystemClock
from autosync.adapters.scripts.script import Arguments, Function, Output, Working
from autosync.adapters.triggers.script.kind import POWERSHELL_KIND, PYTHON_KIND
from autosync.adapters.triggers.script.options import ScriptTriggerOptions
from autosync.adapters.triggers.script.outputs import Ignored, firing_of
from autosync.adapters.triggers.script.watching import ScriptTrigger
from autosync.model.errors import ScriptFailed, TriggerFailed
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.steps import Slot
from autosync.options.script import Edition, Language, ScriptOptions
from autosync.options.windows_host import WindowsHost
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.clock import SimulatedClock
from autosync.testing.simulation import run_simulated
from tests.unit.scripts.places import OneSecret


def only(value: object) -> Firing | Ignored:
    (found,) = firing_of(value, "s.ps1")
    return found


def test_a_text_is_the_name_of_a_profile() -> None:
    assert only(" DI ") == Firing(profile=ProfileName("DI"), text="s.ps1 asked for DI")


def test_an_object_of_the_predecessor_is_understood() -> None:
    """All its properties are always there, with .NET's defaults."""
    parameters = {
        "RunProfileName": None,
        "RunProfileType": "DeltaImport",
        "PartitionID": "00000000-0000-0000-0000-000000000000",
        "PartitionName": "DC=corp,DC=example",
        "Exclusive": True,
        "RunImmediate": True,
        "Token": None,
        "Text": None,
    }

    assert only(parameters) == Firing(
        slot=Slot.DELTA_IMPORT,
        partition=PartitionName("DC=corp,DC=example"),
        exclusive=True,
        front=True,
        text="s.ps1 asked for delta-import",
    )


def test_a_profile_is_stronger_than_a_type() -> None:
    firing = only({"runprofilename": "FI", "RUNPROFILETYPE": "None"})

    assert isinstance(firing, Firing)
    assert (firing.profile, firing.slot) == ("FI", None)


@pytest.mark.parametrize(
    ("word", "slot"),
    [
        ("DeltaImport", Slot.DELTA_IMPORT),
        ("full-import", Slot.FULL_IMPORT),
        ("Export", Slot.EXPORT),
        ("DeltaSync", Slot.DELTA_SYNC),
        ("FullSynchronization", Slot.FULL_SYNC),
    ],
)
def test_types_of_runs_may_be_written_in_either_way(word: str, slot: Slot) -> None:
    firing = only({"type": word})

    assert isinstance(firing, Firing)
    assert firing.slot is slot


def test_a_script_may_give_a_token_and_the_moment_of_the_change() -> None:
    firing = only({"token": "17", "changed": "2026-03-29T01:30:00+00:00", "text": "row 17"})

    assert firing == Firing(token="17", changed=datetime(2026, 3, 29, 1, 30, tzinfo=UTC), text="row 17")


@pytest.mark.parametrize(
    "value", [5, True, 1.5, [], "", {}, {"x": 1}, {"RunProfileType": "Nonsense"}, {"RunProfileType": "None"}]
)
def test_other_output_asks_for_nothing(value: object) -> None:
    assert isinstance(only(value), Ignored)


def test_a_partition_by_its_id_runs_on_all_and_says_so() -> None:
    firing, ignored = firing_of(
        {"RunProfileType": "DeltaImport", "PartitionID": "b26849cc-0000-4dda-9d06-72a342b8060e"}, "s"
    )

    assert isinstance(firing, Firing)
    assert firing.partition is None
    assert isinstance(ignored, Ignored)
    assert "give PartitionName" in ignored.why


def test_a_moment_without_a_zone_is_ignored_and_the_firing_is_not() -> None:
    firing, ignored = firing_of({"token": "1", "changed": "2026-03-29 01:30"}, "s")

    assert isinstance(firing, Firing)
    assert firing.changed is None
    assert isinstance(ignored, Ignored)


class PlayedScript:
    """A script of the test: what each call gives, or raises; how long each takes."""

    def __init__(self, clock: SimulatedClock, calls: Sequence[object], *names: str, takes: float = 0.0) -> None:
        self._clock = clock
        self._calls = list(calls)
        self._names = names or ("run_profile_to_execute",)
        self._takes = takes
        self.asked: list[tuple[float, str, Arguments]] = []
        self.opened = self.closed = 0

    async def open(self) -> None:
        self.opened += 1

    async def function(self, name: str) -> Function | None:
        return Function(name=name) if name in self._names else None

    async def call(self, name: str, arguments: Arguments) -> AsyncGenerator[Output | Working]:
        self.asked.append((self._clock.elapsed(), name, arguments))
        given = self._calls.pop(0) if self._calls else ()
        if isinstance(given, Exception):
            raise given
        assert isinstance(given, list | tuple)
        for value in given:
            yield value if isinstance(value, Working) else Output(value=value)
        await self._clock.sleep(self._takes)

    async def close(self) -> None:
        self.closed += 1


OPTIONS = ScriptTriggerOptions(
    script=ScriptOptions(language=Language.PYTHON, path=Path("poll.py")), every=timedelta(seconds=30)
)


def played(calls: Sequence[object], seconds: float, *names: str, takes: float = 0.0, token: str | None = None):
    """Watch for so many simulated seconds; return the script, what was seen, and the failure."""
    result: list[object] = []

    async def main(clock: SimulatedClock, _random: Random) -> None:
        script = PlayedScript(clock, calls, *names, takes=takes)
        seen: list[Firing | Pulse] = []
        failure = ""
        try:
            async with (
                asyncio.timeout(seconds),
                aclosing(ScriptTrigger(OPTIONS, script, clock, "HR").watch(token)) as watching,
            ):
                async for each in watching:
                    seen.append(each)  # noqa: PERF401 - what came before an error counts
        except TimeoutError:
            pass
        except TriggerFailed as error:
            failure = str(error)
        result.extend((script, seen, failure))

    run_simulated(main)
    return result


def test_it_asks_at_once_and_then_waits_after_each_call() -> None:
    script, seen, _ = played([["DI"], [], ["DI", "FI"]], 105, takes=5.0)

    assert [at for at, _, _ in script.asked] == [0.0, 35.0, 70.0]
    assert [each.profile for each in seen if isinstance(each, Firing)] == ["DI", "DI", "FI"]
    assert script.asked[0][2].named == {"maname": "HR", "token": None}
    assert script.closed == 1


def test_the_newest_token_goes_back_to_the_script() -> None:
    script, seen, _ = played([[], [{"token": "8"}], []], 70, token="7")

    assert [arguments.named["token"] for _, _, arguments in script.asked] == ["7", "7", "8"]
    assert [each.token for each in seen if isinstance(each, Firing)] == ["8"]


def test_an_error_ends_the_watch_so_that_it_begins_again_with_a_fresh_script() -> None:
    script, _, failure = played([["DI"], ScriptFailed("poll.py:7: no route to host")], 100)

    assert failure == "poll.py:7: no route to host"
    assert (script.opened, script.closed) == (1, 1)


def test_a_missing_function_is_told_with_what_to_do() -> None:
    _, _, failure = played([], 10, "something_else")

    assert failure.startswith("poll.py has no function run_profile_to_execute or watch: write one that gives the names")


def test_a_watch_that_ends_is_a_failure() -> None:
    script, seen, failure = played([["DI"]], 10, "watch", "run_profile_to_execute")

    assert [name for _, name, _ in script.asked] == ["watch"]
    assert any(isinstance(each, Firing) for each in seen)
    assert failure == "watch in poll.py ended; it must go on for ever"


def test_a_long_call_shows_in_the_triggers_health() -> None:
    _, seen, _ = played([[Working(seconds=15.2), "DI"]], 5)

    assert Pulse(details={"state": "run_profile_to_execute has been working for 15 s"}) in seen


def test_what_is_ignored_is_told_once() -> None:
    with structlog.testing.capture_logs() as logs:
        played([[5, 5], [5], [{"x": 1}]], 100)

    assert [entry["why"] for entry in logs if entry["event"] == "script-output-ignored"] == [
        "output that is neither a text nor an object (a number)",
        "an object without RunProfileName and RunProfileType (it has: x)",
    ]


def test_the_importers_keys_are_understood_and_the_agents_name_is_given(tmp_path: Path) -> None:
    data = {
        "script": "poll-hr.ps1",
        "every": "5m",
        "sign-in": {"user": "CORP\\svc", "password": {"env": "HR_PASSWORD"}},
    }
    kind = POWERSHELL_KIND

    parsed = kind.parse(data, tmp_path)

    assert parsed.mistakes == ()
    assert isinstance(parsed.options, ScriptTriggerOptions)
    assert parsed.options.script.path == tmp_path / "poll-hr.ps1"
    assert parsed.options.every == timedelta(minutes=5)
    assert parsed.options.script.time_limit is None
    around = Surroundings(clock=SystemClock(), secrets=OneSecret(), agent=AgentId("mim/HR MA"))
    trigger = kind.build(parsed.options, around)
    assert isinstance(trigger, ScriptTrigger)
    assert trigger._maname == "HR MA"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "script is missing"),
        ({"script": "x.ps1", "edition": "corre"}, "did you mean core"),
        ({"script": "x.ps1", "sign-in": {"user": "u", "password": "hunter2"}}, "a secret stands here itself"),
        ({"script": "x.ps1", "every": "0s"}, "too short"),
        ({"script": "x.ps1", "host": {}}, "server is missing"),
        ({"script": "x.ps1", "host": "app01"}, "expected keys and values"),
        ({"script": "x.ps1", "host": {"server": "https://app01"}}, "the server's name alone"),
        ({"script": "x.ps1", "host": {"server": "app01", "transport": "http", "ca": "x"}}, "needs transport: https"),
        ({"script": "x.ps1", "host": {"server": "a"}, "edition": "core"}, "runs over there"),
        ({"script": "x.ps1", "host": {"server": "a"}, "executable": "pwsh"}, "runs over there"),
        ({"script": "x.ps1", "host": {"server": "a"}, "environment": ["X"]}, "runs over there"),
        (
            {"script": "x.ps1", "host": {"server": "a", "sign-in": {"user": "u", "password": "hunter2"}}},
            "a secret stands here itself",
        ),
        ({"script": "x.ps1", "intervall": "5s"}, "unknown key (known: edition"),
    ],
)
def test_a_mistake_in_the_options_is_told(data: dict[str, object], says: str, tmp_path: Path) -> None:
    mistakes = POWERSHELL_KIND.parse(data, tmp_path).mistakes

    assert any(says in mistake.message for mistake in mistakes), mistakes
    assert "hunter2" not in str(mistakes)


def test_a_script_may_run_on_another_machine(tmp_path: Path) -> None:
    parsed = POWERSHELL_KIND.parse({"script": "x.ps1", "host": {"server": "app01"}}, tmp_path)

    assert parsed.mistakes == ()
    assert isinstance(parsed.options, ScriptTriggerOptions)
    assert parsed.options.script.host == WindowsHost(server="app01")
    assert any(
        "unknown key" in each.message for each in PYTHON_KIND.parse({"script": "x.py", "host": {}}, tmp_path).mistakes
    )


def test_editions_are_powershells_alone(tmp_path: Path) -> None:
    assert PYTHON_KIND.parse({"script": "x.py", "edition": "core"}, tmp_path).mistakes
    parsed = POWERSHELL_KIND.parse({"script": "x.ps1", "edition": "core"}, tmp_path)
    assert isinstance(parsed.options, ScriptTriggerOptions)
    assert parsed.options.script.edition is Edition.CORE
