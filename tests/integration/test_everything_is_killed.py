"""The whole product under fire: thousands of changes while AutoSync, both directories and connections are killed at random."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import Directory, octets
from autosync.directory.errors import DirectoryError
from autosync.directory.filter_text import parse_filter
from autosync.directory.searching import Search
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename, Write
from scripts.services.processes import ServiceMissing, free_port
from scripts.services.samba import Samba, running_samba
from scripts.services.slapd import Slapd, running_slapd
from tests.integration.conftest import absent

People = dict[str, tuple[str, str]]
"""Name and title, by uid."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

PACE_S = 0.015
"""Between two changes: the play takes some minutes, in which much can be killed."""
SETTLED_WITHIN_S = 240.0
PEOPLE = "ou=people,dc=example,dc=org"
SUCCESS, NO_SUCH_OBJECT, ALREADY_EXISTS = 0, 32, 68

CONFIGURATION = """
service: {{store: "sqlite:autosync.db", token-file: token, listen: "127.0.0.1:{port}"}}

engines:
  home:
    type: embedded
    store: engine.db
    metaverse: {{person: {{attributes: {{uid: {{key: true}}, title: {{}}, name: {{}}}}}}}}
    agents:
      source:
        connector: {{{connector}, server: "{source}", password: {{env: SOURCE}}, base: "{source_people}", timeout: 20}}
        person: {{project: always, import: {{uid: {uid}, title: title, name: cn}}}}
      target:
        connector: {{type: ldap, server: "{target}", user: "{admin}", password: {{env: TARGET}}, base: "{people}",
                    object-types: {{inetOrgPerson: person}}, timeout: 20}}
        person:
          join: {{uid: uid}}
          provision: {{dn: "cn={{name}},{people}", object-class: inetOrgPerson}}
          export: {{objectClass: {{constant: inetOrgPerson}}, uid: uid, cn: name, sn: uid, title: title}}
          deprovision: delete
      badges:
        connector: {{type: sql, url: "sqlite:///badges.db", table: badges, anchor: uid}}
        person:
          join: {{uid: uid}}
          provision: {{dn: "{{uid}}"}}
          export: {{uid: uid, name: name, title: title}}
          deprovision: delete

agents:
  home/source:
    guards: {unguarded}
    triggers:
      - {{{trigger}, base: "{source_people}", every: 5s,
         sign-in: {{user: '{signs_in}', password: {{env: SOURCE}}, method: {method}}}}}
  home/target: {{guards: {unguarded}}}
  home/badges: {{guards: {unguarded}}}
"""
UNGUARDED = "{staged: &none {deletes: unlimited, emptied: false}, exports: *none, flapping-after: never}"


@dataclass(kw_only=True)
class Source:
    """A directory with people in it, in the words of the test and of the configuration."""

    server: Slapd | Samba
    port: int
    access: Access
    people: str
    uid: str
    """The attribute that holds the uid."""
    person: dict[str, str]
    """What else a person needs."""
    connector: str
    trigger: str
    signs_in: str
    method: str
    changes: int

    def configuration(self, port: int) -> dict[str, str]:
        """Return what the configuration says of it where it is reached through another port."""
        here = f"ldap://127.0.0.1:{port}"
        return {
            "source": here,
            "source_people": self.people,
            "uid": self.uid,
            "connector": self.connector,
            "trigger": self.trigger.format(here),
            "signs_in": self.signs_in,
            "method": self.method,
        }


def openldap(slapd: Slapd) -> Source:
    return Source(
        server=slapd, port=slapd.port, access=access_to(slapd), people=PEOPLE, uid="uid",
        person={"objectClass": "inetOrgPerson", "sn": "x"},
        connector=f'type: ldap, user: "{slapd.admin}", object-types: {{inetOrgPerson: person}}',
        trigger='type: ldap, servers: ["{}"]', signs_in=slapd.admin, method="simple", changes=10_000,
    )  # fmt: skip


