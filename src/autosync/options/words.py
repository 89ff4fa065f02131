"""How messages speak: the nearest right word, what a wrong value is, lists of what is known."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

LONGEST_SHOWN: Final = 60


NEAR: Final = 0.6
VERY_NEAR: Final = 0.85
"""How alike two words are that one may be meant by the other; very near is a typing mistake and nothing else."""


def nearest(word: str, known: Iterable[str], likeness: float = NEAR) -> str | None:
    """Return the known word that ``word`` probably means, whatever its case; None when none is near."""
    by_folded = {each.casefold(): each for each in known}
    folded = word.casefold()
    for attempt in (folded, folded.replace("_", "-").replace(" ", "-")):
        if attempt in by_folded:
            return by_folded[attempt]
    found = difflib.get_close_matches(folded.replace("_", "-"), by_folded, n=1, cutoff=likeness)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], *, likeness: float = NEAR, quote: bool = False) -> str:
    """Return `` (did you mean …?)`` with the nearest known word, or nothing."""
    found = nearest(word, known, likeness)
    if found is None:
        return ""
    return f' (did you mean "{found}"?)' if quote else f" (did you mean {found}?)"


def or_known(word: str, known: Collection[str], what: str) -> str:
    """Return a hint at the nearest known word, or at all of them: `` (known types: file, interval)``."""
    return did_you_mean(word, known) or (f" ({what}: {', '.join(sorted(known))})" if known else "")


def shown(value: object) -> str:
    """Return what stands there, for the middle of a sentence; long texts are cut."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return quoted(value)
        case Mapping():
            return "keys and values"
        case _:
            return "a list"


def quoted(text: str) -> str:
    """Return a text in quotes, on one line and cut where it is long."""
    return f'"{cut(text)}"'


def cut(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    line = printable(text)
    return line if len(line) <= LONGEST_SHOWN else line[: LONGEST_SHOWN - 1] + "…"


def printable(text: str) -> str:
    """Return a text on one line, without anything that a terminal would obey."""
    line = " ".join(text.splitlines())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def on_one_line(text: str) -> str:
    """Return text without line ends and characters that cannot be seen, cut where it is very long."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= 500 else line[:499] + "…"
