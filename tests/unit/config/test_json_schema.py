import json
import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from autosync.bootstrap.kinds import KINDS
from autosync.config.file import ROOT
from autosync.config.load import Source, load_text
from autosync.model.settings import (
    AgentSettings,
    BreakerPolicy,
    EngineSettings,
    Guards,
    RetryPolicy,
    ScheduleSettings,
    ScriptPolicy,
    Thresholds,
)
from autosync.options.json_schema import file_schema
from autosync.ports.registry import Registries
from tests.unit.config.examples import SMALL, WHOLE
from tests.unit.config.kinds import REGISTRIES, loaded
from tests.unit.config.schema_check import fits

SCHEMA = file_schema(ROOT, REGISTRIES)
DOCS = Path(__file__).parents[3] / "docs" / "configuration.md"

# The embedded engine as the first sketch of the configuration has it.
EMBEDDED = """\
engines:
  home:
    type: embedded
    metaverse:
      person:
        attributes: {employeeID: {key: true}, displayName: {}, title: {}, manager: {reference: person}, active: {type: boolean}}
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
        connector: {type: ldif, path: directory.ldif}
        person:
          join: {employeeNumber: employeeID}
          provision: {when: active, dn: "uid={employeeID},ou=people,dc=example", object-class: inetOrgPerson}
          export: {cn: displayName, sn: {python: rules.surname}, title: title, manager: manager}
          deprovision: {after: 30d, then: delete}
agents:
  home/hr:
    triggers: [{type: file, path: hr.csv}]
"""


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every property anywhere in a schema."""
    if isinstance(schema, list):
        yield from chain.from_iterable(properties(each, path) for each in schema)
    elif isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            yield f"{path}/{name}", each
            yield from properties(each, f"{path}/{name}")
        deeper = (each for key, each in schema.items() if key not in {"properties", "default", "enum", "const"})
        yield from chain.from_iterable(properties(each, path) for each in deeper)


@pytest.mark.parametrize("text", [SMALL, WHOLE])
def test_what_is_valid_fits_the_schema(text: str) -> None:
    assert fits(loaded(text).document.data, SCHEMA, SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        "servce: {}\n" + SMALL,
        "service: {no-export: yes}\n" + SMALL,
        "service: {retention: 5}\n" + SMALL,
        "service: {retention: 5 days}\n" + SMALL,
        "service: {log-level: inf}\n" + SMALL,
        "engines: {a: {type: mimm}}\n",
        "engines: {a: {type: mim, run-mod: x}}\n",
        "engines: {a: {type: mim, password: hunter2}}\n",
        "engines: {a: {type: embedded, agents: {x: {}}}}\n",
        SMALL + "agents: {home/hr: {triggers: [{type: interval}]}}\n",
        SMALL + "agents: {home/hr: {triggers: [{type: interval, every: 5m, cron: x}]}}\n",
        SMALL + "agents: {home/hr: {guards: {staged: {deletes: many}}}}\n",
        SMALL + "agents: {home/hr: {partitions: {default: {export: true}}}}\n",
        SMALL + "exclusions: [{weekly: Sun, only: export}]\n",
        SMALL + "notify: {routes: [{to: log}]}\n",
        "service: {}\n",
    ],
)
def test_what_an_editor_can_know_to_be_wrong_does_not_fit(text: str) -> None:
    result = loaded(text)

    assert result.mistakes
    assert not fits(result.document.data, SCHEMA, SCHEMA)


def test_every_property_has_a_description() -> None:
    found = dict(properties(file_schema(ROOT, KINDS)))

    assert len(found) > 100
    assert [path for path, schema in found.items() if not schema.get("description")] == []


def test_every_reference_in_the_schema_leads_somewhere() -> None:
    text = json.dumps(SCHEMA)

    targets = set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', text))
    assert targets == {"engine-embedded-agent"}
    assert targets <= set(SCHEMA["$defs"])
    assert text.count('"$defs"') == 1


def test_every_number_says_its_unit() -> None:
    numbers = {path: schema for path, schema in properties(SCHEMA) if schema.get("type") in ("integer", "number")}

    own = {
        path: schema
        for path, schema in numbers.items()
        if "/guards/staged" not in path and "/guards/exports" not in path
    }
    assert len(own) >= 4
    assert [path for path, schema in own.items() if "Unit: " not in schema["description"]] == []


@pytest.mark.parametrize(
    ("settings", "elsewhere"),
    [
        (EngineSettings, {"name"}),
        # partitions, the id is the name; the script is the controller-script
        (AgentSettings, {"id", "slots", "script"}),
        (ScriptPolicy, set()),
        (Guards, set()),
        (Thresholds, {"kinds", "total"}),
        (RetryPolicy, set()),
        (BreakerPolicy, set()),
        (ScheduleSettings, {"id", "agent", "when"}),
    ],
)
def test_every_setting_of_the_core_is_a_key_of_the_file_and_in_the_reference(
    settings: Any, elsewhere: set[str]
) -> None:
    names = {path.rpartition("/")[2] for path, _ in properties(SCHEMA)}
    page = DOCS.read_text(encoding="utf-8")

    keys = {field.name.replace("_", "-") for field in fields(settings) if field.name not in elsewhere}
    assert keys
    assert keys - names == set()
    assert [key for key in keys if f"| `{key}` |" not in page] == []


def test_every_key_of_the_file_is_in_the_reference() -> None:
    page = DOCS.read_text(encoding="utf-8")
    own = file_schema(ROOT, Registries())
    long_limit = {"absolute", "percent", "minimum", "profile", "env", "file", "secret"}

    names = {path.rpartition("/")[2] for path, _ in properties(own)} - long_limit
    assert len(names) > 50
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    "text", [EMBEDDED, *re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)]
)
def test_the_examples_are_valid_with_the_kinds_that_are_shipped(text: str) -> None:
    schema = file_schema(ROOT, KINDS)

    result = load_text(text.encode(), Source(name="x.yaml", folder=Path("/etc/autosync")), KINDS)

    assert (result.mistakes, result.warnings) == ((), ())
    assert fits(result.document.data, schema, schema)