def active_directory(samba: Samba) -> Source:
    """Reached without TLS by NTLM, which seals: through another port no certificate would fit."""
    account = r"LAB\Administrator"
    who = Simple(samba.admin, samba.password)
    access = Access(servers=[parse_server(samba.tls_url)], who=who, trust=Trust(ca_file=samba.certificate))
    people = f"OU=People,{samba.suffix}"
    with BlockingDirectory(access) as directory:
        unit = Add(dn=people, attributes=octets({"objectClass": "organizationalUnit"}))
        directory.run(lambda client: client.write(unit)).require("the container")
    return Source(
        server=samba, port=389, access=access, people=people, uid="sAMAccountName", person={"objectClass": "user"},
        connector=f"type: active-directory, sign-in: ntlm, user: '{account}', object-types: {{user: person}}",
        trigger='type: active-directory, domain-controllers: ["{}"]', signs_in=account, method="ntlm", changes=3_000,
    )  # fmt: skip


class Company:
    """People of a directory, changed at random; what cannot be said for certain to have happened is done again."""

    def __init__(self, source: Source, random: Random) -> None:
        self.people: People = {}
        self._source = source
        self._random = random
        self._directory: BlockingDirectory | None = None
        self._hired = 0

    def change(self) -> None:
        """Make one change, however often the directory has to be asked for it."""
        roll = self._random.random()
        if len(self.people) < 50 or roll < 0.15:
            self._hire()
        elif roll < 0.28:
            uid = self._anybody()
            self._write(Delete(dn=self._dn(self.people.pop(uid)[0])), done=NO_SUCH_OBJECT)
        elif roll < 0.38:
            self._rename(self._anybody())
        else:
            uid = self._anybody()
            name, title = self.people[uid][0], f"title {self._random.random()}"
            change = Modification(ModifyKind.REPLACE, "title", [title.encode()])
            self._write(Modify(dn=self._dn(name), changes=[change]))
            self.people[uid] = (name, title)

    def _anybody(self) -> str:
        return self._random.choice(list(self.people))

    def _hire(self) -> None:
        self._hired += 1
        uid, name, title = f"u{self._hired}", f"Person {self._hired}", "new"
        attributes = {**self._source.person, "cn": name, self._source.uid: uid, "title": title}
        self._write(Add(dn=self._dn(name), attributes=octets(attributes)), done=ALREADY_EXISTS)
        self.people[uid] = (name, title)

    def _rename(self, uid: str) -> None:
        old, title = self.people[uid]
        new = f"{old.partition('/')[0]}/{self._random.random()}"
        self._write(Rename(dn=self._dn(old), new_rdn=f"cn={new}"), done=NO_SUCH_OBJECT)
        self.people[uid] = (new, title)

    def _write(self, write: Write, done: int = SUCCESS) -> None:
        """Write; a repetition that finds it ``done`` is content."""
        for attempt in range(200):
            with suppress(DirectoryError, OSError):
                if self._directory is None:
                    self._directory = BlockingDirectory(self._source.access)
                code = self._directory.run(lambda directory: directory.write(write)).code
                assert code == SUCCESS or (attempt and code == done), (write, code)
                return
            self.close()
            time.sleep(0.1)
        raise AssertionError("the directory did not come back")

    def _dn(self, name: str) -> str:
        return f"cn={name},{self._source.people}"

    def close(self) -> None:
        """Sign off."""
        directory, self._directory = self._directory, None
        if directory is not None:
            with suppress(DirectoryError, OSError):
                directory.close()


