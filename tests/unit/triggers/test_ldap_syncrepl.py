"""The LDAP trigger by syncrepl, with a directory that loses messages, or says nothing any more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from autosync.adapters.directory_access import DirectoryAccess
from autosync.adapters.triggers.ldap import syncrepl
from autosync.adapters.triggers.ldap.options import LdapOptions, Way
from autosync.adapters.triggers.ldap.places import nothing_read, place_of
from autosync.directory.client import open_directory
from autosync.directory.codec import Control, Message, decode_value, encode_value
from autosync.directory.controls import SYNC_INFO, SYNC_REQUEST, SYNC_STATE
from autosync.directory.errors import ServerUnreachable
from autosync.model.errors import TriggerFailed
from autosync.ports.trigger import Firing, Pulse
from tests.unit.directory.directories import Talk, directory_that

OPTIONS = LdapOptions(access=DirectoryAccess(servers=()), base="dc=x", every=timedelta(milliseconds=20))
PLACE = replace(nothing_read(OPTIONS, Way.SYNCREPL), cookie=b"c1")


class Forgetful:
    """Says at first that nothing changed, and tells what did only to who asks again."""

    def __init__(self, *, lives: bool = True) -> None:
        self.cookies: list[bytes] = []
        self._lives = lives

    def __call__(self, message: Message, talk: Talk) -> None:
        if message.kind != "searchRequest":
            return
        asked = message.control(SYNC_REQUEST)
        if asked is None:
            if self._lives:
                talk.done(message.message_id)
            return
        self.cookies.append(decode_value("SyncRequest", asked).get("cookie", b""))
        if len(self.cookies) > 1:
            state = {"state": 2, "entryUUID": UUID(int=1).bytes, "cookie": b"c2"}
            talk.entry(message.message_id, "cn=a,dc=x", Control(oid=SYNC_STATE, value=encode_value("SyncState", state)))
        done = encode_value("SyncInfo", ("refreshDelete", {"refreshDone": True}))
        talk.say(message.message_id, "intermediate", {"responseName": SYNC_INFO.encode(), "responseValue": done})


async def seen_by(server: Forgetful, timeout_s: float = 5.0) -> list[Firing | Pulse]:
    """Return what is seen up to the first firing."""
    found: list[Firing | Pulse] = []
    async with directory_that(server) as (access, _), open_directory(replace(access, timeout_s=timeout_s)) as directory:
        watching: AsyncGenerator[Firing | Pulse] = syncrepl.watch(directory, OPTIONS, PLACE)
        async with asyncio.timeout(10), aclosing(watching):
            async for seen in watching:
                found.append(seen)
                if isinstance(seen, Firing):
                    break
    return found


def test_what_a_directory_lost_on_the_way_is_told_after_a_long_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncrepl, "_SILENT_LOOKS", 3)
    server = Forgetful()

    *pulses, firing = asyncio.run(seen_by(server))

    assert server.cookies == [b"c1", b"c1"]
    assert len(pulses) >= 3
    assert isinstance(firing, Firing)
    assert firing.token is not None
    assert (place_of(firing.token).cookie, firing.count) == (b"c2", 1)


def test_a_directory_that_has_gone_without_a_word_is_no_listener() -> None:
    with pytest.raises(ServerUnreachable, match="did not answer"):
        asyncio.run(seen_by(Forgetful(lives=False), timeout_s=0.2))


def test_a_cookie_that_leads_nowhere_is_refused_with_the_way_out() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest":
            cookie = encode_value("SyncInfo", ("newcookie", b"host:389#cn=x:dc=x:(a=b)#4294967295"))
            talk.say(message.message_id, "intermediate", {"responseName": SYNC_INFO.encode(), "responseValue": cookie})

    async def main() -> None:
        async with directory_that(answer) as (access, _), open_directory(access) as directory:
            async for _ in syncrepl.watch(directory, OPTIONS, PLACE):
                return

    with pytest.raises(TriggerFailed, match="targetUniqueId"):
        asyncio.run(main())
