"""Real directories that a test can change while it watches them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import Directory, octets
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Modification, Modify, ModifyKind, Write
from autosync.ports.trigger import Firing, Trigger
from scripts.services.ds389 import Ds389, running_ds389
from scripts.services.processes import ServiceMissing
from scripts.services.samba import Samba, running_samba
from scripts.services.slapd import Slapd, running_slapd
from tests.integration.conftest import absent

T = TypeVar("T")
S = TypeVar("S", bound="Server")


class Server(Protocol):
    """What a server of ``scripts.services`` can do."""

    def restart(self, *, crash: bool = False) -> None: ...


class Changing(Generic[S]):
    """A directory that is changed from a thread of its own."""

    def __init__(self, server: S, access: Access, people: str, person: Callable[[str], Add]) -> None:
        self.server = server
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._open: Callable[[], BlockingDirectory] = lambda: BlockingDirectory(access)
        self._person = person
        self._numbers = count(1)
        self._busy = Lock()
        self._directory = self._thread.submit(self._open).result()
        self.people = people

    def write(self, write: Write) -> None:
        """Make a change; it is committed on return."""

        async def main(directory: Directory) -> None:
            (await directory.write(write)).require("the test's own change failed")

        self._run(main)

    def value(self, dn: str, attribute: str) -> str | None:
        """Return what an import would read now."""

        async def main(directory: Directory) -> str | None:
            entry = await directory.read(dn, (attribute,))
            return None if entry is None else entry.text(attribute)

        return self._run(main)

    def add(self) -> str:
        """Add a person and return the DN."""
        person = self._person(self.new_name())
        self.write(person)
        return person.dn

    def new_name(self) -> str:
        """Return a name that nothing has yet."""
        return f"p{next(self._numbers)}"

    def set(self, dn: str, attribute: str, value: str) -> None:
        """Give an attribute a value."""
        self.write(Modify(dn=dn, changes=[Modification(ModifyKind.REPLACE, attribute, [value.encode()])]))

    def restart(self, *, crash: bool = False) -> None:
        """Stop or kill the server, and start it again."""
        with self._busy:
            self._thread.submit(self._directory.close).result()
            self.server.restart(crash=crash)
            self._directory = self._thread.submit(self._open).result()

    def _run(self, main: Callable[[Directory], Coroutine[Any, Any, T]]) -> T:
        with self._busy:
            return self._thread.submit(lambda: self._directory.run(main)).result()

    def close(self) -> None:
        """Sign off."""
        self._thread.submit(self._directory.close).result()
        self._thread.shutdown()


def inet_person(people: str) -> Callable[[str], Add]:
    """Return how a person is made below a container."""

    def person(name: str) -> Add:
        return Add(
            dn=f"uid={name},{people}", attributes=octets({"objectClass": "inetOrgPerson", "cn": name, "sn": name})
        )

    return person


@contextmanager
def openldap() -> Iterator[Changing[Slapd]]:
    """Run an OpenLDAP with people in it; skip (or fail, where servers are required) when it is not installed."""
    people = "ou=people,dc=example,dc=org"
    try:
        with running_slapd() as slapd:
            access = Access(servers=[parse_server(slapd.url)], who=Simple(slapd.admin, slapd.password))
            with closing(Changing(slapd, access, people, inet_person(people))) as changing:
                yield changing
    except ServiceMissing as missing:
        absent(missing)


@contextmanager
def directory_389(**settings: Any) -> Iterator[Changing[Ds389]]:
    """Run a 389 Directory Server with people in it; skip (or fail, where servers are required) when it is not installed."""
    people = "ou=people,dc=example,dc=org"
    try:
        with running_ds389(**settings) as server:
            access = Access(servers=[parse_server(server.url)], who=Simple(server.admin, server.password))
            with closing(Changing(server, access, people, inet_person(people))) as changing:
                yield changing
    except ServiceMissing as missing:
        absent(missing)


@contextmanager
def active_directory() -> Iterator[Changing[Samba]]:
    """Run a Samba domain controller with people in it; skip (or fail, where servers are required) when it is not installed."""
    people = "OU=People,DC=lab,DC=test"

    def person(name: str) -> Add:
        return Add(dn=f"CN={name},{people}", attributes=octets({"objectClass": "user", "sAMAccountName": name}))

    try:
        with running_samba() as samba:
            access = Access(
                servers=[parse_server(samba.tls_url)],
                who=Simple(samba.admin, samba.password),
                trust=Trust(ca_file=samba.certificate),
            )
            with closing(Changing(samba, access, people, person)) as changing:
                changing.write(Add(dn=people, attributes=octets({"objectClass": "organizationalUnit"})))
                yield changing
    except ServiceMissing as missing:
        absent(missing)


async def firings_of(watched: Trigger, token: str | None, seconds: float) -> list[Firing]:
    """Return what a trigger fires within some seconds."""
    found: list[Firing] = []
    watching = watched.watch(token)
    assert isinstance(watching, AsyncGenerator)
    try:
        async with asyncio.timeout(seconds):
            async for seen in watching:
                found += [seen] if isinstance(seen, Firing) else []
    except TimeoutError:
        pass
    finally:
        await watching.aclose()
    return found


def first_token(watched: Trigger) -> str:
    """Return the token of a trigger's first firing: the place of this moment."""

    async def main() -> str:
        async for seen in watched.watch(None):
            if isinstance(seen, Firing) and seen.token is not None:
                return seen.token
        raise AssertionError("no firing at first")

    return asyncio.run(main())
