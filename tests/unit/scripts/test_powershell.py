"""What can be known about the PowerShell host without PowerShell."""

import asyncio
import re
from pathlib import Path

import pytest
import tree_sitter_powershell
from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser

from autosync.adapters.scripts import details
from autosync.adapters.scripts.hosts import script_of
from autosync.adapters.scripts.powershell.command import BRIDGE, SWITCHES, Machine, command
from autosync.model.errors import ScriptFailed
from autosync.options.script import Edition, Language, ScriptOptions
from autosync.testing.contracts.scripts import ended_run
from tests.unit.scripts.places import QUICK, OneSecret, fake_pwsh

TYPES = BRIDGE.with_name("types.cs").read_text(encoding="utf-8")
TEXTS = {name: BRIDGE.with_name(name).read_text(encoding="utf-8") for name in ("bridge.ps1", "remote.ps1", "work.ps1")}
WORK = TEXTS["work.ps1"]
PARSER = Parser(Grammar(tree_sitter_powershell.language()))


def mistakes(node: Node) -> list[tuple[int, int]]:
    own = [(node.start_point[0] + 1, node.start_point[1])] if node.is_error or node.is_missing else []
    return own + [place for child in node.children for place in mistakes(child)]


def options(edition: Edition | None = None, executable: str | None = None) -> ScriptOptions:
    return ScriptOptions(language=Language.POWERSHELL, path=Path("s.ps1"), edition=edition, executable=executable)


def windows(*there: str, is_32_bit: bool = False) -> Machine:
    return Machine(
        is_windows=True,
        is_32_bit=is_32_bit,
        environment={"SystemRoot": "D:\\Windows", "ProgramFiles": "D:\\Programs"},
        is_there=lambda place: place in there,
        on_path=lambda name: None,
    )


def linux(*there: str, on_path: str | None = None) -> Machine:
    return Machine(
        is_windows=False,
        is_32_bit=False,
        environment={},
        is_there=lambda place: place in there or place == on_path,
        on_path=lambda name: on_path,
    )


DESKTOP = "D:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
SYSNATIVE = DESKTOP.replace("System32", "Sysnative")
CORE = "D:\\Programs\\PowerShell\\7\\pwsh.exe"


@pytest.mark.parametrize(
    ("edition", "machine", "program"),
    [
        (None, windows(DESKTOP, CORE), DESKTOP),
        (Edition.CORE, windows(DESKTOP, CORE), CORE),
        (Edition.DESKTOP, windows(DESKTOP, SYSNATIVE, is_32_bit=True), SYSNATIVE),
        (None, windows(DESKTOP, is_32_bit=True), DESKTOP),
        (None, linux("/usr/bin/pwsh"), "/usr/bin/pwsh"),
        (None, linux(on_path="/home/tools/pwsh"), "/home/tools/pwsh"),
    ],
)
def test_the_program_is_found_by_its_full_path(edition: Edition | None, machine: Machine, program: str) -> None:
    assert list(command(options(edition), machine)) == [program, *SWITCHES, str(BRIDGE)]


@pytest.mark.parametrize(
    ("edition", "machine", "says"),
    [
        (Edition.DESKTOP, linux("/usr/bin/pwsh"), "exists on Windows alone: set edition: core"),
        (None, linux(), "PowerShell 7 was not found (looked for: /usr/bin/pwsh"),
        (Edition.CORE, windows(DESKTOP), "or give its full path as executable"),
    ],
)
def test_a_program_that_is_nowhere_is_told_with_the_way_out(
    edition: Edition | None, machine: Machine, says: str
) -> None:
    with pytest.raises(ScriptFailed, match=re.escape(says)):
        command(options(edition), machine)


def test_a_given_program_is_taken_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    program = fake_pwsh(tmp_path)

    assert command(options(executable=str(program)))[0] == str(program)
    with pytest.raises(ScriptFailed, match="there is no program"):
        command(options(executable=str(tmp_path / "nothing")))


@pytest.mark.parametrize("name", TEXTS)
def test_the_bridge_has_no_syntax_error(name: str) -> None:
    assert mistakes(PARSER.parse(TEXTS[name].encode()).root_node) == []


