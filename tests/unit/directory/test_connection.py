"""Requests and answers over a real socket, with a directory that behaves well, badly, or not at all."""

import asyncio
from dataclasses import replace

import pytest

from autosync.directory import connection as connection_module
from autosync.directory.client import open_directory
from autosync.directory.codec import Message, encode
from autosync.directory.controls import DISCONNECTION, PAGED, next_page, paged
from autosync.directory.errors import BadMessage, RequestFailed, ServerUnreachable, SignInFailed
from autosync.directory.filters import Equals
from autosync.directory.searching import Between, Entry, Reference, Search
from autosync.directory.servers import Access, Server, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Protection
from autosync.directory.writes import Add, Delete, Rename
from tests.unit.directory.directories import OK, Talk, directory_that

PEOPLE = Search(base="dc=x", page_size=0)


def quiet(_message: Message, _talk: Talk) -> None:
    pass


def answers_searches(*dns: str):
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest":
            for dn in dns:
                talk.entry(message.message_id, dn, cn=[b"x"])
            talk.done(message.message_id)

    return answer


async def dns_of(access: Access, search: Search = PEOPLE) -> list[str]:
    async with open_directory(access) as directory:
        return [entry.dn async for entry in directory.entries(search)]


def test_entries_come_as_they_were_sent() -> None:
    async def main() -> None:
        async with directory_that(answers_searches("cn=a,dc=x", "cn=é,dc=x")) as (access, talks):
            assert await dns_of(access) == ["cn=a,dc=x", "cn=é,dc=x"]
            await talks[0].ended.wait()
        assert [message.kind for message in talks[0].heard] == ["searchRequest", "unbindRequest"]

    asyncio.run(main())


def test_pages_follow_each_other_until_the_cookie_is_empty() -> None:
    cookies = []

    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest":
            cookies.append(next_page(message.control(PAGED)))
            talk.entry(message.message_id, f"cn={len(cookies)}")
            talk.done(message.message_id, paged(0, b"" if len(cookies) == 3 else b"c%d" % len(cookies)))

    async def main() -> None:
        async with directory_that(answer) as (access, _):
            assert await dns_of(access, Search(base="", page_size=1)) == ["cn=1", "cn=2", "cn=3"]
        assert cookies == [b"", b"c1", b"c2"]

    asyncio.run(main())


def test_values_that_come_in_pieces_are_completed() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind != "searchRequest":
            return
        asked = message.content["attributes"]
        if asked == [b"member;range=3-*"]:
            talk.entry(message.message_id, "cn=g", **{"member;range=3-4": [b"d", b"e"]})
        elif asked == [b"member;range=5-*"]:
            talk.entry(message.message_id, "cn=g", **{"member;range=5-*": [b"f"]})
        else:
            talk.entry(message.message_id, "cn=g", cn=[b"g"], **{"member;range=0-2": [b"a", b"b", b"c"]})
        talk.done(message.message_id)

    async def main() -> None:
        async with directory_that(answer) as (access, _), open_directory(access) as directory:
            (group,) = [entry async for entry in directory.entries(PEOPLE)]
        assert group.attributes == {"cn": [b"g"], "member": [b"a", b"b", b"c", b"d", b"e", b"f"]}

    asyncio.run(main())


def test_references_and_what_is_said_in_between_are_reported() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest":
            talk.say(message.message_id, "searchReference", [b"ldap://other/dc=y"])
            talk.say(message.message_id, "intermediate", {"responseName": b"1.2.3", "responseValue": b"v"})
            talk.done(message.message_id)

    async def main() -> None:
        async with (
            directory_that(answer) as (access, _),
            open_directory(access) as directory,
            directory.search(PEOPLE) as found,
        ):
            answers = [each async for each in found]
        assert answers == [
            Reference(("ldap://other/dc=y",)),
            Between({"responseName": b"1.2.3", "responseValue": b"v"}),
        ]

    asyncio.run(main())


def test_a_referral_is_followed_only_when_asked() -> None:
    async def main() -> None:
        async with directory_that(answers_searches("cn=there,dc=y")) as (other, _):
            url = f"ldap://127.0.0.1:{other.servers[0].port}/dc=y".encode()

            def answer(message: Message, talk: Talk) -> None:
                if message.kind == "searchRequest":
                    talk.entry(message.message_id, "cn=here,dc=x")
                    talk.say(message.message_id, "searchReference", [url])
                    talk.done(message.message_id)

            async with directory_that(answer) as (access, _), open_directory(access) as directory:
                alone = [entry.dn async for entry in directory.entries(PEOPLE)]
                followed = [entry.dn async for entry in directory.entries(PEOPLE, follow_referrals=True)]
        assert alone == ["cn=here,dc=x"]
        assert followed == ["cn=here,dc=x", "cn=there,dc=y"]

    asyncio.run(main())


