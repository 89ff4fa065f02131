"""Whatever happens in the connected systems, and in whatever order profiles run: in the end every target is right.

The oracle is a dozen lines over the sources; it shares nothing with the engine.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autosync.syncengine.connectors.port import ReferenceBy
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import open_engine, settle

RULES: dict[str, Any] = {
    "metaverse": {
        "person": {
            "attributes": {
                "id": {"key": True},
                "name": {},
                "title": {"precedence": ["phones", "hr"]},
                "phone": {},
                "active": {"type": "boolean"},
                "boss": {"reference": "person"},
            }
        },
        "group": {"attributes": {"name": {"key": True}, "members": {"reference": "person", "multivalued": True}}},
    },
    "agents": {
        "hr": {
            "person": {
                "project": "always",
                "import": {
                    "id": "id",
                    "name": "{first} {last}",
                    "title": "title",
                    "active": {"equals": ["status", "A"]},
                    "boss": {"ref": "boss"},
                },
            },
            "group": {"project": "always", "import": {"name": "name", "members": {"ref": "member"}}},
        },
        "phones": {"person": {"join": {"id": "id"}, "import": {"phone": "phone", "title": "title"}}},
        "directory": {
            "person": {
                "object-type": "person",
                "provision": {"when": "active", "dn": "uid={id},ou=people"},
                "export": {"cn": "name", "title": "title", "phone": "phone", "manager": "boss"},
                "deprovision": "delete",
            },
            "group": {"provision": {"dn": "cn={name},ou=groups"}, "export": {"cn": "name", "member": "members"},
                      "deprovision": "delete"},
        },
        "flat": {
            "person": {
                "provision": {"dn": "{id}"},
                "export": {"id": "id", "name": "name", "boss": "boss"},
                "deprovision": "delete",
            },
            "group": {"provision": {"dn": "{name}"}, "export": {"name": "name", "member": "members"},
                      "deprovision": "delete"},
        },
    },
}  # fmt: skip

IDS = [f"p{number}" for number in range(5)]
GROUPS = ["g0", "g1"]
AGENTS = list(RULES["agents"])
PROFILES = ["full import", "delta import", "delta sync", "full sync", "export"]

person = st.builds(
    lambda first, title, status, boss: {"first": first, "last": "X", "title": title, "status": status, "boss": boss},
    st.sampled_from(["Ann", "Bob"]),
    st.sampled_from(["chief", "clerk", None]),
    st.sampled_from(["A", "A", "L"]),
    st.sampled_from([*IDS, None]),
)
step = st.one_of(
    st.tuples(st.just("hire"), st.sampled_from(IDS), person),
    st.tuples(st.just("fire"), st.sampled_from(IDS)),
    st.tuples(st.just("form"), st.sampled_from(GROUPS), st.sets(st.sampled_from(IDS))),
    st.tuples(st.just("dissolve"), st.sampled_from(GROUPS)),
    st.tuples(st.just("phone"), st.sampled_from(IDS), st.sampled_from(["1", "2", None]), st.sampled_from(["t", None])),
    st.tuples(st.just("drift"), st.sampled_from(["directory", "flat"]), st.integers(0, 9), st.sampled_from("abc")),
    st.tuples(st.just("cycle")),
    st.tuples(st.just("run"), st.sampled_from(AGENTS), st.sampled_from(PROFILES)),
)


def happen(  # noqa: C901  # a line for each kind of change
    systems: dict[str, MemorySystem], engine: Any, what: tuple[Any, ...]
) -> None:
    hr, phones = systems["hr"], systems["phones"]
    match what:
        case ("hire", name, values):
            hr.put(name, id=name, **values)
        case ("fire", name) if name in hr.entries:
            hr.remove(name)
        case ("form", name, members):
            hr.put(name, object_type="group", name=name, member=sorted(members))
        case ("dissolve", name) if name in hr.entries:
            hr.remove(name)
        case ("phone", name, phone, title):
            phones.put(f"t-{name}", id=name, phone=phone, title=title)
        case ("drift", target, place, how) if systems[target].entries:
            drift(systems[target], sorted(systems[target].entries)[place % len(systems[target].entries)], how)
        case ("cycle",):
            for profile in ("full import", "delta sync", "export"):
                for agent in AGENTS:
                    engine.run(agent, profile)
        case ("run", agent, profile):
            engine.run(agent, profile)


def drift(system: MemorySystem, anchor: str, how: str) -> None:
    """Somebody meddles with a target: deletes an object, or changes what the engine owns."""
    entry = system.entries[anchor]
    if how == "a":
        system.remove(anchor)
    elif how == "b":
        mine = "cn" if system.names else "name"
        system.put(anchor, entry.dn, entry.object_type, **{**entry.attributes, mine: "meddled"})
    else:
        kept = {name: value for name, value in entry.attributes.items() if name not in {"member", "boss", "manager"}}
        system.put(anchor, entry.dn, entry.object_type, **kept)


def expected(hr: MemorySystem, phones: MemorySystem) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the directory and the flat system must hold: the oracle."""
    people: dict[str, Any] = {a: e.attributes for a, e in hr.entries.items() if e.object_type == "person"}
    groups: dict[str, Any] = {a: e.attributes for a, e in hr.entries.items() if e.object_type == "group"}
    directory: dict[str, Any] = {}
    flat: dict[str, Any] = {}
    active = {name for name, values in people.items() if values["status"] == "A"}
    for name, values in people.items():
        phone = phones.entries[f"t-{name}"].attributes if f"t-{name}" in phones.entries else {}
        boss, full = values.get("boss"), f"{values['first']} {values['last']}"
        flat[name] = {"id": name, "name": full, "boss": boss if boss in people else None}
        if name in active:
            directory[f"uid={name},ou=people"] = {
                "cn": full, "title": phone.get("title", values.get("title")), "phone": phone.get("phone"),
                "manager": f"uid={boss},ou=people" if boss in active else None,
            }  # fmt: skip
    for name, values in groups.items():
        members = set(values.get("member", ()))
        flat[name] = {"name": name, "member": members & people.keys() or None}
        inside = {f"uid={member},ou=people" for member in members & active}
        directory[f"cn={name},ou=groups"] = {"cn": name, "member": inside or None}
    return trimmed(directory), trimmed(flat)


