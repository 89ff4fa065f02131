"""The rules as YAML: what can be written, and what every mistake says."""

from typing import Any

import pytest
import yaml

from autosync.syncengine.spec.expressions import Attribute, Constant, Equals, Function, Present, Reference, Template
from autosync.syncengine.spec.mistakes import SpecError
from autosync.syncengine.spec.model import Action, Deletion
from autosync.syncengine.spec.parse import parse_spec

SKETCH = """
metaverse:
  person:
    attributes:
      {employeeID: {key: true}, displayName: {}, title: {}, manager: {reference: person}, active: {type: boolean}}
agents:
  hr:
    connector: {type: csv, path: hr.csv, anchor: employee_id, encoding: utf-8}
    person:
      project: always
      import:
        employeeID: employee_id
        displayName: "{first} {last}"
        title: title
        manager: {ref: manager_id}
        active: {equals: [status, A]}
  directory:
    connector: {type: ldap, server: ldaps://ldap.example, base: "ou=people,dc=example"}
    person:
      join: {employeeNumber: employeeID}
      provision: {when: active, dn: "uid={employeeID},ou=people,dc=example", object-class: inetOrgPerson}
      export: {cn: displayName, sn: {python: rules.surname}, title: title, manager: manager}
      deprovision: {after: 30d, then: delete}
"""


def sketch() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(SKETCH)
    return data


def mistakes(data: object) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(data)
    return {".".join(map(str, each.path)): each.message for each in caught.value.mistakes}


def test_the_sketch_reads_as_it_is_meant() -> None:
    spec = parse_spec(sketch())
    flows = {flow.target: flow.source for flow in spec.agents["hr"].types["person"].imports}
    target = spec.agents["directory"].types["person"]

    assert flows["employeeID"] == Attribute("employee_id")
    assert flows["displayName"] == Template(("", "first", " ", "last", ""))
    assert flows["manager"] == Reference("manager_id")
    assert flows["active"] == Equals("status", ("A",))
    assert target.provision is not None
    assert target.provision.when == Present("active")
    assert target.object_type == "inetOrgPerson"
    assert {flow.target: flow.source for flow in target.exports}["sn"] == Function("rules.surname")
    assert {flow.target: flow.source for flow in target.exports}["manager"] == Reference("manager")
    assert (target.deprovision.action, target.deprovision.after.days) == (Action.DELETE, 30)
    assert spec.metaverse["person"].deletion is Deletion.LAST_SOURCE


def test_every_mistake_is_told_at_its_place_with_the_nearest_right_name() -> None:
    data = sketch()
    data["agents"]["hr"]["person"]["import"]["titel"] = "title"
    data["agents"]["directory"]["person"]["provison"] = {}
    data["agents"]["directory"]["person"]["export"]["x"] = {"equls": ["a", "b"]}
    data["metaverse"]["person"]["attributes"]["boss"] = {"reference": "persn"}
    found = mistakes(data)

    assert "did you mean 'title'" in found["agents.hr.person.import.titel"]
    assert "did you mean 'provision'" in found["agents.directory.person.provison"]
    assert "did you mean 'equals'" in found["agents.directory.person.export.x"]
    assert "did you mean 'person'" in found["metaverse.person.attributes.boss.reference"]
    assert len(found) == 4


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("agents", "hr", "person", "import", "manager"), "manager_id", "write {ref: manager_id}"),
        (("agents", "hr", "person", "import", "title"), {"ref": "x"}, "a reference flows into a reference"),
        (("agents", "hr", "person", "import", "title"), "{first", "without its other half"),
        (("agents", "hr", "person", "project"), "sometimes", "expected always, never or {when: condition}"),
        (("agents", "hr", "person", "filter"), {"equals": ["a"]}, "expected [attribute, value]"),
        (("agents", "hr", "person", "filter"), {"matches": ["a", "("]}, "is no regular expression"),
        (("agents", "hr", "person", "filter"), {"any": []}, "expected a list of conditions"),
        (("agents", "hr", "person", "filter"), 7, "expected an attribute or a condition"),
        (("agents", "directory", "person", "join"), {}, "expected {attribute here: metaverse attribute}"),
        (("agents", "directory", "person", "join"), {"x": "nothing"}, "no such attribute of person"),
        (("agents", "directory", "person", "provision"), {"when": "active"}, "is missing"),
        (("agents", "directory", "person", "deprovision"), "remove", "not one of"),
        (("agents", "directory", "person", "deprovision"), {"after": "soon", "then": "delete"}, "expected a duration"),
        (("agents", "directory", "person", "deprovision"), {"then": {"disable": {}}}, "expected disconnect, delete or"),
        (
            ("agents", "directory", "person", "deprovision"),
            {"then": {"disable": {"state": "off"}}},
            "somebody who comes back would stay disabled: give state an export flow too",
        ),
        (("agents", "directory", "person", "export", "sn"), {"python": "surname"}, "expected module.function"),
        (("agents", "directory", "person", "export", "sn"), {"table": "title"}, "expected a value for each value"),
        (("agents", "directory", "person", "export", "sn"), None, "expected an attribute"),
        (("agents", "hr", "profiles"), {"all": [{"step": "full-imprt"}]}, "did you mean 'full-import'"),
        (("agents", "hr", "profiles"), {"all": []}, "expected a list of steps"),
        (("metaverse", "person", "delete"), {"connector-of": ["hrr"]}, "did you mean 'hr'"),
        (("metaverse", "person", "attributes", "title"), {"precedence": ["dir"]}, "no such agent"),
        (("metaverse", "person", "attributes", "title"), {"type": "text"}, "not one of"),
    ],
)
def test_a_mistake_says_what_to_write_instead(place: tuple[str, ...], value: object, said: str) -> None:
    data = sketch()
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value

    assert said in " ".join(mistakes(data).values())


def test_flows_take_options_beside_any_expression() -> None:
    data = sketch()
    exports = data["agents"]["directory"]["person"]["export"]
    exports["a"] = {"attribute": "title", "suppress-null": True}
    exports["b"] = {"constant": ["x", "y"], "initial-only": True}
    data["agents"]["directory"]["person"]["provision"]["initial"] = {"c": True}
    flows = {flow.target: flow for flow in parse_spec(data).agents["directory"].types["person"].exports}

    assert flows["a"].suppress_null
    assert (flows["b"].source, flows["b"].initial_only) == (Constant(("x", "y")), True)
    assert (flows["c"].source, flows["c"].initial_only) == (Constant(True), True)


def test_profiles_have_steps_with_limits() -> None:
    data = sketch()
    data["agents"]["hr"]["profiles"] = {
        "careful": [{"step": "full-import", "partition": "p", "object-limit": 5, "deletion-limit": 0}, "delta-sync"]
    }
    (profile,) = parse_spec(data).agents["hr"].profiles

    assert [(step.kind, step.partition, step.object_limit, step.deletion_limit) for step in profile.steps] == [
        ("full-import", "p", 5, 0), ("delta-sync", "default", None, None),
    ]  # fmt: skip