def test_referrals_in_a_circle_end() -> None:
    async def main() -> None:
        urls = []

        def answer(message: Message, talk: Talk) -> None:
            if message.kind == "searchRequest":
                talk.done(message.message_id, resultCode=10, referral=urls)

        async with directory_that(answer) as (access, talks):
            urls.append(f"ldap://127.0.0.1:{access.servers[0].port}/dc=x".encode())
            async with open_directory(access) as directory:
                found = [entry async for entry in directory.entries(PEOPLE, follow_referrals=True)]
        assert found == []
        assert len(talks) == 2

    asyncio.run(main())


def test_a_search_that_fails_says_why() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest":
            talk.done(message.message_id, resultCode=32, diagnosticMessage=b"no such base", matchedDN=b"dc=x")

    async def main() -> None:
        async with directory_that(answer) as (access, _):
            with pytest.raises(RequestFailed, match=r"cannot search dc=x: no such base \(noSuchObject, 32\)") as caught:
                await dns_of(access)
        assert (caught.value.code, caught.value.matched) == (32, "dc=x")

    asyncio.run(main())


def test_a_cancelled_search_is_abandoned_and_the_connection_goes_on() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest" and message.content["baseObject"] == b"dc=endless":
            talk.entry(message.message_id, "cn=first")
        elif message.kind == "abandonRequest":
            talk.entry(message.content, "cn=late")  # was on its way already
            talk.done(message.content)
        elif message.kind == "searchRequest":
            answers_searches("cn=a")(message, talk)

    async def main() -> None:
        async with directory_that(answer) as (access, talks), open_directory(access) as directory:
            met = asyncio.Event()

            async def listen() -> None:
                async with directory.search(replace(PEOPLE, base="dc=endless"), timeout_s=None) as found:
                    async for _ in found:
                        met.set()

            async with asyncio.TaskGroup() as group:
                task = group.create_task(listen(), name="listener")
                await met.wait()
                task.cancel()
            after = [entry.dn async for entry in directory.entries(PEOPLE)]
            assert after == ["cn=a"]
            assert [message.kind for message in talks[0].heard] == ["searchRequest", "abandonRequest", "searchRequest"]

    asyncio.run(main())


def test_a_server_that_does_not_answer_is_given_up() -> None:
    async def main() -> None:
        async with directory_that(quiet) as (access, _):
            with pytest.raises(ServerUnreachable, match=r"did not answer within 0.05 s"):
                await dns_of(replace(access, timeout_s=0.05))

    asyncio.run(main())


def test_a_lost_connection_ends_every_request() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "deleteRequest":
            talk.writer.close()

    async def main() -> None:
        async with directory_that(answer) as (access, _), open_directory(access) as directory:
            failures = []

            async def one(dn: str) -> None:
                try:
                    await directory.write(Delete(dn=dn))
                except ServerUnreachable as error:
                    failures.append(str(error))

            async with asyncio.TaskGroup() as group:
                group.create_task(one("cn=a"), name="a")
                group.create_task(one("cn=b"), name="b")
            assert failures == ["the server closed the connection"] * 2
            with pytest.raises(ServerUnreachable):
                await directory.write(Delete(dn="cn=c"))

    asyncio.run(main())


def test_a_notice_of_disconnection_is_told() -> None:
    def answer(_message: Message, talk: Talk) -> None:
        content = OK | {"resultCode": 52, "diagnosticMessage": b"going down", "responseName": DISCONNECTION.encode()}
        talk.say(0, "extendedResponse", content)

    async def main() -> None:
        async with directory_that(answer) as (access, _):
            with pytest.raises(ServerUnreachable, match=r"ended the connection: going down \(unavailable, 52\)"):
                await dns_of(access)

    asyncio.run(main())


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x03\x02\x01\x7b",  # a request that was never made
        b"\x30\x05\x02\x01\x01\x64\x00",  # an entry without anything in it
        b"\x30\x05\x02\x01\x01\x7e\x00",  # an operation that nobody knows
        encode(1, ("modifyResponse", OK)),  # no answer to a search
        encode(1, ("searchEntry", {"objectName": b"\xff\xfe", "attributes": []})),
        b"\x30\x06\x02\x04\xff\xff\xff\xff",
    ],
    ids=repr,
)
def test_hostile_answers_close_the_connection_with_an_error(octets: bytes) -> None:
    async def main() -> None:
        async with directory_that(lambda _, talk: talk.raw(octets)) as (access, _), open_directory(access) as directory:
            with pytest.raises(BadMessage):
                _ = [entry async for entry in directory.entries(PEOPLE)]
            with pytest.raises(BadMessage):
                await directory.write(Delete(dn="cn=x"))

    asyncio.run(main())


