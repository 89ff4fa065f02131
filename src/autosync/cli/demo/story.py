"""What happens to the company while the demo watches: somebody is hired, moves, changes her name, leaves."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autosync.cli.demo.company import Person, employee_id, read_people, write_people


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One change to the HR file, and what a person should see because of it."""

    title: str
    change: Callable[[list[Person]], list[Person]]
    expect: str


def play(chapter: Chapter, hr_file: Path) -> None:
    """Make the chapter's change in the HR file."""
    write_people(hr_file, chapter.change(read_people(hr_file)))


def chapters(people: list[Person]) -> tuple[Chapter, ...]:
    """Return the story for this company; it needs at least fifty people."""
    mover, bride, leaver = people[20], people[30], people[40]
    number = max(int(person.employee_id[1:]) for person in people) - 10000 + 1
    newcomer = Person(
        employee_id=employee_id(number),
        first="Radia",
        last="Perlman",
        title="Engineer",
        department="IT",
        manager_id=people[0].employee_id,
        phone="+32 2 555 9999",
    )
    return (
        Chapter(
            title=f"{newcomer.name} is hired",
            change=lambda staff: [*staff, newcomer],
            expect="a new entry in the directory, a badge and a line in the phone book",
        ),
        Chapter(
            title=f"{mover.name} moves to Legal and gets another manager",
            change=_edit(mover.employee_id, department="Legal", manager_id=people[1].employee_id),
            expect="an update with a new reference in the directory and the badge database, a new line in the phone book",
        ),
        Chapter(
            title=f"{bride.name} is called {bride.first} Lamarr now",
            change=_edit(bride.employee_id, last="Lamarr"),
            expect="a rename in the directory, updates elsewhere",
        ),
        Chapter(
            title=f"{leaver.name} leaves",
            change=_edit(leaver.employee_id, status="L"),
            expect="the badge and the line in the phone book go; the directory entry is disabled",
        ),
    )


def _edit(employee: str, **changes: str) -> Callable[[list[Person]], list[Person]]:
    def change(staff: list[Person]) -> list[Person]:
        return [replace(person, **changes) if person.employee_id == employee else person for person in staff]

    return change
