"""What needs a server of scripts/services: databases and directories."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count

import psycopg

from autosync.directory.client import octets, open_directory
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Trust
from autosync.directory.writes import Add
from autosync.ports.trigger import Trigger
from benchmarks.triggers.measuring import Change, Subject, trigger_of
from scripts.services.ds389 import Ds389, running_ds389
from scripts.services.postgresql import PostgreSQL, running_postgresql
from scripts.services.samba import Samba, running_samba
from scripts.services.slapd import Slapd, running_slapd

Watching = AsyncGenerator[tuple[Trigger, Change]]
_TABLE = "create table people (id int generated always as identity, version xid8 default pg_current_xact_id())"
_NOTIFY = (
    "create function told() returns trigger language plpgsql as $$ begin notify people; return null; end $$",
    "create trigger told after insert on people execute function told()",
)


@asynccontextmanager
async def postgresql(server: PostgreSQL, **more: str) -> Watching:
    """Watch a table that gets a row more."""
    async with await psycopg.AsyncConnection.connect(server.url, autocommit=True) as connection:
        await connection.execute("drop table if exists people")
        await connection.execute("drop function if exists told")
        for statement in (_TABLE, *_NOTIFY):
            await connection.execute(statement)
        url = server.url.replace("postgresql:", "postgresql+psycopg:")
        data: dict[str, object] = {"url": {"env": "DB"}, "query": "select max(id) from people", **more}
        yield trigger_of("sql", data, DB=url), lambda: connection.execute("insert into people default values")


@asynccontextmanager
async def ldap(server: Slapd | Ds389, **more: str) -> Watching:
    """Watch a directory that gets an entry more."""
    people, numbers = f"ou=people,{server.suffix}", count()
    sign_in = {"user": server.admin, "password": {"env": "LDAP"}, "method": "simple"}
    data: dict[str, object] = {"servers": server.url, "sign-in": sign_in, "base": people, **more}
    access = Access(servers=[parse_server(server.url)], who=Simple(server.admin, server.password))
    label = "".join(more.values()).replace(" ", "")

    def person() -> Add:
        name = f"{label}{next(numbers)}"
        content = octets({"objectClass": "inetOrgPerson", "cn": name, "sn": name})
        return Add(dn=f"uid={name},{people}", attributes=content)

    async with _changing(access, person) as change:
        yield trigger_of("ldap", data, LDAP=server.password), change


@asynccontextmanager
async def active_directory(server: Samba, **more: str) -> Watching:
    """Watch a domain that gets a user more."""
    people, numbers = f"CN=Users,{server.suffix}", count()
    sign_in = {"user": server.admin, "password": {"env": "AD"}, "method": "simple"}
    data: dict[str, object] = {
        "domain-controllers": server.tls_url, "ca": str(server.certificate), "sign-in": sign_in, "base": people, **more,
    }  # fmt: skip
    access = Access(
        servers=[parse_server(server.tls_url)],
        who=Simple(server.admin, server.password),
        trust=Trust(ca_file=server.certificate),
    )
    label = "".join(filter(str.isalnum, "".join(more.values())))

    def user() -> Add:
        name = f"{label}{next(numbers)}"
        return Add(dn=f"CN={name},{people}", attributes=octets({"objectClass": "user", "sAMAccountName": name}))

    async with _changing(access, user) as change:
        yield trigger_of("active-directory", data, AD=server.password), change


@asynccontextmanager
async def _changing(access: Access, new: Callable[[], Add]) -> AsyncGenerator[Change]:
    async with open_directory(access) as directory:

        async def change() -> None:
            (await directory.write(new())).require("the benchmark's own change failed")

        yield change


def postgresql_subjects(server: PostgreSQL) -> Iterator[Subject]:
    """Yield what PostgreSQL can do."""
    yield Subject(kind="sql", way="PostgreSQL, a query", watching=partial(postgresql, server, every="1s"), every_s=1)
    listening = partial(postgresql, server, listen="people")
    yield Subject(kind="sql", way="PostgreSQL, LISTEN", watching=listening, pushes=True)


def slapd_subjects(server: Slapd) -> Iterator[Subject]:
    """Yield what OpenLDAP can do."""
    yield _told("OpenLDAP, syncrepl", partial(ldap, server, way="syncrepl"))
    asked = partial(ldap, server, way="timestamp", every="1s")
    yield Subject(kind="ldap", way="OpenLDAP, modifyTimestamp", watching=asked, every_s=1)


def ds389_subjects(server: Ds389) -> Iterator[Subject]:
    """Yield what 389 Directory Server can do."""
    yield _told("389, changelog and persistent search", partial(ldap, server, way="changelog"))
    yield _told("389, syncrepl", partial(ldap, server, way="syncrepl"))
    asked = partial(ldap, server, way="timestamp", every="1s")
    yield Subject(kind="ldap", way="389, modifyTimestamp", watching=asked, every_s=1)


def samba_subjects(server: Samba) -> Iterator[Subject]:
    """Yield what Samba can do in place of Active Directory."""
    for way, name in (("dirsync", "DirSync"), ("usn", "uSNChanged")):
        told = partial(active_directory, server, way=way)
        yield Subject(kind="active-directory", way=f"notification, then {name}", watching=told, pushes=True)


def _told(way: str, watching: Callable[[], AbstractAsyncContextManager[tuple[Trigger, Change]]]) -> Subject:
    return Subject(kind="ldap", way=way, watching=watching, pushes=True)


SERVERS = (
    ("PostgreSQL", running_postgresql, postgresql_subjects),
    ("OpenLDAP", running_slapd, slapd_subjects),
    ("389 Directory Server", partial(running_ds389, content_sync=True), ds389_subjects),
    ("Samba", running_samba, samba_subjects),
)
"""Each server, how it is started, and what is measured with it."""
