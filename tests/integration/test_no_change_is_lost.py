"""Thousands of changes, while the server, the listener and AutoSync itself end at random: none goes without an import."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.active_directory.watching import ACTIVE_DIRECTORY_KIND
from autosync.adapters.triggers.ldap.watching import LDAP_KIND
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.options.kind import BlockTrigger
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Trigger
from tests.integration.directories import Changing, active_directory, directory_389, openldap

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE_S = 60.0


class Orchestrator:
    """Keeps tokens as AutoSync does: stored only after the import that a firing caused has ended well."""

    def __init__(self, make: Callable[[], Trigger], read: Callable[[], str | None], random: Random) -> None:
        self._make = make
        self._read = read
        self._random = random
        self._token: str | None = None
        self._news = asyncio.Event()
        self.imported: str | None = None
        """What the last import read that ended well."""
        self.kills = 0
        self.restarts = 0

    async def run(self) -> None:
        """Watch for ever; after a failure again, from the stored token."""
        while True:
            try:
                await self._watch()
            except TokenUnknown:
                await self._import(None)
            except TriggerFailed:
                await asyncio.sleep(0.05)
            self.restarts += 1

    async def until_imported(self, value: str) -> None:
        """Wait for an import that read a value."""
        async with asyncio.timeout(PATIENCE_S):
            while self.imported != value:
                self._news.clear()
                await self._news.wait()

    async def _watch(self) -> None:
        watching = self._make().watch(self._token)
        assert isinstance(watching, AsyncGenerator)
        try:
            async for seen in watching:
                if not isinstance(seen, Firing):
                    continue
                if self._random.random() < 0.2:
                    self.kills += 1
                    return  # killed before the import ended: the firing is forgotten, and so is its token
                await self._import(seen.token)
        finally:
            await watching.aclose()

    async def _import(self, token: str | None) -> None:
        self.imported = await asyncio.to_thread(self._read)
        self._token = token
        self._news.set()


async def play(changing: Changing[Any], make: Callable[[], Trigger], rounds: int, each: int, seed: int) -> Orchestrator:
    """Make ``rounds`` times ``each`` changes; after each round an import must read the last of them."""
    random = Random(seed)
    dn = await asyncio.to_thread(changing.add)
    orchestrator = Orchestrator(make, lambda: changing.value(dn, "description"), random)

    def changes(number: int) -> str:
        for place in range(each):
            changing.set(dn, "description", f"{number}.{place}")
        return f"{number}.{each - 1}"

    async with asyncio.TaskGroup() as group:
        running = group.create_task(orchestrator.run(), name="the orchestrator")
        for number in range(rounds):
            last = await asyncio.to_thread(changes, number)
            if random.random() < 0.1:
                await asyncio.to_thread(changing.restart, crash=random.random() < 0.5)
            await orchestrator.until_imported(last)
        running.cancel()
    return orchestrator


def maker(kind: BlockTrigger, data: dict[str, object], password: str) -> Callable[[], Trigger]:
    parsed = kind.parse(data, Path())
    assert not parsed.mistakes, parsed.mistakes
    around = Surroundings(clock=SystemClock(), secrets=Secrets({"PASSWORD": password}))
    return lambda: kind.build(parsed.options, around)


@pytest.mark.parametrize("way", ["syncrepl", "timestamp"])
def test_none_of_many_changes_in_openldap_is_lost(way: str) -> None:
    rounds, each = (100, 100) if way == "syncrepl" else (10, 100)
    with openldap() as changing:
        slapd = changing.server
        data = {
            "servers": slapd.url,
            "sign-in": {"user": slapd.admin, "password": {"env": "PASSWORD"}, "method": "simple"},
            "base": changing.people,
            "way": way,
            "every": "200ms",
        }
        played = asyncio.run(play(changing, maker(LDAP_KIND, data, slapd.password), rounds, each, seed=1))

    assert played.kills > 0
    assert played.restarts > played.kills


@pytest.mark.parametrize("way", ["changelog", "syncrepl"])
def test_none_of_many_changes_in_389_directory_server_is_lost(way: str) -> None:
    with directory_389(content_sync=True) as changing:
        server = changing.server
        data = {
            "servers": server.url,
            "sign-in": {"user": server.admin, "password": {"env": "PASSWORD"}, "method": "simple"},
            "base": changing.people,
            "way": way,
            "every": "200ms",
        }
        played = asyncio.run(play(changing, maker(LDAP_KIND, data, server.password), 50, 50, seed=3))

    assert played.kills > 0
    assert played.restarts > played.kills


@pytest.mark.parametrize("way", ["dirsync", "usn"])
def test_none_of_many_changes_in_active_directory_is_lost(way: str) -> None:
    with active_directory() as changing:
        samba = changing.server
        data = {
            "domain-controllers": samba.tls_url,
            "ca": str(samba.certificate),
            "sign-in": {"user": samba.admin, "password": {"env": "PASSWORD"}, "method": "simple"},
            "base": changing.people,
            "way": way,
            "every": "1s",
            "gather": "20ms",
        }
        played = asyncio.run(play(changing, maker(ACTIVE_DIRECTORY_KIND, data, samba.password), 40, 50, seed=2))

    assert played.kills > 0
