"""One small directory of people in each kind of connected system, for the contract and the unit tests."""

import csv
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from autosync.syncengine.connectors.memory.connector import MemoryConnector
from autosync.syncengine.connectors.memory.settings import MemorySettings
from autosync.syncengine.connectors.port import (
    Attributes,
    AttributeType,
    Change,
    ChangeKind,
    ChangeOutcome,
    Connector,
    Entry,
    Reader,
    Remembering,
)
from autosync.syncengine.connectors.registry import make_connector

TYPES = {"number": "integer", "active": "boolean", "photo": "binary", "boss": "reference"}
COLUMNS = ["id", "name", "note", "mail", "number", "active", "photo", "boss"]


class Reading:
    """Everything that one reading gave."""

    def __init__(self, reader: Reader) -> None:
        self.entries: dict[str, Entry] = {}
        self.digests: dict[str, bytes] = {}
        self.deleted: list[str] = []
        self.errors = []
        self.remark = ""
        with reader:
            for batch in reader:
                self.errors += batch.errors
                self.deleted += batch.deleted
                for index, anchor in enumerate(batch.anchors):
                    self.entries[anchor] = batch.entry(index)
                    self.digests[anchor] = batch.digests[index]
            self.complete = reader.complete
            self.token = reader.token
            if isinstance(reader, Remembering):
                self.remark = reader.remark

    @property
    def objects(self) -> dict[str, Attributes]:
        """The attributes by anchor, without those that only a directory has."""
        return {
            anchor: {name: value for name, value in entry.attributes.items() if name != "objectClass"}
            for anchor, entry in self.entries.items()
        }


class System:
    """A connected system; a connector is made anew for each use, as in one run after another."""

    delta = True
    atomic = True
    holds_any_anchor = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def connector(self) -> Connector:
        raise NotImplementedError

    def publish_changes(self, before: dict[str, Attributes], after: dict[str, Attributes]) -> None:
        """Say what changed, where the system does not do that itself."""

    def dn(self, anchor: str) -> str:
        return anchor

    def full(self) -> Reading:
        return Reading(self.connector().open_full("default"))

    def add(self, anchor: str, **attributes) -> Change:
        whole = {"id": anchor, **attributes}
        return Change(
            kind=ChangeKind.ADD, object_type="person", anchor=anchor, dn=self.dn(anchor), attributes=whole, whole=whole
        )

    def update(self, anchor: str, **attributes) -> Change:
        return Change(
            kind=ChangeKind.UPDATE, object_type="person", anchor=anchor, dn=self.dn(anchor), attributes=attributes
        )

    def delete(self, anchor: str) -> Change:
        return Change(kind=ChangeKind.DELETE, object_type="person", anchor=anchor, dn=self.dn(anchor))

    def write(self, changes: Iterable[Change]) -> list[ChangeOutcome]:
        writer = self.connector().open_export("default")
        outcomes = list(writer.write(list(changes)))
        writer.close()
        return outcomes


class CsvSystem(System):
    def __init__(self, folder: Path, **settings) -> None:
        super().__init__(folder)
        self.settings = {
            "type": "csv",
            "path": "people.csv",
            "anchor": "id",
            "columns": COLUMNS,
            "multi-valued": {"mail": ";"},
            "types": TYPES,
            "delta": {"path": "delta.csv", "column": "change"},
        } | settings

    def connector(self) -> Connector:
        return make_connector(self.settings, self.folder)

    def publish_changes(self, before, after) -> None:
        with (self.folder / "people.csv").open(encoding="utf-8", newline="") as file:
            rows = {row["id"]: row for row in csv.DictReader(file)}
        with (self.folder / "delta.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*COLUMNS, "change"], restval="")
            writer.writeheader()
            for anchor in {**before, **after}:
                if anchor not in after:
                    writer.writerow({"id": anchor, "change": "D"})
                elif before.get(anchor) != after[anchor]:
                    writer.writerow(rows[anchor] | {"change": "M" if anchor in before else "A"})


class LdifSystem(System):
    holds_any_anchor = False

    def __init__(self, folder: Path, **settings) -> None:
        super().__init__(folder)
        self.settings = {
            "type": "ldif",
            "path": "people.ldif",
            "anchor": "id",
            "attributes": COLUMNS,
            "multi-valued": ["mail"],
            "types": TYPES,
            "changes": "changes.ldif",
            "object-types": {"inetOrgPerson": "person"},
        } | settings

    def connector(self) -> Connector:
        return make_connector(self.settings, self.folder)

    def dn(self, anchor: str) -> str:
        return f"id={anchor},dc=example"

    def publish_changes(self, before, after) -> None:
        records = (self.folder / "people.ldif").read_text(encoding="utf-8").split("\n\n")
        by_dn = {record.splitlines()[0]: record for record in records if record.startswith("dn: ")}
        with (self.folder / "changes.ldif").open("w", encoding="utf-8", newline="") as file:
            for anchor in {**before, **after}:
                head = f"dn: {self.dn(anchor)}"
                if anchor not in after:
                    file.write(f"{head}\nchangetype: delete\n\n")
                elif before.get(anchor) != after[anchor]:
                    file.write(by_dn[head].strip("\n").replace(head, f"{head}\nchangetype: add", 1) + "\n\n")


class SqlSystem(System):
    atomic = False

    def __init__(self, folder: Path, **settings) -> None:
        super().__init__(folder)
        self.path = folder / "people.db"
        self.execute(
            "create table people (id text primary key, name text, note text, number integer, active boolean,"
            " photo blob, boss text)",
            "create table mails (person text not null, mail text not null, primary key (person, mail))",
            "create table changes (number integer primary key autoincrement, person text, operation text)",
            *(
                f"create trigger {table}_{what} after {what} on {table} begin"
                f" insert into changes (person, operation) values ({row}.{key}, '{what}'); end"
                for table, key in (("people", "id"), ("mails", "person"))
                for what, row in (("insert", "new"), ("update", "new"), ("delete", "old"))
            ),
        )
        self.settings = {
            "type": "sql",
            "url": "sqlite:///people.db",
            "table": "people",
            "anchor": "id",
            "types": {"boss": "reference"},
            "multi-valued": {"mail": {"table": "mails", "key": "person", "value": "mail"}},
            "change-table": {"table": "changes", "key": "person", "sequence": "number"},
        } | settings

    def connector(self) -> Connector:
        return make_connector(self.settings, self.folder)

    def execute(self, *statements: str) -> None:
        database = sqlite3.connect(self.path)
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()

    def rows(self, query: str) -> list[tuple]:
        database = sqlite3.connect(self.path)
        try:
            return database.execute(query).fetchall()
        finally:
            database.close()


class MemorySystemUnderTest(System):
    def __init__(self, folder: Path, **settings) -> None:
        super().__init__(folder)
        types = {name: AttributeType(kind) for name, kind in TYPES.items()}
        self.settings = MemorySettings(
            **({"anchor": "id", "types": types, "multi_valued": ("mail",), "atomic": True} | settings)
        )
        self.shared = MemoryConnector(self.settings)

    def connector(self) -> Connector:
        return self.shared


SYSTEMS: dict[str, type[System]] = {
    "csv": CsvSystem,
    "ldif": LdifSystem,
    "sql": SqlSystem,
    "memory": MemorySystemUnderTest,
}
