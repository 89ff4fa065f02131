"""The made-up company: people with titles, departments and managers, as the file that its HR department would keep.

Everything is drawn from a seed, so that every demo shows the same company and a test can name its people.
"""

import csv
import random
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

PEOPLE: Final = 1000
HR_COLUMNS: Final = ("employee_id", "first", "last", "title", "department", "manager_id", "status", "phone")

_TITLES = (
    "Engineer",
    "Analyst",
    "Nurse",
    "Lecturer",
    "Administrator",
    "Technician",
    "Librarian",
    "Researcher",
    "Accountant",
)
_DEPARTMENTS = ("Research", "Teaching", "Finance", "Library", "IT", "Facilities", "Clinic", "Legal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A row of the HR file. ``status`` A is active, L has left; ``manager_id`` is empty for the one at the top."""

    employee_id: str
    first: str
    last: str
    title: str
    department: str
    manager_id: str
    status: str = "A"
    phone: str = ""

    @property
    def name(self) -> str:
        """Return the full name."""
        return f"{self.first} {self.last}"


def found_company(seed: int = 1906, people: int = PEOPLE) -> list[Person]:
    """Return the company's people as drawn from ``seed``."""
    draw = random.Random(seed)
    names = resources.files(__package__).joinpath("names.txt").read_text(encoding="utf-8").splitlines()
    first, last = (line.split() for line in names)
    staff = [_hire(draw, number, draw.choice(first), draw.choice(last)) for number in range(people)]
    staff[0] = replace(staff[0], first="Grace", last="Hopper", title="Director", manager_id="")
    return staff


def employee_id(number: int) -> str:
    """Return the id of the person who was hired as number ``number``, from 0."""
    return f"E{10000 + number}"


def _hire(draw: random.Random, number: int, first: str, last: str) -> Person:
    # Managers are people with smaller numbers, a tenth of the way up: a tree of three to four levels.
    manager = employee_id(draw.randrange(max(1, number // 10))) if number else ""
    return Person(
        employee_id=employee_id(number),
        first=first,
        last=last,
        title=draw.choice(_TITLES),
        department=draw.choice(_DEPARTMENTS),
        manager_id=manager,
        phone=f"+32 2 555 {number:04d}",
    )


def write_people(path: Path, people: list[Person]) -> None:
    """Write the HR file as a whole: beside it first, then in its place, as a careful export does."""
    rows = [tuple(getattr(person, column) for column in HR_COLUMNS) for person in people]
    _write(path, HR_COLUMNS, rows)


def read_people(path: Path) -> list[Person]:
    """Read the HR file back, with whatever somebody has edited in it meanwhile."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Person(**{column: row[column] or "" for column in HR_COLUMNS}) for row in csv.DictReader(file)]


def _write(path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    new.replace(path)
