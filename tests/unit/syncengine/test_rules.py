"""The compiled rules: templates, tables, conditions, coercion, names."""

from pathlib import Path
from typing import Any

import pytest

from autosync.syncengine.errors import EngineError, FlowError
from autosync.syncengine.rules.coercion import Misfit, binary, boolean, integer, same, several, text
from autosync.syncengine.rules.functions import RuleFunctions
from autosync.syncengine.rules.inbound import compile_inbound
from autosync.syncengine.rules.outbound import escape_rdn
from autosync.syncengine.rules.plan import compile_plan
from autosync.syncengine.spec.parse import parse_spec


def contribute(flow: Any, values: dict[str, Any], kind: str = "string", **attribute: Any) -> Any:
    spec = parse_spec(
        {
            "metaverse": {"person": {"attributes": {"x": {"type": kind, **attribute}}}},
            "agents": {"a": {"person": {"project": "always", "import": {"x": flow}}}},
        }
    )
    rules = spec.agents["a"].types["person"]
    return compile_inbound(rules, spec.metaverse["person"], RuleFunctions(None)).contribute(values).get("x")


@pytest.mark.parametrize(
    ("flow", "values", "result"),
    [
        ("a", {"a": "v"}, "v"),
        ("a", {}, None),
        ("a", {"a": ""}, None),
        ("{a} {b}", {"a": "A", "b": "B"}, "A B"),
        ("{a} {b}", {"a": "A"}, "A"),
        ("{a} {b}", {}, None),
        ("it's {a}\\{b}", {"a": "A", "b": "B"}, "it's A\\B"),
        ("{a}", {"a": True}, "true"),
        ({"constant": "c"}, {}, "c"),
        ({"table": "a", "values": {"A": "active", 7: "seven"}, "else": "other"}, {"a": "A"}, "active"),
        ({"table": "a", "values": {"A": "active", 7: "seven"}}, {"a": 7}, "seven"),
        ({"table": "a", "values": {"A": "active"}, "else": "other"}, {"a": "B"}, "other"),
        ({"table": "a", "values": {"A": "active"}}, {"a": "B"}, None),
        ({"equals": ["a", "A"]}, {"a": "A"}, "true"),
        ({"in": ["a", ["A", "B"]]}, {"a": ["x", "B"]}, "true"),
        ({"not": {"present": "a"}}, {}, "true"),
        ({"all": ["a", {"any": ["b", "c"]}]}, {"a": "1", "c": "1"}, "true"),
        ({"matches": ["a", "^x.*y$"]}, {"a": "x-y"}, "true"),
        ({"present": "a"}, {"a": "false"}, "false"),
    ],
)
def test_expressions(flow: Any, values: dict[str, Any], result: Any) -> None:
    assert contribute(flow, values) == result


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "result"),
    [
        ("integer", {}, "7", 7), ("boolean", {}, "no", False), ("binary", {}, "é", "é".encode()),
        ("string", {"multivalued": True}, "a", ["a"]), ("string", {"multivalued": True}, [1, "b"], ["1", "b"]),
        ("string", {}, ["one"], "one"),
    ],
)  # fmt: skip
def test_values_take_the_attributes_type(kind: str, attribute: dict[str, Any], value: Any, result: Any) -> None:
    assert contribute("a", {"a": value}, kind, **attribute) == result


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        ("integer", "seven", "flow-data-type-mismatch"), ("boolean", "perhaps", "flow-data-type-mismatch"),
        ("string", ["a", "b"], "flow-multi-values-to-single-value"), ("string", b"\xff", "flow-data-type-mismatch"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_an_error_that_names_the_attribute_but_not_the_value(
    kind: str, value: Any, error: str
) -> None:
    with pytest.raises(FlowError) as caught:
        contribute("a", {"a": value}, kind)

    assert caught.value.error_type == error
    assert str(caught.value).startswith("x: ")
    assert "seven" not in str(caught.value)


def test_coercion_leaves_nothing_alone() -> None:
    assert [kind(None) for kind in (text, integer, boolean, binary, several(text))] == [None] * 5
    assert [integer(True), integer(["3"]), boolean(["yes"]), binary([b"x"])] == [1, 3, True, b"x"]
    assert several(text)([None]) is None
    with pytest.raises(Misfit):
        binary(7)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (["a", "b"], ["b", "a"], True),
        (["a"], "a", True),
        ("a", ["a"], True),
        (["a"], ["a", "b"], False),
        ("a", "b", False),
    ],
)
def test_the_order_of_values_does_not_count(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal


@pytest.mark.parametrize(
    ("value", "escaped"),
    [("Smith, Ann", "Smith\\, Ann"), ("#1", "\\#1"), (" x ", "\\ x\\ "), ('a"b\\c', 'a\\"b\\\\c'), ("a=b", "a\\=b")],
)
def test_values_in_distinguished_names_are_escaped(value: str, escaped: str) -> None:
    assert escape_rdn(value) == escaped


def test_rules_functions_are_found_or_missed_when_the_rules_are_compiled(tmp_path: Path) -> None:
    data = {
        "metaverse": {"person": {"attributes": {"x": {}}}},
        "agents": {"a": {"person": {"project": "always", "import": {"x": {"python": "mine.of_all"}}}}},
    }
    (tmp_path / "mine.py").write_text("def of_all(values):\n    return values['a'] + '!'\n", encoding="utf-8")
    plan = compile_plan(parse_spec(data), {"a": 1}, {}, RuleFunctions(tmp_path))
    rules = plan.agents[1].rules_for("person")
    assert rules is not None
    assert rules.contribute({"a": "v"}) == {"x": "v!"}

    for folder, said in ((None, "no folder"), (tmp_path / "empty", "is not in")):
        with pytest.raises(EngineError, match=said):
            compile_plan(parse_spec(data), {"a": 1}, {}, RuleFunctions(folder))
    (tmp_path / "mine.py").write_text("raise OSError('x')\n", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be loaded: OSError"):
        compile_plan(parse_spec(data), {"a": 1}, {}, RuleFunctions(tmp_path))
    (tmp_path / "mine.py").write_text("", encoding="utf-8")
    with pytest.raises(EngineError, match="there is no function 'of_all'"):
        compile_plan(parse_spec(data), {"a": 1}, {}, RuleFunctions(tmp_path))


def test_names_in_the_configuration_cannot_become_code() -> None:
    evil = "__import__('os').abort()"
    assert contribute(evil, {evil: "harmless"}) == "harmless"
    assert contribute("'+" + evil + "+'{a}\"\n", {"a": "x"}) is not None