def test_answers_that_nobody_takes_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_ENOUGH", 200_000)
    sent = 0

    async def answer(message: Message, talk: Talk) -> None:
        nonlocal sent
        if message.kind == "searchRequest":
            for number in range(2000):
                talk.entry(message.message_id, f"cn={number}", photo=[bytes(10_000)])
                await talk.writer.drain()
                sent += 1
            talk.done(message.message_id)

    async def main() -> None:
        async with (
            directory_that(answer) as (access, _),
            open_directory(access) as directory,
            directory.search(PEOPLE) as found,
        ):
            assert isinstance(await found.next(), Entry)
            await asyncio.sleep(0.2)
            before = sent
            await asyncio.sleep(0.1)
            assert sent == before < 1500, "the server must wait"
            assert sum([1 async for _ in found]) == 1999

    asyncio.run(main())


def test_a_waiting_request_is_answered_though_a_search_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "_ENOUGH", 50_000)

    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "searchRequest":
            for number in range(500):
                talk.entry(message.message_id, f"cn={number}", photo=[bytes(1000)])
            talk.done(message.message_id)
        elif message.kind == "deleteRequest":
            talk.say(message.message_id, "deleteResponse", OK)

    async def main() -> None:
        async with (
            directory_that(answer) as (access, _),
            open_directory(access) as directory,
            directory.search(PEOPLE) as found,
        ):
            await found.next()
            assert (await directory.write(Delete(dn="cn=x"))).succeeded

    asyncio.run(main())


def test_decoding_lets_others_have_their_turn() -> None:
    async def main() -> None:
        dns = [f"cn={number},dc=x" for number in range(3000)]
        async with directory_that(answers_searches(*dns)) as (access, _), open_directory(access) as directory:
            turns = 0
            done = asyncio.Event()

            async def other() -> None:
                nonlocal turns
                while not done.is_set():
                    turns += 1
                    await asyncio.sleep(0)

            async with directory.search(PEOPLE) as found, asyncio.TaskGroup() as group:
                first = await found.next()
                group.create_task(other(), name="other")
                count = 1 + sum([1 async for _ in found])
                done.set()
            assert first is not None
            assert count == 3000
            assert turns > 2

    asyncio.run(main())


