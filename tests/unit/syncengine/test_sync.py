"""Filter, join, projection, import flow and precedence, provisioning, deprovisioning, deletion."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.connectors.port import ReferenceBy
from tests.unit.syncengine.memory import MemorySystem
from tests.unit.syncengine.worlds import Clock, counted, done, open_engine, run, settle

ATTRIBUTES = {"id": {"key": True}, "name": {}, "mail": {}, "active": {"type": "boolean"}}
HR = {"project": "always", "import": {"id": "id", "name": "name", "active": {"equals": ["status", "A"]}}}


def rules(hr: dict[str, Any] | None = None, **agents: dict[str, Any]) -> dict[str, Any]:
    people = {name: {"person": block} for name, block in {"hr": hr or HR, **agents}.items()}
    return {"metaverse": {"person": {"attributes": ATTRIBUTES}}, "agents": people}


def hr_system(**people: str) -> MemorySystem:
    system = MemorySystem()
    for name, status in people.items():
        system.put(name, id=name, name=name.title(), status=status)
    return system


def load(engine: Any, agent: str) -> Any:
    done(engine.run(agent, "full import"))
    return engine.run(agent, "delta sync").steps[0]


def test_filtered_objects_stay_out(tmp_path: Path) -> None:
    block = {**HR, "filter": {"equals": ["status", "X"]}}
    system = hr_system(ann="A", bob="X")
    engine = open_engine(tmp_path, rules(block), {"hr": system})
    step = load(engine, "hr")
    assert counted(step.inbound) == {"disconnector_projected_flow": 1, "disconnector_filtered": 1}
    system.put("ann", id="ann", name="Ann", status="X")

    assert counted(load(engine, "hr").inbound) == {"connector_filtered_remove_mv": 1}
    assert engine.search("metaverse", "id", "ann") == []


def test_projection_may_have_a_condition(tmp_path: Path) -> None:
    block = {**HR, "project": {"when": {"equals": ["status", "A"]}}}
    engine = open_engine(tmp_path, rules(block), {"hr": hr_system(ann="A", bob="L")})

    assert counted(load(engine, "hr").inbound) == {"disconnector_projected_flow": 1, "disconnector_remains": 1}


def test_the_first_criterion_that_fits_joins(tmp_path: Path) -> None:
    phones = MemorySystem()
    phones.put("1", number="nobody", login="ANN")
    blocks = {"phones": {"join": [{"number": "id"}, {"login": "id"}], "import": {"mail": "mail"}}}
    engine = open_engine(tmp_path, rules(**blocks), {"hr": hr_system(ann="A"), "phones": phones})
    load(engine, "hr")

    assert counted(load(engine, "phones").inbound) == {"disconnector_joined_no_flow": 1}


def test_an_ambiguous_join_is_an_error_of_the_object(tmp_path: Path) -> None:
    system, phones = hr_system(ann="A", bob="A"), MemorySystem()
    system.put("bob", id="bob", name="Ann", status="A")
    phones.put("1", name="Ann")
    phones.put("2", name="Nobody")
    blocks = {"phones": {"join": {"name": "name"}, "import": {"mail": "mail"}}}
    engine = open_engine(tmp_path, rules(**blocks), {"hr": system, "phones": phones})
    load(engine, "hr")
    step = load(engine, "phones")

    assert step.status == "completed-sync-errors"
    assert step.sync_errors[0].error_type == "ambiguous-import-flow-from-multiple-connectors"
    assert step.sync_errors[0].algorithm_step == "join"
    assert counted(step.inbound) == {"disconnector_remains": 1, "flow_failure": 1}


def test_errors_count_their_retries_and_go_when_healed(tmp_path: Path) -> None:
    system, phones = hr_system(ann="A", bob="A"), MemorySystem()
    system.put("bob", id="bob", name="Ann", status="A")
    phones.put("1", name="Ann")
    blocks = {"phones": {"join": {"name": "name"}, "import": {"mail": "mail"}}}
    engine = open_engine(tmp_path, rules(**blocks), {"hr": system, "phones": phones})
    load(engine, "hr")
    first = load(engine, "phones").sync_errors[0]
    second = engine.run("phones", "delta sync").steps[0].sync_errors[0]
    assert (first.retry_count, second.retry_count) == (0, 1)
    assert second.first_occurred == first.first_occurred
    system.put("bob", id="bob", name="Bob", status="A")
    load(engine, "hr")

    assert counted(run(engine, "phones", "delta sync").inbound) == {"disconnector_joined_no_flow": 1}


def test_a_second_source_joins_on_the_key_instead_of_projecting_a_twin(tmp_path: Path) -> None:
    other = MemorySystem()
    other.put("x", id="ANN", mail="ann@example")
    blocks = {"other": {"project": "always", "import": {"id": "id", "mail": "mail"}}}
    engine = open_engine(tmp_path, rules(**blocks), {"hr": hr_system(ann="A"), "other": other})
    load(engine, "hr")

    assert counted(load(engine, "other").inbound) == {"disconnector_joined_flow": 1}
    assert engine.search("metaverse", "id", "ann")[0].attributes["mail"] == "ann@example"


def test_the_agent_named_first_wins_and_the_next_one_follows_when_it_has_nothing(tmp_path: Path) -> None:
    system, other = hr_system(ann="A"), MemorySystem()
    other.put("x", id="ann", name="Other")
    blocks = {"other": {"join": {"id": "id"}, "import": {"name": "name"}}}
    engine = open_engine(tmp_path, rules(**blocks), {"hr": system, "other": other})
    load(engine, "hr")
    load(engine, "other")
    assert engine.search("metaverse", "id", "ann")[0].attributes["name"] == "Ann"
    system.put("ann", id="ann", status="A")
    load(engine, "hr")

    assert engine.search("metaverse", "id", "ann")[0].attributes["name"] == "Other"


def test_an_attribute_may_have_an_order_of_its_own(tmp_path: Path) -> None:
    other = MemorySystem()
    other.put("x", id="ann", name="Other")
    config = rules(other={"join": {"id": "id"}, "import": {"name": "name"}})
    config["metaverse"]["person"]["attributes"] = {**ATTRIBUTES, "name": {"precedence": ["other", "hr"]}}
    engine = open_engine(tmp_path, config, {"hr": hr_system(ann="A"), "other": other})
    load(engine, "hr")
    load(engine, "other")

    assert engine.search("metaverse", "id", "ann")[0].attributes["name"] == "Other"


def test_another_agents_staged_changes_do_not_leak(tmp_path: Path) -> None:
    """They may be held by a guard: only their own synchronization lets them in."""
    system, other = hr_system(ann="A"), MemorySystem()
    other.put("x", id="ann", mail="old")
    blocks = {"other": {"join": {"id": "id"}, "import": {"mail": "mail"}}}
    engine = open_engine(tmp_path, rules(**blocks), {"hr": system, "other": other})
    load(engine, "hr")
    load(engine, "other")
    other.put("x", id="ann", mail="new")
    done(engine.run("other", "full import"))
    system.put("ann", id="ann", name="Changed", status="A")
    load(engine, "hr")

    found = engine.search("metaverse", "id", "ann")[0].attributes
    assert (found["name"], found["mail"]) == ("Changed", "old")


def test_a_python_function_that_fails_fails_its_object_only(tmp_path: Path) -> None:
    (tmp_path / "extra.py").write_text(
        "def shout(name):\n    return name.upper()\n\ndef odd(values):\n    return object()\n", encoding="utf-8"
    )
    block = {**HR, "import": {**HR["import"], "name": {"python": "extra.shout", "from": ["name"]}}}  # type: ignore[dict-item]
    system = hr_system(ann="A")
    system.put("bob", id="bob", status="A")
    engine = open_engine(tmp_path, rules(block), {"hr": system})
    step = load(engine, "hr")

    assert counted(step.inbound) == {"disconnector_projected_flow": 1, "flow_failure": 1}
    assert step.sync_errors[0].error_type == "extension-dll-exception"
    assert step.sync_errors[0].algorithm_step == "import-flow"
    assert "name" in step.sync_errors[0].message
    assert engine.search("metaverse", "id", "ann")[0].attributes["name"] == "ANN"


def test_provisioning_follows_its_condition(tmp_path: Path) -> None:
    target = {"provision": {"when": "active", "dn": "{id}"}, "export": {"id": "id"}, "deprovision": "delete"}
    system, flat = hr_system(ann="A", bob="L"), MemorySystem()
    engine = open_engine(tmp_path, rules(flat=target), {"hr": system, "flat": flat})
    assert counted(load(engine, "hr").outbound["flat"]) == {"provisioned_add_flow": 1}
    settle(engine)
    system.put("ann", id="ann", name="Ann", status="L")
    assert counted(load(engine, "hr").outbound["flat"]) == {"provisioned_disconnect": 1}
    settle(engine)

    assert flat.values() == {}


def test_an_object_that_was_never_exported_is_not_deleted_but_forgotten(tmp_path: Path) -> None:
    target = {"provision": {"when": "active", "dn": "{id}"}, "export": {"id": "id"}, "deprovision": "delete"}
    system = hr_system(ann="A")
    engine = open_engine(tmp_path, rules(flat=target), {"hr": system, "flat": MemorySystem()})
    load(engine, "hr")
    system.put("ann", id="ann", name="Ann", status="L")
    load(engine, "hr")

    assert engine.pending("flat")["default"].objects == 0


def test_deprovisioning_can_wait(tmp_path: Path) -> None:
    target = {
        "provision": {"when": "active", "dn": "{id}"},
        "export": {"id": "id", "name": "name"},
        "deprovision": {"after": "30d", "then": "delete"},
    }
    clock, system, flat = Clock(), hr_system(ann="A", bob="A"), MemorySystem()
    engine = open_engine(tmp_path, rules(flat=target), {"hr": system, "flat": flat}, clock)
    load(engine, "hr")
    settle(engine)
    system.put("ann", id="ann", name="Gone", status="L")
    system.put("bob", id="bob", name="Back", status="L")
    load(engine, "hr")
    settle(engine)
    assert flat.values()["ann"] == {"id": "ann", "name": "Ann"}, "nothing flows while it waits"
    system.put("bob", id="bob", name="Bob", status="A")
    load(engine, "hr")
    clock.now += timedelta(days=31)
    run(engine, "hr", "delta sync")
    settle(engine)

    assert list(flat.values()) == ["bob"]


def test_deprovisioning_can_disable(tmp_path: Path) -> None:
    target = {
        "provision": {"when": "active", "dn": "{id}"},
        "export": {"id": "id", "name": "name", "locked": {"constant": "no"}},
        "deprovision": {"then": {"disable": {"locked": "yes", "name": None}}},
    }
    system, flat = hr_system(ann="A"), MemorySystem()
    engine = open_engine(tmp_path, rules(flat=target), {"hr": system, "flat": flat})
    load(engine, "hr")
    settle(engine)
    system.put("ann", id="ann", name="Ann", status="L")
    load(engine, "hr")
    settle(engine)

    assert flat.values() == {"ann": {"id": "ann", "locked": "yes"}}
    system.put("ann", id="ann", name="Ann", status="A")
    settle(engine)
    assert flat.values() == {"ann": {"id": "ann", "name": "Ann", "locked": "no"}}


def test_a_disconnected_object_stays_as_it_is_and_is_taken_back_by_name(tmp_path: Path) -> None:
    target = {"provision": {"when": "active", "dn": "{id}"}, "export": {"id": "id", "name": "name"}}
    system, flat = hr_system(ann="A"), MemorySystem()
    engine = open_engine(tmp_path, rules(flat=target), {"hr": system, "flat": flat})
    load(engine, "hr")
    settle(engine)
    system.put("ann", id="ann", name="Left", status="L")
    load(engine, "hr")
    settle(engine)
    assert flat.values()["ann"]["name"] == "Ann"
    system.put("ann", id="ann", name="Returned", status="A")
    load(engine, "hr")
    settle(engine)

    assert flat.values()["ann"]["name"] == "Returned"


@pytest.mark.parametrize(("delete", "left"), [("last-source", 0), ("last-connector", 1), ({"connector-of": ["hr"]}, 0)])
def test_a_metaverse_object_goes_by_its_rule(tmp_path: Path, delete: Any, left: int) -> None:
    config = rules(flat={"provision": {"dn": "{id}"}, "export": {"id": "id"}, "deprovision": "delete"})
    config["metaverse"]["person"]["delete"] = delete
    system, flat = hr_system(ann="A"), MemorySystem()
    engine = open_engine(tmp_path, config, {"hr": system, "flat": flat})
    load(engine, "hr")
    settle(engine)
    system.remove("ann")
    load(engine, "hr")
    settle(engine)

    assert len(flat.entries) == left
    assert len(engine.search("metaverse", "id", "ann")) == left


def test_a_metaverse_object_may_hang_on_a_target(tmp_path: Path) -> None:
    config = rules(
        flat={"provision": {"when": "active", "dn": "{id}"}, "export": {"id": "id"}, "deprovision": "delete"}
    )
    config["metaverse"]["person"]["delete"] = {"connector-of": ["flat"]}
    system, flat = hr_system(ann="A", bob="L"), MemorySystem()
    engine = open_engine(tmp_path, config, {"hr": system, "flat": flat})
    load(engine, "hr")
    assert len(engine.search("metaverse", "id", "bob")) == 1, "what it never had it cannot lose"
    settle(engine)
    system.put("ann", id="ann", name="Ann", status="L")
    load(engine, "hr")

    assert engine.search("metaverse", "id", "ann") == []


def test_an_existing_object_is_joined_before_a_twin_is_provisioned(tmp_path: Path) -> None:
    """The directory was read first: what waits there for its person is found by what it would join on."""
    directory = MemorySystem(names=True)
    directory.put("id-9", "cn=Ann Existing", number="ann", cn="old")
    target = {"join": {"number": "id"}, "provision": {"dn": "cn={id}"}, "export": {"number": "id", "cn": "name"}}
    engine = open_engine(tmp_path, rules(directory=target), {"hr": hr_system(ann="A"), "directory": directory})
    assert counted(load(engine, "directory").inbound) == {"disconnector_remains": 1}
    load(engine, "hr")
    settle(engine)

    assert directory.values() == {"cn=ann": {"number": "ann", "cn": "Ann"}}


def test_two_objects_of_one_name_are_an_error(tmp_path: Path) -> None:
    target = {"provision": {"dn": "{name}"}, "export": {"id": "id"}}
    system = hr_system(ann="A")
    system.put("bob", id="bob", name="Ann", status="A")
    engine = open_engine(tmp_path, rules(flat=target), {"hr": system, "flat": MemorySystem()})
    step = load(engine, "hr")

    assert [error.error_type for error in step.sync_errors] == ["object-already-exists"]
    assert step.outbound["flat"].provisioned_add_flow == 1


def test_a_name_that_needs_a_missing_value_is_an_error(tmp_path: Path) -> None:
    target = {"provision": {"dn": "cn={mail},ou=people"}, "export": {"id": "id"}}
    engine = open_engine(tmp_path, rules(flat=target), {"hr": hr_system(ann="A"), "flat": MemorySystem()})
    step = load(engine, "hr")

    assert step.sync_errors[0].algorithm_step == "provisioning"
    assert "mail" in step.sync_errors[0].message


def test_a_changed_name_renames(tmp_path: Path) -> None:
    target = {"provision": {"dn": "cn={name}"}, "export": {"id": "id"}}
    system, directory = hr_system(ann="A"), MemorySystem(names=True, reference_by=ReferenceBy.DN)
    engine = open_engine(tmp_path, rules(directory=target), {"hr": system, "directory": directory})
    load(engine, "hr")
    settle(engine)
    system.put("ann", id="ann", name="Ann, née Smith", status="A")
    assert counted(load(engine, "hr").outbound["directory"]) == {"provisioned_rename_no_flow": 1}
    settle(engine)

    assert list(directory.values()) == ["cn=Ann\\, née Smith"]


def test_combined_steps_stage_and_synchronize(tmp_path: Path) -> None:
    config = rules()
    config["agents"]["hr"]["profiles"] = {"both": ["full-import-delta-sync"], "cycle": ["full-import", "full-sync"]}
    engine = open_engine(tmp_path, config, {"hr": hr_system(ann="A")})
    step = run(engine, "hr", "both")

    assert counted(step.staging) == {"stage_add": 1}
    assert counted(step.inbound) == {"disconnector_projected_flow": 1}
    assert [each.kind for each in engine.run("hr", "cycle").steps] == ["full-import", "full-sync"]