class Product:
    """``autosync run``, started again whenever it was killed."""

    def __init__(self, folder: Path, source: Source, target: Slapd) -> None:
        self._folder = folder
        self._environment = {**os.environ, "SOURCE": source.server.password, "TARGET": target.password}
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with (self._folder / "autosync.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "autosync", "run"],
                cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """End it as a power failure would, and start it again."""
        assert self._process.poll() is None, "it ended by itself"
        self._process.kill()
        self._process.wait()
        self._process = self._started()

    def stop(self) -> int:
        """Ask it to end, and return its exit status."""
        self._process.terminate()
        return self._process.wait(60)

    def close(self) -> None:
        """End it, however the test ended."""
        self._process.kill()
        self._process.wait()


class Wire:
    """Passes connections on to a port, until they are cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def cut(self) -> None:
        """Cut every connection."""
        for each in tuple(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections, and cut those that are there."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            try:
                theirs = socket.create_connection(self._target)
            except OSError:  # the server is down
                ours.close()
                continue
            for one, other in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pump, args=(one, other), name="wire", daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        self._open.add(one)
        with suppress(OSError):
            while octets := one.recv(65536):
                other.sendall(octets)
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
        self._open.discard(one)
        one.close()


def configure(folder: Path, source: Source, port: int, target: Slapd) -> None:
    with closing(sqlite3.connect(folder / "badges.db")) as badges:
        badges.execute("create table badges (uid text primary key, name text, title text)")
    names = {"port": free_port(), "admin": target.admin, "people": PEOPLE, "target": target.url}
    text = CONFIGURATION.format(**names, **source.configuration(port), unguarded=UNGUARDED)
    (folder / "autosync.yaml").write_text(text, encoding="utf-8")


def access_to(slapd: Slapd) -> Access:
    return Access(servers=[parse_server(slapd.url)], who=Simple(slapd.admin, slapd.password))


def people_in(access: Access, people: str, uid: str) -> People:
    search = Search(base=people, filter=parse_filter(f"({uid}=*)"), attributes=(uid, "cn", "title"))

    async def found(directory: Directory) -> People:
        entries = [entry async for entry in directory.entries(search)]
        return {str(each.text(uid)): (str(each.text("cn")), str(each.text("title"))) for each in entries}

    with BlockingDirectory(access) as directory:
        return directory.run(found)


def people_with_badges(file: Path) -> People:
    with closing(sqlite3.connect(file)) as badges:
        return {uid: (name, title) for uid, name, title in badges.execute("select uid, name, title from badges")}


def strike_while(work: Callable[[], None], blows: dict[str, Callable[[], None]], random: Random) -> Counter[str]:
    """Let a blow fall every few seconds until the work is done, and return how often which fell.

    The work is what goes into a thread: servers end with the thread that started them.
    """
    struck: Counter[str] = Counter()
    with ThreadPoolExecutor(max_workers=1) as thread:
        working = thread.submit(work)
        while not wait([working], timeout=random.uniform(1.0, 6.0)).done:
            name = random.choice(list(blows))
            blows[name]()
            struck[name] += 1
        working.result()
    return struck


def until_equal(expected: People, look: Callable[[], People], end: float) -> None:
    """Wait until a target holds what it must."""
    while (there := look()) != expected:
        assert time.monotonic() < end, {
            uid: (expected.get(uid), there.get(uid))
            for uid in sorted(expected.keys() | there.keys())
            if expected.get(uid) != there.get(uid)
        }
        time.sleep(0.5)


@pytest.fixture
def target() -> Iterator[Slapd]:
    try:
        with running_slapd() as slapd:
            yield slapd
    except ServiceMissing as missing:
        absent(missing)


@pytest.fixture(params=["openldap", "active-directory"])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    try:
        if request.param == "openldap":
            with running_slapd() as slapd:
                yield openldap(slapd)
        else:
            with running_samba() as samba:
                yield active_directory(samba)
    except ServiceMissing as missing:
        absent(missing)


def test_nothing_is_lost_when_everything_is_killed_at_random(tmp_path: Path, source: Source, target: Slapd) -> None:
    with ExitStack() as stack:
        wire = stack.enter_context(closing(Wire(str(getattr(source.server, "address", "127.0.0.1")), source.port)))
        company = stack.enter_context(closing(Company(source, Random(7))))
        configure(tmp_path, source, wire.port, target)
        product = stack.enter_context(closing(Product(tmp_path, source, target)))

        def change() -> None:
            for _ in range(source.changes):
                company.change()
                time.sleep(PACE_S)

        blows = {
            "autosync": product.kill,
            "the listener's connections": wire.cut,
            "the source": lambda: source.server.restart(crash=True),
            "the target": lambda: target.restart(crash=True),
        }
        struck = strike_while(change, blows, Random(8))
        begun = time.monotonic()
        end = begun + SETTLED_WITHIN_S
        assert people_in(source.access, source.people, source.uid) == company.people
        until_equal(company.people, lambda: people_in(access_to(target), PEOPLE, "uid"), end)
        until_equal(company.people, lambda: people_with_badges(tmp_path / "badges.db"), end)
        everywhere = time.monotonic() - begun
        assert product.stop() == 0
    assert struck.keys() == blows.keys()
    assert min(struck.values()) > source.changes / 2_000
    print(f"\n{source.changes:,} changes, {dict(struck)}; everywhere {everywhere:.1f} s after the last")  # noqa: T201 - the docs'