def trimmed(objects: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: set(value) if key == "member" else value for key, value in values.items() if value is not None}
        for name, values in objects.items()
    }


def make_systems() -> dict[str, MemorySystem]:
    return {
        "hr": MemorySystem(delta=True),
        "phones": MemorySystem(),
        "directory": MemorySystem(names=True, reference_by=ReferenceBy.DN, delta=True),
        "flat": MemorySystem(batch=3),
    }


def converge(steps: list[tuple[Any, ...]], batch_size: int) -> tuple[dict[str, MemorySystem], int]:
    folder = Path(tempfile.mkdtemp())
    systems = make_systems()
    engine: Any = open_engine(folder, RULES, systems)
    engine.batch_size = batch_size
    try:
        for what in steps:
            happen(systems, engine, what)
        rounds = settle(engine)
        engine._store.connection.execute("UPDATE mv SET stamp = 0")  # look at everything, whether it must be or not
        for agent in AGENTS:
            again = engine.run(agent, "full sync")
            assert not any(block.changes for block in again.steps[0].outbound.values()), again
    finally:
        engine.close()
        shutil.rmtree(folder)
    return systems, rounds


MUST_BE_REACHED = frozenset(
    {"hire", "cycle", "fire", "form", "dissolve", "phone", "drift", "members", "managers"}
    | {f"run {profile}" for profile in PROFILES}
)


def test_targets_are_what_the_sources_say() -> None:
    """The same examples each time, so that what they must reach is reached each time or never."""
    reached: Counter[str] = Counter()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(st.lists(step, max_size=25), st.sampled_from([1, 2, 5000]))
    @example([("hire", "p0", {"first": "Ann", "last": "X", "status": "A", "boss": "p1"}), ("form", "g0", {"p0"})], 1)
    def they_are(steps: list[tuple[Any, ...]], batch_size: int) -> None:
        systems, _ = converge(steps, batch_size)
        directory, flat = expected(systems["hr"], systems["phones"])
        assert trimmed(systems["directory"].values()) == directory
        assert trimmed(systems["flat"].values()) == flat
        reached.update(what[0] if what[0] != "run" else f"run {what[2]}" for what in steps)
        reached["members"] += any("member" in values for values in directory.values())
        reached["managers"] += any("manager" in values for values in directory.values())

    they_are()

    assert {name for name in MUST_BE_REACHED if not reached[name]} == set()
