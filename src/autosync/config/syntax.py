"""What a YAML parser's complaint means to the person who wrote the file."""

import re
from typing import Final

import yaml

from autosync.config.encoding import place_of

_TAB: Final = re.compile(r"^ *\t")
_NOT_FIRST: Final = "@`%&*!|>"

_MEANINGS: Final = (
    (
        "mapping values are not allowed",
        'a ": " inside a text needs quotes around the text; or the indentation is wrong',
    ),
    ("unexpected end of stream", "the file ends inside a quoted text"),
    ("expected ',' or ']'", "a list in [ ] is not closed, or a comma is missing"),
    ("expected ',' or '}'", "a mapping in { } is not closed, or a comma is missing"),
    ("did not find expected '-' indicator", "this line is not indented like the list above it"),
    ("did not find expected key", "this line is not indented like the keys above it, or a quote is left open"),
    ("could not find expected ':'", "expected a key with a colon and a space behind it"),
    ("expected <block end>", "this line is not indented like the lines above it"),
    ("did not find expected node content", "a value is missing here"),
    ("did not find expected <document start>", "this line is not indented like the lines above it"),
    ("unknown escape character", "unknown escape in double quotes; use single quotes where a backslash means itself"),
    ("found duplicate anchor", "this anchor (&…) is given twice"),
    ("block sequence entries are not allowed", "a list entry (-) may not stand here; begin the list on its own line"),
    ("incompatible YAML document", "%YAML: only version 1.1 and 1.2 are understood"),
)


def explained(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Return line and column, from 1, and a message. It never repeats what stands there: it may be a password."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return 1, 1, "this is not YAML text"
    # The mark may lie behind the last character; its index counts characters.
    line, column = place_of(text, min(mark.index, len(text)))
    begin = getattr(error, "context_mark", None)
    since = f" (it begins in line {begin.line + 1})" if begin is not None and begin.line + 1 != line else ""
    return line, column, _meaning(str(getattr(error, "problem", "") or ""), text, mark.index) + since


def _meaning(problem: str, text: str, index: int) -> str:
    line_begin = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    if _TAB.match(text[line_begin:]) or text[index : index + 1] == "\t":
        return "a tab cannot indent YAML; use spaces"
    if "alphabetic or numeric character" in problem:
        return "a text that begins with * or & needs quotes"
    if "cannot start any token" in problem and text[index : index + 1] in _NOT_FIRST:
        return f'a text that begins with "{text[index]}" needs quotes'
    for words, meaning in _MEANINGS:
        if words in problem:
            return meaning
    return "this is not YAML" + (f" ({problem})" if problem else "")
