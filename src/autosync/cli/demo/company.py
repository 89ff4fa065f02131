"""The made-up company: people with titles, departments and managers, as the file that its HR department would keep.

Everything is drawn from a seed, so that every demo shows the same company and a test can name its people.
"""

import csv
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

PEOPLE: Final = 1000
HR_COLUMNS: Final = ("employee_id", "first", "last", "title", "department", "manager_id", "status", "phone")

_FIRST = (
    "Ada Alan Annie Barbara Betty Carol Claude Dana Dennis Donald Dorothy Edsger Edith Elena Emma Erik Fatima Fiona Frances "
    "Gerard Grace Hana Hedy Ines Ivan Jean Joan Jorge Julia Kathleen Katherine Ken Laura Leslie Lin Lotte Lynn Margaret "
    "Maria Mary Mei Mina Niklaus Nora Olga Omar Paula Radia René Robin Rosa Ruth Samir Sofia Søren Tim Tomoko Ursula Vera Yuki"
).split()
_LAST = (
    "Abbott Adeyemi Almeida Andersson Bakker Becker Björk Bos Castillo Chen Claes Conway Costa Dahl Delacroix Demir Dijkstra "
    "Dubois Eriksen Farkas Fischer Flores García Goldberg Gruber Haddad Hansen Hoffmann Horváth Ito Jansen Johansson Kaya Keller "
    "Kowalski Kumar Larsen Leclerc Lindqvist Liskov López Maes Martins Meyer Moreau Müller Nakamura Novak O'Brien Okafor Oliveira "
    "Peeters Petrov Quinn Ramirez Rossi Sato Schmidt Silva Šimić Tanaka Thompson Ueda Vasile Vermeulen Wagner Weber Yılmaz Zhang"
).split()
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
    draw = random.Random(seed)  # noqa: S311 - a demo, not a secret
    staff = [_hire(draw, number, staff_so_far=number) for number in range(people)]
    staff[0] = replace(staff[0], first="Grace", last="Hopper", title="Director", manager_id="")
    return staff


def employee_id(number: int) -> str:
    """Return the id of the person who was hired as number ``number``, from 0."""
    return f"E{10000 + number}"


def _hire(draw: random.Random, number: int, staff_so_far: int) -> Person:
    # Managers are people with smaller numbers, a tenth of the way up: a tree of three to four levels.
    manager = employee_id(draw.randrange(max(1, staff_so_far // 10))) if number else ""
    return Person(
        employee_id=employee_id(number),
        first=draw.choice(_FIRST),
        last=draw.choice(_LAST),
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
