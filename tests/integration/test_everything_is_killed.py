"""The whole product under fire: 10,000 changes while AutoSync, both directories and their connections are killed at random."""

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
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename, Write
from scripts.services.processes import ServiceMissing, free_port
from scripts.services.slapd import Slapd, running_slapd
from tests.integration.conftest import absent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CHANGES = 10_000
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
        connector: {{type: ldap, server: "{source}", user: "{admin}", password: {{env: LAB}}, base: "{people}",
                    object-types: {{inetOrgPerson: person}}, timeout: 20}}
        person: {{project: always, import: {{uid: uid, title: title, name: cn}}}}
      target:
        connector: {{type: ldap, server: "{target}", user: "{admin}", password: {{env: LAB}}, base: "{people}",
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
      - {{type: ldap, servers: ["{source}"], base: "{people}", every: 5s,
         sign-in: {{user: "{admin}", password: {{env: LAB}}, method: simple}}}}
  home/target: {{guards: {unguarded}}}
  home/badges: {{guards: {unguarded}}}
"""
UNGUARDED = "{staged: &none {deletes: unlimited, emptied: false}, exports: *none, flapping-after: never}"


class Company:
    """People of a directory, changed at random; what cannot be said for certain to have happened is done again."""

    def __init__(self, slapd: Slapd, random: Random) -> None:
        self.people: dict[str, tuple[str, str]] = {}
        """Name and title, by uid: what the directory must hold."""
        self._slapd = slapd
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
            self._write(Delete(dn=dn_of(self.people.pop(uid)[0])), done=NO_SUCH_OBJECT)
        elif roll < 0.38:
            self._rename(self._anybody())
        else:
            uid = self._anybody()
            name, title = self.people[uid][0], f"title {self._random.random()}"
            change = Modification(ModifyKind.REPLACE, "title", [title.encode()])
            self._write(Modify(dn=dn_of(name), changes=[change]))
            self.people[uid] = (name, title)

    def _anybody(self) -> str:
        return self._random.choice(list(self.people))

    def _hire(self) -> None:
        self._hired += 1
        uid, name, title = f"u{self._hired}", f"Person {self._hired}", "new"
        attributes = {"objectClass": "inetOrgPerson", "cn": name, "sn": uid, "uid": uid, "title": title}
        self._write(Add(dn=dn_of(name), attributes=octets(attributes)), done=ALREADY_EXISTS)
        self.people[uid] = (name, title)

    def _rename(self, uid: str) -> None:
        old, title = self.people[uid]
        new = f"{old.partition('/')[0]}/{self._random.random()}"
        self._write(Rename(dn=dn_of(old), new_rdn=f"cn={new}"), done=NO_SUCH_OBJECT)
        self.people[uid] = (new, title)

    def _write(self, write: Write, done: int = SUCCESS) -> None:
        """Write; a repetition that finds it ``done`` is content."""
        for attempt in range(200):
            with suppress(DirectoryError, OSError):
                if self._directory is None:
                    self._directory = connected(self._slapd)
                code = self._directory.run(lambda directory: directory.write(write)).code
                assert code == SUCCESS or (attempt and code == done), (write, code)
                return
            self.close()
            time.sleep(0.1)
        raise AssertionError("the directory did not come back")

    def close(self) -> None:
        """Sign off."""
        directory, self._directory = self._directory, None
        if directory is not None:
            with suppress(DirectoryError, OSError):
                directory.close()


class Product:
    """``autosync run``, started again whenever it was killed."""

    def __init__(self, folder: Path, password: str) -> None:
        self._folder = folder
        self._environment = {**os.environ, "LAB": password}
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

    def __init__(self, port: int) -> None:
        self._target = port
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
                theirs = socket.create_connection(("127.0.0.1", self._target))
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


def configure(folder: Path, source: str, target: Slapd) -> None:
    with closing(sqlite3.connect(folder / "badges.db")) as badges:
        badges.execute("create table badges (uid text primary key, name text, title text)")
    names = {"port": free_port(), "admin": target.admin, "people": PEOPLE, "source": source, "target": target.url}
    text = CONFIGURATION.format(**names, unguarded=UNGUARDED)
    (folder / "autosync.yaml").write_text(text, encoding="utf-8")


def dn_of(name: str) -> str:
    return f"cn={name},{PEOPLE}"


def connected(slapd: Slapd) -> BlockingDirectory:
    return BlockingDirectory(Access(servers=[parse_server(slapd.url)], who=Simple(slapd.admin, slapd.password)))


def people_in(slapd: Slapd) -> dict[str, tuple[str, str]]:
    search = Search(base=PEOPLE, filter=parse_filter("(uid=*)"), attributes=("uid", "cn", "title"))

    async def found(directory: Directory) -> dict[str, tuple[str, str]]:
        entries = [entry async for entry in directory.entries(search)]
        return {str(each.text("uid")): (str(each.text("cn")), str(each.text("title"))) for each in entries}

    with connected(slapd) as directory:
        return directory.run(found)


def people_with_badges(file: Path) -> dict[str, tuple[str, str]]:
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


def until_equal(
    expected: dict[str, tuple[str, str]], look: Callable[[], dict[str, tuple[str, str]]], end: float
) -> None:
    """Wait until a target holds what it must."""
    while (there := look()) != expected:
        assert time.monotonic() < end, {
            uid: (expected.get(uid), there.get(uid))
            for uid in sorted(expected.keys() | there.keys())
            if expected.get(uid) != there.get(uid)
        }
        time.sleep(0.5)


@pytest.fixture
def directories() -> Iterator[tuple[Slapd, Slapd]]:
    try:
        with running_slapd() as source, running_slapd() as target:
            yield source, target
    except ServiceMissing as missing:
        absent(missing)


def test_nothing_is_lost_when_everything_is_killed_at_random(tmp_path: Path, directories: tuple[Slapd, Slapd]) -> None:
    source, target = directories
    with ExitStack() as stack:
        wire = stack.enter_context(closing(Wire(source.port)))
        company = stack.enter_context(closing(Company(source, Random(7))))
        configure(tmp_path, f"ldap://127.0.0.1:{wire.port}", target)
        product = stack.enter_context(closing(Product(tmp_path, source.password)))

        def change() -> None:
            for _ in range(CHANGES):
                company.change()
                time.sleep(PACE_S)

        blows = {
            "autosync": product.kill,
            "the listener's connections": wire.cut,
            "the source": lambda: source.restart(crash=True),
            "the target": lambda: target.restart(crash=True),
        }
        struck = strike_while(change, blows, Random(8))
        begun = time.monotonic()
        assert people_in(source) == company.people
        until_equal(company.people, lambda: people_in(target), begun + SETTLED_WITHIN_S)
        until_equal(company.people, lambda: people_with_badges(tmp_path / "badges.db"), begun + SETTLED_WITHIN_S)
        everywhere = time.monotonic() - begun
        assert product.stop() == 0
    assert struck.keys() == blows.keys()
    assert min(struck.values()) > CHANGES / 2_000
    print(f"\n{CHANGES:,} changes, {dict(struck)}; everywhere {everywhere:.1f} s after the last")  # noqa: T201 - the docs'
