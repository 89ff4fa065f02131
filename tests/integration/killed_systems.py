"""The connected systems of a play in which everything is killed: people in a directory or a database, changed and read."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import psycopg

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import Directory, octets
from autosync.directory.errors import DirectoryError
from autosync.directory.filter_text import parse_filter
from autosync.directory.searching import Search
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename, Write
from scripts.services.postgresql import running_postgresql
from scripts.services.samba import running_samba
from scripts.services.slapd import running_slapd
from tests.integration.killing import People

SUCCESS, NO_SUCH_OBJECT, ALREADY_EXISTS = 0, 32, 68
_TRIES = 300


class Server(Protocol):
    """What a server of ``scripts.services`` can do."""

    port: int
    password: str

    def restart(self, *, crash: bool = False) -> None: ...


class Hand(Protocol):
    """Somebody who changes people; a change that cannot be said to have happened is made again."""

    def hire(self, uid: str, name: str, title: str) -> None: ...
    def promote(self, name: str, title: str) -> None: ...
    def rename(self, name: str, new: str) -> None: ...
    def dismiss(self, name: str) -> None: ...
    def close(self) -> None: ...


@dataclass(kw_only=True)
class System:
    """One connected system. The texts are parts of the configuration; ``{url}`` stands for where it is reached."""

    server: Any
    host: str
    port: int
    hand: Callable[[], Hand]
    people: Callable[[], People]
    uid: str
    """The attribute that holds the uid."""
    connector: str
    trigger: str = ""
    export: str = ""
    """What an agent's rules say beside the connector, where people are exported to it."""
    secrets: Callable[[int], dict[str, str]] = field(default=lambda _: {})


