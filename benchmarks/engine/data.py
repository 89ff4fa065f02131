"""Made-up people: 20 attributes each, about 340 bytes as CSV, always the same for a seed."""

import csv
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

COLUMNS = (
    "id", "first", "last", "status", "title", "department", "company", "street", "city", "zip",
    "country", "phone", "mobile", "mail", "manager", "cost_center", "building", "room", "start", "note",
)  # fmt: skip
_WORDS = (
    "alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel",
    "ivy", "juniper", "larch", "maple", "oak", "pine", "rowan", "spruce",
)  # fmt: skip


def people(count: int, seed: int, *, version: int = 0, only: Iterable[int] | None = None) -> Iterator[list[str]]:
    """Yield rows; ``version`` changes the title and the room of those in ``only``, or of nobody."""
    chosen = set() if only is None else set(only)
    for number in range(count):
        yield person(number, count, seed, version if number in chosen else 0)


def person(number: int, count: int, seed: int, version: int) -> list[str]:
    """Return one row."""
    chance = random.Random(number * 1_000_003 + seed)
    word = chance.choice
    first, last = word(_WORDS).title(), f"{word(_WORDS).title()}{word(_WORDS)}"
    return [
        f"E{number:07d}", first, last, "A", f"{word(_WORDS)} engineer {version}", f"{word(_WORDS)} department",
        "Example Corporation", f"{chance.randrange(1, 400)} {word(_WORDS).title()} Street", word(_WORDS).title(),
        f"{chance.randrange(1000, 9999)}", "Belgium", f"+32 2 {chance.randrange(10**6):06d}",
        f"+32 470 {chance.randrange(10**6):06d}", f"{first}.{last}.{number}@corp.example".lower(),
        f"E{chance.randrange(max(1, count // 20)):07d}", f"CC{chance.randrange(1000):04d}",
        f"building {chance.randrange(40)}", f"{chance.randrange(900) + version}", "2020-01-01",
        "a remark of some length that nobody ever reads",
    ]  # fmt: skip


def write_people(path: Path, rows: Iterable[list[str]], *, kind: str | None = None) -> None:
    """Write rows as CSV; ``kind`` adds the column of a delta file that says what happened."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*COLUMNS, *(["change"] if kind else [])])
        out.writerows([*row, kind] if kind else row for row in rows)
