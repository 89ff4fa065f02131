"""The predecessor's files for tests, and what becomes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autosync.config.document import read_document
from autosync.config.lithnet.importer import Imported, import_lithnet
from autosync.config.lithnet.notes import Fate
from autosync.config.lithnet.wishes import Wishes

DATA = Path(__file__).resolve().parents[2] / "data" / "lithnet"
NEWEST = (DATA / "config-1.xml").read_bytes()
OLDEST = (DATA / "config-0.xml").read_bytes()
REGISTRY = (DATA / "registry.reg.txt").read_text(encoding="utf-8")

HEAD = (
    b'<lithnet-autosync xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
    b'xmlns:a="http://schemas.microsoft.com/2003/10/Serialization/Arrays" '
    b'xmlns="http://schemas.datacontract.org/2004/07/Lithnet.Miiserver.AutoSync">'
)


def config(agents: str, settings: str = "") -> bytes:
    """Return a file of schema version 1 around the members of agents and settings."""
    body = f"<management-agents>{agents}</management-agents><schema-version>1</schema-version><settings>{settings}</settings>"
    return HEAD + body.encode() + b"</lithnet-autosync>"


def agent(members: str, name: str = "HR") -> str:
    return f"<management-agent><name>{name}</name>{members}<version>1</version></management-agent>"


def trigger(kind: str, members: str) -> str:
    return agent(f'<triggers><a:anyType i:type="{kind}">{members}</a:anyType></triggers>')


def data_of(imported: Imported) -> Mapping[str, Any]:
    """Return the new configuration as data; it must be YAML without a mistake."""
    document = read_document(imported.yaml.encode(), "autosync.yaml")
    assert document.mistakes == ()
    assert isinstance(document.data, dict)
    return document.data


def only_agent(content: bytes, **wishes: Any) -> Mapping[str, Any]:
    """Return the new block of the only agent."""
    (block,) = data_of(import_lithnet(content, wishes=Wishes(**wishes)))["agents"].values()
    assert isinstance(block, dict)
    return block


def told(imported: Imported, fate: Fate, *words: str) -> bool:
    """Return whether one note of that kind holds all the words."""
    return any(all(word in f"{note.where}: {note.text}" for word in words) for note in imported.of(fate))
