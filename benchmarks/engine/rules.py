"""The rules of the benchmark: one source, two targets, 15 flows in and 24 out, the manager among them."""

from pathlib import Path
from typing import Any

from autosync.syncengine.connectors.port import Connector
from autosync.syncengine.connectors.registry import make_connector
from autosync.syncengine.spec.model import Spec
from autosync.syncengine.spec.parse import parse_spec

_DIRECT = ("title", "department", "company", "street", "city", "zip", "country", "phone", "mobile", "mail")
TARGET_COLUMNS = ("id", "name", "sn", *_DIRECT[:9], "boss")


def rules(folder: Path) -> tuple[dict[str, Any], Spec]:
    """Return the configuration and the parsed rules for data in ``folder``."""
    exported = {
        "id": "employeeID", "name": "displayName", "sn": "last", **{name: name for name in _DIRECT[:9]}
    }  # fmt: skip
    target = {
        "provision": {"when": "active", "dn": "{employeeID}"},
        "export": {**exported, "boss": "manager"},
        "deprovision": "delete",
    }
    text: dict[str, Any] = {name: {} for name in ("displayName", "first", "last", *_DIRECT)}
    data = {
        "metaverse": {
            "person": {
                "attributes": {
                    "employeeID": {"key": True}, **text,
                    "active": {"type": "boolean"}, "manager": {"reference": "person"},
                }
            }
        },
        "agents": {
            "hr": {
                "connector": {
                    "type": "csv", "path": "hr.csv", "anchor": "id",
                    "delta": {"path": "hr-delta.csv", "column": "change"},
                },
                "person": {
                    "project": "always",
                    "import": {
                        "employeeID": "id", "displayName": "{first} {last}", "first": "first", "last": "last",
                        **{name: name for name in _DIRECT},
                        "active": {"equals": ["status", "A"]}, "manager": {"ref": "manager"},
                    },
                },
            },
            "phonebook": {
                "connector": {
                    "type": "csv", "path": "phonebook.csv", "anchor": "id", "columns": list(TARGET_COLUMNS)
                },
                "person": target,
            },
            "badge": {
                "connector": {"type": "sql", "url": f"sqlite:///{folder / 'badge.db'}", "table": "people", "anchor": "id"},
                "person": target,
            },
        },
    }  # fmt: skip
    return data, parse_spec(data)


def connectors(data: dict[str, Any], folder: Path) -> dict[str, Connector]:
    """Return the connectors of the configuration."""
    return {name: make_connector(agent["connector"], folder) for name, agent in data["agents"].items()}
