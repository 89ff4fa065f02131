"""One group with as many members as there are people; one member changes. The connected systems are in memory."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from autosync.syncengine.connectors.port import (
    AttributeSchema,
    AttributeType,
    Change,
    ChangeKind,
    ChangeOutcome,
    Description,
    Entry,
    ReadError,
)
from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.spec.parse import parse_spec
from benchmarks.engine.pace import Pace
from benchmarks.engine.worker import counters, peak_memory
from benchmarks.engine.workloads import Scene

_RULES: dict[str, Any] = {
    "metaverse": {
        "person": {"attributes": {"id": {"key": True}}},
        "group": {"attributes": {"name": {"key": True}, "members": {"reference": "person", "multivalued": True}}},
    },
    "agents": {
        "source": {
            "person": {"project": "always", "import": {"id": "id"}},
            "group": {"project": "always", "import": {"name": "name", "members": {"ref": "member"}}},
        },
        "target": {
            "person": {"provision": {"dn": "{id}"}, "export": {"id": "id"}},
            "group": {"provision": {"dn": "{name}"}, "export": {"name": "name", "member": "members"}},
        },
    },
}


@dataclass
class System:
    """A connected system that shows what it has, or in a delta only what is in ``changed``."""

    entries: dict[str, Entry] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)
    version: int = 0

    def describe(self) -> Description:
        """Return a schema with members."""
        member = AttributeSchema(name="member", type=AttributeType.REFERENCE, multivalued=True)
        return Description(attributes={"person": (), "group": (member,)}, delta=True, writable=True)

    def open_full(self, partition: str) -> "Reading":  # noqa: ARG002
        """Read everything."""
        return Reading(list(self.entries.values()), self.version)

    def open_delta(self, partition: str, token: bytes | None) -> "Reading":  # noqa: ARG002
        """Read what is in ``changed``."""
        return Reading([self.entries[anchor] for anchor in self.changed], self.version)

    def open_export(self, partition: str) -> "System":  # noqa: ARG002
        """Write straight away."""
        return self

    def write(self, changes: Sequence[Change]) -> Sequence[ChangeOutcome]:
        """Apply adds and updates."""
        for change in changes:
            attributes = change.attributes if change.kind is ChangeKind.ADD else change.whole
            self.entries[change.dn] = Entry(
                anchor=change.dn, dn=change.dn, object_type=change.object_type, attributes=dict(attributes)
            )
        return [ChangeOutcome(anchor=change.dn) for change in changes]

    def close(self) -> None:
        """Nothing to do."""

    def abandon(self) -> None:
        """Nothing to do."""


@dataclass
class Reading:
    """One reading, in batches of 5,000."""

    entries: list[Entry]
    version: int
    complete: bool = True

    @property
    def token(self) -> bytes:
        """Return the version that was read."""
        return str(self.version).encode()

    def __iter__(self) -> Iterator["Batch"]:
        for start in range(0, len(self.entries), 5000):
            yield Batch(self.entries[start : start + 5000], self.version)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


@dataclass
class Batch:
    """Some objects; only people never change."""

    entries: list[Entry]
    version: int
    deleted: Sequence[str] = ()
    errors: Sequence[ReadError] = ()

    @property
    def anchors(self) -> list[str]:
        """Return the anchors."""
        return [entry.anchor for entry in self.entries]

    @property
    def digests(self) -> list[bytes]:
        """Return a digest that changes with the version, for groups."""
        return [f"{self.version if e.object_type == 'group' else 0:016d}".encode() for e in self.entries]

    def entry(self, index: int) -> Entry:
        """Return an object."""
        found = self.entries[index]
        return Entry(anchor=found.anchor, dn=found.dn, object_type=found.object_type, attributes=dict(found.attributes))


def measure_group(scene: Scene) -> dict[str, Any]:
    """Change one member of the group and measure import, sync and export of that."""
    source, target, path = System(), System(), Path(scene.folder) / "group.db"
    people = [f"P{number:07d}" for number in range(scene.objects)]
    for name in people:
        source.entries[name] = Entry(anchor=name, dn=name, object_type="person", attributes={"id": name})
    members: list[Any] = people[:-1]
    group = Entry(anchor="all", dn="all", object_type="group", attributes={"name": "all", "member": members})
    source.entries["all"] = group
    engine = SyncEngine.open(
        parse_spec(_RULES), path, {"source": source, "target": target}, clock=lambda: datetime.now(UTC)
    )
    for agent, profile in (
        ("source", "full import"), ("source", "delta sync"), ("target", "export"), ("target", "full import"),
    ):  # fmt: skip
        result = engine.run(agent, profile)
        assert result.status == "success", result
    group.attributes["member"] = [*people[1:]]
    source.version, source.changed = 1, ["all"]
    started, worked = time.perf_counter(), time.process_time()
    results = [engine.run("source", "delta import"), engine.run("source", "delta sync")]
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    results.append(engine.run("target", "export"))
    engine.close()
    shown = target.entries["all"].attributes["member"]
    assert isinstance(shown, list)
    assert set(shown) == set(people[1:]), "the member did not arrive"
    return {
        "workload": f"group of {scene.objects:,}, 1 out, 1 in: import + sync", "objects": 1, "rate": 1 / seconds,
        "must": 1.0, "aim": 0.2, "seconds": seconds, "cpu": cpu, "units": Pace().units(cpu), "memory": peak_memory(),
        "runs": [
            {"status": each.status, "message": each.message, "counters": counters(each.steps[0])} for each in results
        ],
    }  # fmt: skip