def test_the_parser_would_find_one() -> None:
    assert mistakes(
        PARSER.parse(WORK.replace("function Send-Line([hashtable] $fields) {", "function {", 1).encode()).root_node
    )


def test_the_bridge_leaves_standard_input_to_itself() -> None:
    """The console host reads standard input itself as soon as a script names that variable."""
    assert re.findall(r"\$input\b", "".join(TEXTS.values()), re.IGNORECASE) == []


def test_the_bridge_is_pure_ascii() -> None:
    """Windows PowerShell reads a file without a mark in the code page of the machine."""
    assert all(text.isascii() for text in TEXTS.values())
    assert TYPES.isascii()


def test_the_bridge_answers_every_operation_that_is_asked_of_it() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in BRIDGE.parents[1].rglob("*.py") if path.name != "messages.py"
    )
    asked = set(re.findall(r'(?:(?<!\.)encode|send)\(\s*"(\w+)"', source)) | {"load", "call"}

    assert asked == set(re.findall(r"^ {12}'(\w+)' \{", WORK, re.MULTILINE))


def test_what_is_said_to_a_session_is_what_the_bridge_for_sessions_has() -> None:
    source = BRIDGE.with_name("remote.py").read_text(encoding="utf-8")
    said = set(re.findall(r'Command\(text="([\w-]+)"', source))

    assert said == set(re.findall(r"^function ((?:Open|Set|Invoke)-AutoSync\w+)", TEXTS["remote.ps1"], re.MULTILINE))
    assert TEXTS["remote.ps1"].startswith("# autosync: script bridge\n")


def test_every_member_of_a_run_has_a_property_in_the_types() -> None:
    """Also those of counters that this example does not have."""
    shape = details.run_details(ended_run(deletes=1))
    classes = {
        match[1]: set(re.findall(r"public [\w\[\]?]+ (\w+) \{ get; set; \}", match[2]))
        for match in re.finditer(r"public class (\w+)[^{]*\{(.*?)\n    \}", TYPES, re.DOTALL)
    }
    nested = {
        "StepDetails": "StepDetails",
        "StepDefinition": "RunStep",
        "StagingCounters": "StagingCounters",
        "ExportCounters": "ExportCounters",
        "InboundFlowCounters": "InboundFlowCounters",
        "OutboundFlowCounters": "OutboundFlowCounters",
        "SynchronizationErrors": "SynchronizationErrors",
        "MADiscoveryErrors": "MAObjectError",
        "ImportErrors": "ImportError",
        "ExportErrors": "ExportError",
    }

    def missing(value: object, name: str) -> list[str]:
        if isinstance(value, list):
            return [each for item in value for each in missing(item, name)]
        if not isinstance(value, dict):
            return []
        own = [f"{name}.{key}" for key in value if key not in classes[name]]
        return own + [each for key, inner in value.items() if key in nested for each in missing(inner, nested[key])]

    assert shape.type == "Lithnet.Miiserver.Client.RunDetails"
    assert len(classes["InboundFlowCounters"]) > 10
    assert missing(shape.value, "RunDetails") == []


@pytest.mark.parametrize(
    ("first_line", "says"),
    [
        (
            b'{"ready":false,"protocol":1,"reason":"PowerShell is in Constrained Language Mode"}',
            "Constrained Language Mode",
        ),
        (b"bridge.ps1 cannot be loaded: it is not digitally signed", r"ended during its start \(exit status 1\)"),
    ],
)
def test_a_powershell_that_may_not_work_says_why(first_line: bytes, says: str, tmp_path: Path) -> None:
    program = tmp_path / "pwsh"
    program.write_text(f"#!/bin/sh\necho '{first_line.decode()}'\nsleep 0.05\nexit 1\n", encoding="utf-8")
    program.chmod(0o700)
    path = tmp_path / "s.ps1"
    path.write_text("", encoding="utf-8")
    script = script_of(
        ScriptOptions(language=Language.POWERSHELL, path=path, executable=str(program)), OneSecret(), patience=QUICK
    )

    with pytest.raises(ScriptFailed, match=says):
        asyncio.run(script.open())
