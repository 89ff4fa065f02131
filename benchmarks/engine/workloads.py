"""What is measured, in an order in which each leaves the next one its ground; targets are for 100,000 people."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine.data import people, person, write_people
from benchmarks.engine.rules import TARGET_COLUMNS


@dataclass(frozen=True)
class Scene:
    """Where the data are, and how much."""

    folder: Path
    objects: int
    seed: int


@dataclass(frozen=True)
class Workload:
    """One measurement: what is done before it (not measured), the runs, and the targets in seconds.

    ``fixed`` workloads touch a number of objects that does not grow with the population.
    """

    name: str
    runs: tuple[str, ...]
    must: float
    aim: float
    prepare: Callable[[Scene], None] = lambda _: None
    fixed: int | None = None

    def target(self, objects: int, seconds: float) -> float:
        """Return a target for another number of objects."""
        return seconds if self.fixed is not None else seconds * objects / 100_000


def prepare_source(scene: Scene) -> None:
    """Write the people, and make the empty table of the badge system."""
    write_people(scene.folder / "hr.csv", people(scene.objects, scene.seed))
    write_people(scene.folder / "hr-delta.csv", [])
    connection = sqlite3.connect(scene.folder / "badge.db")
    columns = ", ".join(f"{name} TEXT" for name in TARGET_COLUMNS[1:])
    connection.execute(f"CREATE TABLE people (id TEXT PRIMARY KEY, {columns})")
    connection.commit()
    connection.close()


def _change(scene: Scene, count: int, version: int) -> None:
    chosen = random.Random(scene.seed + version).sample(range(scene.objects), min(count, scene.objects))
    rows = [person(number, scene.objects, scene.seed, version) for number in sorted(chosen)]
    write_people(scene.folder / "hr-delta.csv", rows, kind="M")


WORKLOADS = (
    Workload("full import, new", ("hr:full import",), 7, 3.5),
    Workload("full import, unchanged", ("hr:full import",), 4, 2),
    Workload("delta sync, new: project, provision 2", ("hr:delta sync",), 20, 10),
    Workload("export to CSV", ("phonebook:export",), 7, 3.5),
    Workload("export to SQL", ("badge:export",), 10, 5),
    Workload("confirming import, CSV", ("phonebook:full import",), 7, 3.5),
    Workload("confirming import, SQL", ("badge:full import",), 7, 3.5),
    Workload("full sync, unchanged", ("hr:full sync",), 7, 3),
    Workload("full import, unchanged again", ("hr:full import",), 4, 2),
    Workload("delta import of 1,000", ("hr:delta import",), 0.5, 0.15, lambda scene: _change(scene, 1000, 1), 1000),
    Workload("delta sync of 1,000", ("hr:delta sync",), 0.5, 0.25, fixed=1000),
    Workload(
        "one object: delta import + delta sync", ("hr:delta import", "hr:delta sync"), 0.05, 0.01,
        lambda scene: _change(scene, 1, 2), 1,
    ),
)  # fmt: skip
