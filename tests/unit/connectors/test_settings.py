"""Settings are checked whole: every mistake with its path and the nearest right word."""

from pathlib import Path

import pytest
import yaml

from autosync.syncengine.connectors.anchors import join_anchor, split_anchor
from autosync.syncengine.connectors.delimited.settings import DelimitedSettings
from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.registry import KINDS, make_connector, parse_connector
from autosync.syncengine.connectors.settings_reading import SettingsError


def mistakes(data: object) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        parse_connector(data)
    return {".".join(map(str, each.path)): each.message for each in caught.value.mistakes}


def test_all_mistakes_are_collected() -> None:
    found = mistakes(
        {
            "type": "csv",
            "pth": "x.csv",
            "anchor": 7,
            "encoding": "utf8000",
            "delimiter": ";;",
            "quoting": "minimall",
            "header": "yes",
            "types": {"a": "integr"},
            "booleans": {"true-words": ["x"], "false-words": ["X"]},
            "delta": {"column": "c", "add": "M"},
            "deleted": {"colum": "x"},
        }
    )

    assert found["pth"] == "unknown key (did you mean 'path'?)"
    assert found["path"] == "is missing"
    assert "number 7; put it in quotes" in found["anchor"]
    assert "no encoding" in found["encoding"]
    assert "one character" in found["delimiter"]
    assert "did you mean 'minimal'" in found["quoting"]
    assert "true or false" in found["header"]
    assert "did you mean 'integer'" in found["types.a"]
    assert "'x' is a true word" in found["booleans.false-words"]
    assert found["delta.path"] == "is missing"
    assert "three different words" in found["delta"]
    assert found["deleted.column"] == "is missing"
    assert "did you mean 'column'" in found["deleted.colum"]


@pytest.mark.parametrize(
    ("data", "path", "says"),
    [
        ([], "", "expected keys"),
        ({}, "type", "is missing; there are: active-directory, csv, ldap, ldif, memory, sql"),
        ({"type": "cvs"}, "type", "did you mean 'csv'"),
        ({"type": "csv", "path": "x"}, "anchor", "is missing"),
        ({"type": "csv", "path": "x", "anchor": "a", "header": False}, "columns", "need names"),
        ({"type": "csv", "path": "x", "anchor": "a", "header": False, "columns": ["b"]}, "anchor", "not one of"),
        ({"type": "csv", "path": "x", "anchor": "a", "columns": ["a", "a"]}, "columns", "twice"),
        ({"type": "csv", "path": "x", "anchor": "a", "comment": ""}, "comment", "empty"),
        ({"type": "csv", "path": "x", "anchor": "a", "quote": ","}, "quote", "delimiter"),
        ({"type": "csv", "path": "x", "anchor": "a", "encoding": "ascii", "delimiter": "§"}, "delimiter", "ascii"),
        ({"type": "csv", "path": "x", "anchor": "a", "multi-valued": {"b": ""}}, "multi-valued.b", "empty"),
        ({"type": "csv", "path": "x", "anchor": "a", "types": ["b"]}, "types", "not a list"),
        ({"type": "sql", "url": "sqlite://", "anchor": "a"}, "table", "either"),
        ({"type": "sql", "url": "sqlite://", "table": "t", "query": "q", "anchor": "a"}, "table", "either"),
        ({"type": "sql", "url": "no url", "table": "t", "anchor": "a"}, "url", "no database URL"),
        ({"type": "ldif", "path": "x", "anchor": "member"}, "anchor", "several values"),
        ({"type": "memory", "reference-by": "dnn"}, "reference-by", "did you mean 'dn'"),
    ],
)
def test_each_mistake_has_its_path(data, path, says) -> None:
    assert says in mistakes(data)[path]


def test_a_url_that_is_none_is_not_repeated() -> None:
    assert "secret" not in str(mistakes({"type": "sql", "url": "my secret", "table": "t", "anchor": "a"}))


def test_usual_settings_are_short() -> None:
    kind, settings = parse_connector({"type": "csv", "path": "hr.csv", "anchor": "employee_id", "encoding": "utf-8"})

    assert kind is KINDS["csv"]
    assert settings == DelimitedSettings(path="hr.csv", anchor=("employee_id",))


def test_types_are_of_the_engine() -> None:
    _, settings = parse_connector({"type": "ldif", "path": "x", "types": {"n": "integer"}})

    assert settings.types == {"n": AttributeType.INTEGER}


def test_paths_count_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"id\n1\n")

    assert make_connector({"type": "csv", "path": "x.csv", "anchor": "id"}, tmp_path).describe().attributes


@pytest.mark.parametrize("parts", [["a", "b"], ["a|", "b"], ["a", "|b"], ["a\\", "|", ""], ["\\|", "|\\"]])
def test_anchors_of_several_parts_can_be_taken_apart(parts) -> None:
    assert split_anchor(join_anchor(parts), len(parts)) == parts


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_documented(kind: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "engine" / "connectors.md").read_text(encoding="utf-8")
    example = page.split(f"\n## {kind}:")[1].split("```yaml\n")[1].split("```")[0]
    if kind == "active-directory":  # whatever is not shown there is the same
        example += page.split("\n## ldap:")[1].split("```yaml\n")[1].split("```")[0]
    known = mistakes({"type": kind, "@@": 1})["@@"].split("known: ")[1].split(", ")

    assert [key for key in known if f"{key}:" not in example and f"{key} is" not in page] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_example_is_valid(kind: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "engine" / "connectors.md").read_text(encoding="utf-8")
    example = yaml.safe_load(page.split(f"\n## {kind}:")[1].split("```yaml\n")[1].split("```")[0])["connector"]
    if "password" in example:
        example["password"] = "revealed"  # a reference until then
    if kind == "sql":
        del example["change-table"]  # instead of change-column

    _, settings = parse_connector(example)

    assert settings