def test_no_answer_is_lost_when_whoever_waits_for_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listeners look up from time to time, at whatever moment."""
    monkeypatch.setattr(connection_module, "_SLICE", 1)
    dns = [f"cn={number},dc=x" for number in range(20)]

    async def main() -> None:
        async with (
            directory_that(answers_searches(*dns)) as (access, _),
            open_directory(access) as directory,
            directory.search(PEOPLE) as found,
        ):
            seen: list[str] = []
            ends = asyncio.get_running_loop().time() + 5
            while not found.ended and asyncio.get_running_loop().time() < ends:
                async with asyncio.TaskGroup() as group:
                    task = group.create_task(found.next(), name="taking")
                    await asyncio.sleep(0)
                    task.cancel()
                if not task.cancelled() and isinstance(answer := task.result(), Entry):
                    seen.append(answer.dn)
            assert seen == dns

    asyncio.run(main())


def test_writes_keep_their_order_where_they_touch_the_same() -> None:
    flying: dict[int, str] = {}
    seen: list[tuple[str, set[str]]] = []

    async def answer(message: Message, talk: Talk) -> None:
        kind = {"addRequest": "addResponse", "deleteRequest": "deleteResponse", "renameRequest": "renameResponse"}
        if message.kind in kind:
            dn = message.content if message.kind == "deleteRequest" else message.content["entry"]
            seen.append((dn.decode(), set(flying.values())))
            flying[message.message_id] = dn.decode()
            asyncio.get_running_loop().call_later(0.02, finish, message, talk, kind[message.kind])

    def finish(message: Message, talk: Talk, kind: str) -> None:
        flying.pop(message.message_id)
        talk.say(message.message_id, kind, OK)

    async def main() -> None:
        writes = [
            Add(dn="ou=a,dc=x", attributes={}),
            Add(dn="ou=b,dc=x", attributes={}),
            Add(dn="CN=1, OU=A, dc=x", attributes={}),
            Rename(dn="ou=b,dc=x", new_rdn="ou=c"),
            Add(dn="cn=2,ou=c,dc=x", attributes={}),
            Delete(dn="cn=3,dc=x"),
        ]
        async with directory_that(answer) as (access, _), open_directory(access) as directory:
            codes = [result.code async for result in directory.write_all(writes)]
        assert codes == [0] * 6
        together = dict(seen)
        assert together["ou=b,dc=x"] == {"ou=a,dc=x"} or "ou=b,dc=x" in together
        assert not {"ou=a,dc=x"} & together["CN=1, OU=A, dc=x"]
        assert not {"ou=b,dc=x"} & together["cn=2,ou=c,dc=x"]
        assert together["cn=3,dc=x"] == {"cn=2,ou=c,dc=x"}

    asyncio.run(main())


def test_no_more_are_on_their_way_than_the_window() -> None:
    most = flying = 0

    async def answer(message: Message, talk: Talk) -> None:
        nonlocal flying, most
        if message.kind == "deleteRequest":
            flying += 1
            most = max(most, flying)
            asyncio.get_running_loop().call_later(0.01, finish, message, talk)

    def finish(message: Message, talk: Talk) -> None:
        nonlocal flying
        flying -= 1
        talk.say(message.message_id, "deleteResponse", OK | {"resultCode": message.message_id % 2 * 32})

    async def main() -> None:
        async with directory_that(answer) as (access, _), open_directory(access) as directory:
            deletes = (Delete(dn=f"cn={number}") for number in range(40))
            codes = [result.code async for result in directory.write_all(deletes, window=7)]
        assert codes == [32, 0] * 20
        assert most == 7

    asyncio.run(main())


def test_the_next_server_is_tried_and_all_failures_are_told() -> None:
    async def main() -> None:
        dead = Server(host="127.0.0.1", port=1)
        async with directory_that(answers_searches("cn=a")) as (access, _):
            assert await dns_of(replace(access, servers=[dead, *access.servers])) == ["cn=a"]
        with pytest.raises(ServerUnreachable, match=r"ldap://127.0.0.1:1: cannot be reached.*; ldap://127.0.0.1:1: "):
            await dns_of(replace(access, servers=[dead, dead]))

    asyncio.run(main())


def test_a_refused_sign_in_is_not_tried_elsewhere() -> None:
    def answer(message: Message, talk: Talk) -> None:
        if message.kind == "bindRequest":
            talk.say(
                message.message_id, "bindResponse", OK | {"resultCode": 49, "diagnosticMessage": b"x, data 775, y"}
            )

    async def main() -> None:
        async with directory_that(answer) as (access, talks):
            twice = replace(access, servers=[*access.servers] * 2, who=Simple("cn=me", "hush-hush"))
            with pytest.raises(SignInFailed, match="the account is locked") as caught:
                await dns_of(twice)
            assert "hush" not in f"{caught.value} {twice}"
            assert len(talks) == 1

    asyncio.run(main())


def test_a_password_is_not_sent_over_an_open_network_nor_an_empty_one_at_all() -> None:
    async def main() -> None:
        far = Access(servers=[Server(host="192.0.2.1")], who=Simple("cn=me", "secret"))
        with pytest.raises(SignInFailed, match="unprotected"):
            await dns_of(far)
        async with directory_that(quiet) as (access, _):
            with pytest.raises(SignInFailed, match="is empty"):
                await dns_of(replace(access, who=Simple("cn=me", "")))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("dc1.example", Server(host="dc1.example", port=636, protection=Protection.TLS)),
        ("ldaps://dc1:1636", Server(host="dc1", port=1636, protection=Protection.TLS)),
        ("ldap://[::1]", Server(host="::1", port=389)),
    ],
)
def test_addresses(text: str, server: Server) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["http://x", "ldap://", "ldap://me:secret@x", "ldap://x/dc=y", "ldap://x:99999"])
def test_what_is_no_address_is_refused_without_repeating_a_password(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_server(text)
    assert "secret" not in str(caught.value)


def test_the_filter_reaches_the_directory_as_a_value() -> None:
    heard = []

    def answer(message: Message, talk: Talk) -> None:
        heard.append(message)
        answers_searches()(message, talk)

    async def main() -> None:
        async with directory_that(answer) as (access, _):
            await dns_of(access, Search(base="", filter=Equals("cn", "*)(x=*"), page_size=0))
        assert heard[0].content["filter"] == ("equalityMatch", {"attributeDesc": b"cn", "assertionValue": b"*)(x=*"})

    asyncio.run(main())
