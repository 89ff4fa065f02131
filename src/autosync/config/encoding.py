"""From the bytes of a file to text, or to one mistake that says what kind of file it is instead."""

import codecs
import re
from typing import Final

LARGEST: Final = 4 * 1024 * 1024
"""Bytes. A configuration of 500 agents has less than a tenth of that."""

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Unreadable(ValueError):
    """The bytes are no text that could be YAML. Line and column count from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


def decoded(content: bytes) -> str:
    """Return the text of a file, without a byte order mark; raise ``Unreadable``."""
    if len(content) > LARGEST:
        megabytes = len(content) / 1024 / 1024
        raise Unreadable(1, 1, f"the file has {megabytes:.1f} MB; a configuration has at most {LARGEST // 2**20} MB")
    if _is_utf16(content):
        raise Unreadable(1, 1, "the file is UTF-16; save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)")
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _not_utf8(content, error) from None
    _refuse_unprintable(text)
    if not text.strip():
        raise Unreadable(1, 1, "the file is empty; restore it, or begin with engines: (keys: autosync config schema)")
    return text


def place_of(text: str, index: int) -> tuple[int, int]:
    """Return line and column, from 1, of the character at ``index``."""
    line, begin = 1, 0
    for each in _BREAK.finditer(text, 0, index):
        line, begin = line + 1, each.end()
    return line, index - begin + 1


def _is_utf16(content: bytes) -> bool:
    if content.startswith(_UTF16):
        return True
    head = content[:200]
    # Without a mark: nearly every second byte of western text is NUL.
    return len(head) >= 4 and max(head[::2].count(0), head[1::2].count(0)) > 0.4 * len(head)


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> Unreadable:
    before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
    line, column = place_of(before, len(before))
    if b"\0" in content:
        return Unreadable(line, column, "this is a binary file, not YAML text")
    return Unreadable(
        line,
        column,
        f"byte 0x{content[error.start]:02X} is not UTF-8; the file seems to be saved in another encoding "
        "(Windows-1252, Latin-1): save it as UTF-8",
    )


def _refuse_unprintable(text: str) -> None:
    found = _UNPRINTABLE.search(text)
    if found is None:
        return
    line, column = place_of(text, found.start())
    if found.group() == "\0":
        message = "a NUL byte: the file is damaged (as after a power failure) or binary; restore it"
    else:
        message = f"the invisible character U+{ord(found.group()):04X} may not stand here; delete it"
    raise Unreadable(line, column, message)
