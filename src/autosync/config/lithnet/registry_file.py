"""Reading a ``.reg`` file, as ``reg export`` and the registry editor write it: UTF-16, UTF-8 or ANSI."""

import codecs
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from autosync.config.lithnet.notes import ImportRefused, Notes

Value: TypeAlias = int | str | tuple[str, ...]

LARGEST: Final = 4 * 1024 * 1024
_HEADS: Final = ("Windows Registry Editor Version 5.00", "REGEDIT4")
_SERVICE: Final = "\\services\\autosync"
_PARAMETERS: Final = "\\services\\autosync\\parameters"
_EDITOR: Final = "\\software\\lithnet\\autosync"
_LINE: Final = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|@)\s*=\s*(.*)', re.DOTALL)
_TEXT: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_DWORD: Final = re.compile(r"dword:([0-9a-fA-F]{1,8})")
_HEX: Final = re.compile(r"hex(?:\(([0-9a-fA-F]{1,8})\))?:([0-9a-fA-F,\s]*)")


def read_registry(content: bytes, notes: Notes) -> Mapping[str, Value]:
    """Return the values of the service's key, by their names in lower case. Raises ``ImportRefused``.

    The values of the editor's key, and the service's account, are noted; other keys are passed over.
    """
    if len(content) > LARGEST:
        raise ImportRefused(f"the .reg file is larger than {LARGEST // 2**20} MB: export the key of autosync alone")
    text, is_ansi = _decoded(content)
    lines = iter(text.lstrip("\ufeff").splitlines())
    head = next((line.strip() for line in lines if line.strip()), "")
    if head not in _HEADS:
        raise ImportRefused(f'this is no .reg file: it does not begin with "{_HEADS[0]}"')
    found: dict[str, Value] = {}
    for key, name, written in _values(lines):
        value = _value(written, is_ansi=is_ansi)
        if not key.casefold().endswith(_PARAMETERS):
            _note_other(key.casefold(), name, value, notes)
        elif value is None:
            notes.look("registry", f"{name} has a value that cannot be read; taken as not set")
        else:
            found[name.casefold()] = value
    if not found:
        notes.look(
            "registry", "the .reg file has no values of the key Services\\autosync\\Parameters; defaults are assumed"
        )
    return found


def _note_other(key: str, name: str, value: Value | None, notes: Notes) -> None:
    if key.endswith(_EDITOR):
        notes.better("registry", f"{name} belongs to the predecessor's editor: there is no editor to be connected now")
    elif key.endswith(_SERVICE) and name.casefold() == "objectname" and value is not None:
        notes.look("registry", f"the service ran as {value}: give AutoSync's service the same account, or its groups")


def _decoded(content: bytes) -> tuple[str, bool]:
    """Return the text, and whether it is of the old format, whose binary texts are ANSI, too."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16", errors="replace")
    elif b"\0" in content[:200]:
        text = content.decode("utf-16-le", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("windows-1252", errors="replace")
    return text, text.lstrip().startswith(_HEADS[1])


def _values(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    key = ""
    for begun in lines:
        line = begun.strip()
        while line.endswith("\\"):
            line = line[:-1] + next(lines, "").strip()
        if line.startswith("[") and line.endswith("]"):
            key = line[1:-1]
        elif found := _LINE.fullmatch(line):
            yield key, _unescaped(found.group(1) or "(Default)"), found.group(2)


def _value(written: str, *, is_ansi: bool) -> Value | None:
    """Return a number, a text or a list of texts; None for what is none of them (binary, deleted)."""
    if found := _TEXT.fullmatch(written):
        return _unescaped(found.group(1))
    if found := _DWORD.fullmatch(written):
        return int(found.group(1), 16)
    if (found := _HEX.fullmatch(written)) is None:
        return None
    digits = re.sub(r"[,\s]", "", found.group(2))
    if len(digits) % 2:
        return None
    data = bytes.fromhex(digits)
    kind = int(found.group(1), 16) if found.group(1) else 3
    if kind == 4:
        return int.from_bytes(data[:4], "little")
    if kind not in {1, 2, 7}:
        return None
    texts = data.decode("windows-1252" if is_ansi else "utf-16-le", errors="replace").rstrip("\0").split("\0")
    return tuple(text for text in texts if text) if kind == 7 else texts[0]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
