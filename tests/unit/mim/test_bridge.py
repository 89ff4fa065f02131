"""The script that AutoSync runs on a synchronization server: read by PowerShell's grammar, since no PowerShell is here."""

import re
from collections.abc import Iterator

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from autosync.adapters.engines.mim.access.psrp.tools import bridge
from autosync.testing.mim.commands import MARK

PARSER = Parser(Language(tree_sitter_powershell.language()))


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def parsed(text: str) -> Node:
    return PARSER.parse(text.encode()).root_node


def functions(text: str) -> set[str]:
    return {
        child.text.decode()
        for node in nodes(parsed(text))
        if node.type == "function_statement"
        for child in node.children
        if child.type == "function_name" and child.text is not None
    }


def test_the_bridge_is_powershell() -> None:
    root = parsed(bridge())

    assert not root.has_error, [str(node) for node in nodes(root) if node.is_error or node.is_missing]


def test_a_broken_brace_would_be_found() -> None:
    text = bridge()

    assert parsed(text[: text.rindex("}")]).has_error


def test_the_bridge_has_the_functions_that_are_called() -> None:
    assert {"Find-Tools", "maexport", "csexport", "Get-RunDetails"} <= functions(bridge())


def test_every_function_that_the_bridge_calls_is_there() -> None:
    names = functions(bridge())
    own = {name for name in re.findall(r"\b([A-Z][a-z]+-[A-Z]\w+)", bridge()) if name.split("-")[1] in OWN}

    assert own <= names
    assert own


OWN = {"Failure", "Tools", "FreshFile", "Leftovers", "Tool", "Argument", "Reason", "InPieces", "Stream", "RunDetails"}


def test_the_bridge_is_ascii_and_marked() -> None:
    text = bridge()

    assert text.isascii()
    assert text.startswith(f"{MARK} bridge\n")


@pytest.mark.parametrize("never", ["Invoke-Expression", "iex ", "$input", "ConvertTo-SecureString", "| Out-File"])
def test_the_bridge_builds_no_code_of_texts(never: str) -> None:
    assert never.lower() not in bridge().lower()


def quoted(value: str) -> str:
    """The two replacements of ConvertTo-Argument."""
    first = re.sub(r'(\\*)"', r'\1\1\\"', value)
    return '"' + re.sub(r"(\\+)$", r"\1\1", first) + '"'


def test_the_replacements_of_the_bridge_are_those_that_are_proved_here() -> None:
    text = bridge()

    assert "[regex]::Replace($Value, '(\\\\*)\"', '$1$1\\\"')" in text
    assert "[regex]::Replace($escaped, '(\\\\+)$', '$1$1')" in text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("HR", '"HR"'),
        ("", '""'),
        ('a"b', '"a\\"b"'),
        ("back\\slash", '"back\\slash"'),
        ("ends\\", '"ends\\\\"'),
        ('\\"', '"\\\\\\""'),
        ("with space\\\\", '"with space\\\\\\\\"'),
    ],
)
def test_arguments_reach_a_program_as_they_are(value: str, expected: str) -> None:
    assert quoted(value) == expected
    assert arguments(quoted(value)) == [value]


def arguments(line: str) -> list[str]:
    """Split a command line as CommandLineToArgvW documents it, arguments all in quotation marks."""
    found, text, place, inside = [], "", 0, False
    while place < len(line):
        slashes = len(line[place:]) - len(line[place:].lstrip("\\"))
        place += slashes
        is_quote = place < len(line) and line[place] == '"'
        text += "\\" * (slashes // 2 if is_quote else slashes)
        if is_quote and slashes % 2:
            text += '"'
        elif is_quote:
            inside = not inside
            if not inside:
                found.append(text)
                text = ""
        elif place < len(line):
            text += line[place]
        place += 1
    return found