class DirectoryHand:
    """Somebody who is signed in to a directory."""

    def __init__(self, access: Access, base: str, uid: str, person: dict[str, str]) -> None:
        self._access = access
        self._base = base
        self._uid = uid
        self._person = person
        self._directory: BlockingDirectory | None = None

    def hire(self, uid: str, name: str, title: str) -> None:
        attributes = {**self._person, "cn": name, self._uid: uid, "title": title}
        self._write(Add(dn=self._dn(name), attributes=octets(attributes)), done=ALREADY_EXISTS)

    def promote(self, name: str, title: str) -> None:
        change = Modification(ModifyKind.REPLACE, "title", [title.encode()])
        self._write(Modify(dn=self._dn(name), changes=[change]))

    def rename(self, name: str, new: str) -> None:
        self._write(Rename(dn=self._dn(name), new_rdn=f"cn={new}"), done=NO_SUCH_OBJECT)

    def dismiss(self, name: str) -> None:
        self._write(Delete(dn=self._dn(name)), done=NO_SUCH_OBJECT)

    def close(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            with suppress(DirectoryError, OSError):
                directory.close()

    def _dn(self, name: str) -> str:
        return f"cn={name},{self._base}"

    def _write(self, write: Write, done: int = SUCCESS) -> None:
        """Write; a repetition that finds it ``done`` is content."""
        for attempt in range(_TRIES):
            with suppress(DirectoryError, OSError):
                if self._directory is None:
                    self._directory = BlockingDirectory(self._access)
                code = self._directory.run(lambda directory: directory.write(write)).code
                assert code == SUCCESS or (attempt and code == done), (write, code)
                return
            self.close()
            time.sleep(0.1)
        raise AssertionError("the directory did not come back")


class TableHand:
    """Somebody who is connected to a database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection | None = None

    def hire(self, uid: str, name: str, title: str) -> None:
        insert = "insert into people (uid, cn, title) values (%s, %s, %s) on conflict (uid) do nothing"
        self._execute(insert, uid, name, title)

    def promote(self, name: str, title: str) -> None:
        self._execute("update people set title = %s where cn = %s", title, name)

    def rename(self, name: str, new: str) -> None:
        self._execute("update people set cn = %s where cn = %s", new, name)

    def dismiss(self, name: str) -> None:
        self._execute("delete from people where cn = %s", name)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _execute(self, statement: str, *values: str) -> None:
        for _ in range(_TRIES):
            with suppress(psycopg.Error):
                if self._connection is None:
                    self._connection = psycopg.connect(self._url, autocommit=True)
                self._connection.execute(statement, values)
                return
            self.close()
            time.sleep(0.1)
        raise AssertionError("the database did not come back")


class Company:
    """A part of the people, changed at random by one hand."""

    def __init__(self, hand: Hand, random: Random, prefix: str) -> None:
        self.people: People = {}
        self._hand = hand
        self._random = random
        self._prefix = prefix
        self._hired = 0

    def change(self) -> None:
        """Make one change."""
        roll = self._random.random()
        if len(self.people) < 20 or roll < 0.15:
            self._hire()
            return
        uid = self._random.choice(list(self.people))
        name, title = self.people[uid]
        if roll < 0.28:
            self._hand.dismiss(name)
            del self.people[uid]
        elif roll < 0.38:
            new = f"{name.partition('/')[0]}/{self._random.random()}"
            self._hand.rename(name, new)
            self.people[uid] = (new, title)
        else:
            title = f"title {self._random.random()}"
            self._hand.promote(name, title)
            self.people[uid] = (name, title)

    def _hire(self) -> None:
        self._hired += 1
        uid, name = f"{self._prefix}{self._hired}", f"Person {self._prefix}{self._hired}"
        self._hand.hire(uid, name, "new")
        self.people[uid] = (name, "new")


@contextmanager
def openldap() -> Iterator[System]:
    """Run an OpenLDAP."""
    base, person = "ou=people,dc=example,dc=org", {"objectClass": "inetOrgPerson", "sn": "x"}
    with running_slapd() as slapd:
        access = Access(servers=[parse_server(slapd.url)], who=Simple(slapd.admin, slapd.password))
        yield System(
            server=slapd, host="127.0.0.1", port=slapd.port, uid="uid",
            hand=lambda: DirectoryHand(access, base, "uid", person), people=lambda: _found(access, base, "uid"),
            connector=(
                f'{{type: ldap, server: "{{url}}", user: "{slapd.admin}", password: {{env: OPENLDAP}}, base: "{base}", '
                "object-types: {inetOrgPerson: person}, timeout: 20}"
            ),
            trigger=(
                f'{{type: ldap, servers: ["{{url}}"], base: "{base}", every: 5s, '
                f'sign-in: {{user: "{slapd.admin}", password: {{env: OPENLDAP}}, method: simple}}}}'
            ),
            export=_export(base, "inetOrgPerson", "uid: uid, sn: uid"),
            secrets=lambda _: {"OPENLDAP": slapd.password},
        )  # fmt: skip


@contextmanager
def active_directory() -> Iterator[System]:
    """Run a Samba. AutoSync reaches it without TLS, sealed by NTLM: on another port no certificate would fit."""
    account, uid = r"LAB\Administrator", "sAMAccountName"
    with running_samba() as samba:
        base = f"OU=People,{samba.suffix}"
        who, trust = Simple(samba.admin, samba.password), Trust(ca_file=samba.certificate)
        access = Access(servers=[parse_server(samba.tls_url)], who=who, trust=trust)
        with BlockingDirectory(access) as directory:
            unit = Add(dn=base, attributes=octets({"objectClass": "organizationalUnit"}))
            directory.run(lambda client: client.write(unit)).require("the container")
        yield System(
            server=samba, host=samba.address, port=389, uid=uid,
            hand=lambda: DirectoryHand(access, base, uid, {"objectClass": "user"}),
            people=lambda: _found(access, base, uid),
            connector=(
                f"{{type: active-directory, server: \"{{url}}\", sign-in: ntlm, user: '{account}', "
                f'password: {{env: SAMBA}}, base: "{base}", object-types: {{user: person}}, timeout: 20}}'
            ),
            trigger=(
                f'{{type: active-directory, domain-controllers: ["{{url}}"], base: "{base}", every: 5s, '
                f"sign-in: {{user: '{account}', password: {{env: SAMBA}}, method: ntlm}}}}"
            ),
            export=_export(base, "user", "sAMAccountName: uid"),
            secrets=lambda _: {"SAMBA": samba.password},
        )  # fmt: skip


@contextmanager
def postgresql() -> Iterator[System]:
    """Run a PostgreSQL with a table of people, and one that tells what changed."""
    with running_postgresql() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            for statement in _TABLES:
                connection.execute(statement)

        def secrets(port: int) -> dict[str, str]:
            address = server.url.replace("postgresql://", "postgresql+psycopg://")
            return {"POSTGRESQL": address.replace(f":{server.port}/", f":{port}/")}

        yield System(
            server=server, host="127.0.0.1", port=server.port, uid="uid",
            hand=lambda: TableHand(server.url), people=lambda: _rows(server.url),
            connector=(
                "{type: sql, url: {env: POSTGRESQL}, table: people, anchor: uid, object-type: person, "
                "change-table: {table: changes, key: uid, sequence: number, overlap: 1000}}"
            ),
            trigger=(
                "{type: sql, url: {env: POSTGRESQL}, table: changes, version-column: txid, version: transaction-id, "
                "listen: people_changed, every: 5s}"
            ),
            secrets=secrets,
        )  # fmt: skip


SYSTEMS: dict[str, Callable[[], AbstractContextManager[System]]] = {
    "openldap": openldap,
    "active-directory": active_directory,
    "postgresql": postgresql,
}

_TABLES = (
    "create table people (uid text primary key, cn text, title text)",
    "create table changes (number bigserial primary key, uid text, txid xid8 default pg_current_xact_id())",
    (
        "create function told() returns trigger language plpgsql as $$ begin "
        "insert into changes (uid) values (coalesce(new.uid, old.uid)); notify people_changed; return null; end $$"
    ),
    "create trigger told after insert or update or delete on people for each row execute function told()",
)


def _export(base: str, object_class: str, more: str) -> str:
    return (
        f'provision: {{dn: "cn={{name}},{base}", object-class: {object_class}}}, deprovision: delete, '
        f"export: {{cn: name, title: title, {more}}}"
    )


def _found(access: Access, base: str, uid: str) -> People:
    search = Search(base=base, filter=parse_filter(f"({uid}=*)"), attributes=(uid, "cn", "title"))

    async def found(directory: Directory) -> People:
        entries = [entry async for entry in directory.entries(search)]
        return {str(each.text(uid)): (str(each.text("cn")), str(each.text("title"))) for each in entries}

    with BlockingDirectory(access) as directory:
        return directory.run(found)


def _rows(url: str) -> People:
    with psycopg.connect(url) as connection:
        return {uid: (name, title) for uid, name, title in connection.execute("select uid, cn, title from people")}
