"""The directory client against a real OpenLDAP and a real domain controller."""

import asyncio
from dataclasses import replace

import pytest

from autosync.directory import controls
from autosync.directory.client import Directory, octets, open_directory
from autosync.directory.errors import DirectoryError, ServerUnreachable, SignInFailed
from autosync.directory.filters import ANYTHING, Equals
from autosync.directory.searching import Between, Entry, Reference, Scope, Search
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import External, Mechanism, SignIn, Simple, Windows
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename
from scripts.services.samba import Samba
from scripts.services.slapd import Slapd

ARRIVES_S = 10.0
"""Latencies are measured, not asserted; but what never arrives is a failure."""


def access_to(
    server: Slapd | Samba, *, start_tls: bool = False, url: str | None = None, who: SignIn | None = None
) -> Access:
    return Access(
        servers=[parse_server(url or server.url, start_tls=start_tls)],
        who=who or Simple(server.admin, server.password),
        trust=Trust(ca_file=server.certificate),
    )


def person(name: str, **more: str) -> dict[str, list[bytes]]:
    return octets({"objectClass": ["inetOrgPerson"], "cn": name, "sn": name, **more})


@pytest.mark.parametrize(("tls", "start_tls"), [(False, False), (True, False), (False, True)])
def test_simple_sign_in_plain_with_tls_and_with_start_tls(slapd: Slapd, tls: bool, start_tls: bool) -> None:
    async def main() -> None:
        url = slapd.tls_url if tls else slapd.url
        async with open_directory(access_to(slapd, url=url, start_tls=start_tls)) as directory:
            assert await directory.who_am_i() == f"dn:{slapd.admin}"
            assert directory.connection.wire.is_private is (tls or start_tls)

    asyncio.run(main())


def test_a_certificate_that_nobody_vouches_for_is_refused(slapd: Slapd) -> None:
    async def main() -> None:
        unknown = replace(access_to(slapd, url=slapd.tls_url), trust=Trust())
        with pytest.raises(ServerUnreachable, match=r"certificate of 127\.0\.0\.1 is not accepted.*ca-file"):
            async with open_directory(unknown):
                pass

    asyncio.run(main())


def test_signing_in_by_certificate(slapd: Slapd) -> None:
    async def main() -> None:
        own = Trust(ca_file=slapd.certificate, certificate=slapd.certificate, key=slapd.folder / "key.pem")
        access = replace(access_to(slapd, url=slapd.tls_url, who=External()), trust=own)
        async with open_directory(access) as directory:
            assert await directory.who_am_i() == "dn:cn=localhost"

    asyncio.run(main())


def test_every_operation(slapd: Slapd) -> None:
    base = f"ou=operations,{slapd.suffix}"

    async def main(directory: Directory) -> None:
        add = Add(dn=base, attributes=octets({"objectClass": "organizationalUnit", "ou": "operations"}))
        (await directory.write(add)).require("add")
        ada = f"cn=ada,{base}"
        (await directory.write(Add(dn=ada, attributes=person("ada")))).require("add")
        assert await directory.compare(ada, "sn", b"ADA")
        assert not await directory.compare(ada, "sn", b"bob")
        changes = [Modification(ModifyKind.REPLACE, "sn", [b"Lovelace"]), Modification(ModifyKind.ADD, "title", [b"x"])]
        (await directory.write(Modify(dn=ada, changes=changes))).require("modify")
        (await directory.write(Rename(dn=ada, new_rdn="cn=Ada", new_parent=slapd.suffix))).require("rename")
        entry = await directory.read(f"cn=Ada,{slapd.suffix}")
        assert entry is not None
        assert (entry.text("SN"), entry.text("title"), entry.values("cn")) == ("Lovelace", "x", [b"Ada"])
        assert (await directory.write(Delete(dn=slapd.suffix))).name == "notAllowedOnNonLeaf"
        (await directory.write(Delete(dn=entry.dn))).require("delete")
        (await directory.write(Delete(dn=base))).require("delete")
        assert await directory.read(base) is None

    asyncio.run(with_directory(access_to(slapd), main))


async def with_directory(access: Access, what) -> None:
    async with open_directory(access) as directory:
        await what(directory)


def test_pages_and_a_filter(slapd: Slapd) -> None:
    base = f"ou=paging,{slapd.suffix}"

    async def main(directory: Directory) -> None:
        adds = [Add(dn=base, attributes=octets({"objectClass": "organizationalUnit", "ou": "paging"}))]
        adds += [Add(dn=f"cn=p{number},{base}", attributes=person(f"p{number}")) for number in range(250)]
        assert {result.code async for result in directory.write_all(adds)} == {0}
        for size in (0, 1, 100, 251, 1000):
            search = Search(base=base, page_size=size, attributes=("cn",))
            assert len({entry.dn async for entry in directory.entries(search)}) == 251
        one = Search(base=base, filter=Equals("cn", "P7"))
        assert [entry.dn async for entry in directory.entries(one)] == [f"cn=p7,{base}"]
        limited = directory.search(Search(base=base, page_size=0, size_limit=5))
        assert len([each async for each in limited]) == 5
        assert limited.result.name == "sizeLimitExceeded"

    asyncio.run(with_directory(access_to(slapd), main))


def test_a_search_that_is_left_leaves_the_connection_usable(slapd: Slapd) -> None:
    async def main(directory: Directory) -> None:
        for _ in range(5):
            async with directory.search(Search(base=slapd.suffix, page_size=0)) as found:
                await found.next()
            assert await directory.who_am_i() == f"dn:{slapd.admin}"

    asyncio.run(with_directory(access_to(slapd), main))


def test_a_referral_object_is_reported(slapd: Slapd) -> None:
    async def main(directory: Directory) -> None:
        dn = f"ou=elsewhere,{slapd.suffix}"
        attributes = {
            "objectClass": ["referral", "extensibleObject"],
            "ou": "elsewhere",
            "ref": "ldap://127.0.0.1:1/dc=y",
        }
        manage = (controls.Control(oid=controls.MANAGE_DSA_IT, critical=True),)
        (await directory.write(Add(dn=dn, attributes=octets(attributes), controls=manage))).require("add")
        try:
            async with directory.search(Search(base=slapd.suffix, scope=Scope.ONE)) as found:
                urls = [each.urls[0] async for each in found if isinstance(each, Reference)]
            assert [url.partition("?")[0] for url in urls] == ["ldap://127.0.0.1:1/dc=y"]
            with pytest.raises(ServerUnreachable, match=r"127\.0\.0\.1:1"):
                _ = [each async for each in directory.entries(Search(base=slapd.suffix), follow_referrals=True)]
        finally:
            (await directory.write(Delete(dn=dn, controls=manage))).require("delete")

    asyncio.run(with_directory(access_to(slapd), main))


def test_changes_are_told_by_syncrepl_while_they_happen(slapd: Slapd) -> None:
    base = f"ou=people,{slapd.suffix}"

    async def main(directory: Directory) -> None:
        sync = (controls.sync_request(controls.SyncMode.REFRESH_AND_PERSIST),)
        listening = Search(base=base, page_size=0, controls=sync, filter=Equals("objectClass", "inetOrgPerson"))
        async with (
            open_directory(access_to(slapd)) as listener,
            asyncio.timeout(ARRIVES_S),
            listener.search(listening, timeout_s=None) as found,
        ):
            async for answer in found:
                if isinstance(answer, Between) and (info := controls.sync_info(answer.content)) and info.refreshed:
                    break
            dn = f"cn=live,{base}"
            kinds = []
            for write in (
                Add(dn=dn, attributes=person("live")),
                Modify(dn=dn, changes=[Modification(ModifyKind.REPLACE, "title", [b"t"])]),
                Delete(dn=dn),
            ):
                (await directory.write(write)).require("write")
                while not isinstance(answer := await found.next(), Entry):
                    pass
                assert answer.message is not None
                kinds.append(controls.sync_state(answer.message).kind.name)
        assert kinds == ["ADD", "MODIFY", "DELETE"]

    asyncio.run(with_directory(access_to(slapd), main))


# Active Directory, as far as Samba is one

pytestmark = pytest.mark.xdist_group("directories")
NTLM = {"user": r"LAB\Administrator", "mechanism": Mechanism.NTLM}


def ad(samba: Samba) -> Access:
    return access_to(samba, url=samba.tls_url)


@pytest.mark.parametrize("start_tls", [False, True])
def test_a_domain_controller_takes_a_password_over_tls(samba: Samba, start_tls: bool) -> None:
    async def main(directory: Directory) -> None:
        root = await directory.root()
        assert root.text("defaultNamingContext") == samba.suffix

    access = access_to(samba, start_tls=True) if start_tls else ad(samba)
    asyncio.run(with_directory(access, main))


def test_a_domain_controller_wants_tls_for_a_password_and_says_so(samba: Samba) -> None:
    with pytest.raises(SignInFailed, match=r"strongerAuthRequired, 8\)\. Use ldaps"):
        asyncio.run(with_directory(access_to(samba), lambda _: asyncio.sleep(0)))


def test_a_wrong_password_is_told_in_words(samba: Samba) -> None:
    wrong = replace(ad(samba), who=Simple(samba.admin, "Wrong-Passw0rd"))
    with pytest.raises(SignInFailed, match="wrong password") as caught:
        asyncio.run(with_directory(wrong, lambda _: asyncio.sleep(0)))
    assert "Wrong-Passw0rd" not in f"{caught.value!r} {wrong!r}"


@pytest.mark.parametrize("mechanism", [Mechanism.NTLM, Mechanism.NEGOTIATE])
def test_a_windows_sign_in_without_tls_seals_the_connection(samba: Samba, mechanism: Mechanism) -> None:
    async def main(directory: Directory) -> None:
        assert directory.connection.wire.is_private
        entries = [entry async for entry in directory.entries(Search(base=samba.suffix, page_size=50))]
        assert len(entries) > 100
        change = Modification(ModifyKind.REPLACE, "description", [b"x" * 1000])  # longer than a sealed piece, often
        dn = f"CN=Guest,CN=Users,{samba.suffix}"
        results = [result async for result in directory.write_all(Modify(dn=dn, changes=[change]) for _ in range(80))]
        assert {result.code for result in results} == {0}

    who = Windows(user=r"LAB\Administrator", password=samba.password, mechanism=mechanism)
    asyncio.run(with_directory(access_to(samba, who=who), main))


def test_a_windows_sign_in_with_a_wrong_password_is_refused(samba: Samba) -> None:
    who = Windows(user=r"LAB\Administrator", password="wrong", mechanism=Mechanism.NTLM)
    with pytest.raises(DirectoryError, match=r"LAB\\Administrator"):
        asyncio.run(with_directory(access_to(samba, who=who), lambda _: asyncio.sleep(0)))


def test_members_that_come_in_pieces_are_completed(samba: Samba) -> None:
    async def main(directory: Directory) -> None:
        users = [f"CN=piece{number},CN=Users,{samba.suffix}" for number in range(12)]
        adds = [Add(dn=dn, attributes=octets({"objectClass": ["contact"]})) for dn in users]
        group = Add(
            dn=f"CN=pieces,CN=Users,{samba.suffix}", attributes=octets({"objectClass": ["group"], "member": users})
        )
        assert {result.code async for result in directory.write_all(adds)} == {0}
        (await directory.write(group)).require("group")
        entry = await directory.read(group.dn, ("member;range=0-4",))
        assert entry is not None
        assert {value.decode() for value in entry.values("member")} == set(users)

    asyncio.run(with_directory(ad(samba), main))


def test_change_notification_and_dir_sync(samba: Samba) -> None:
    async def main(directory: Directory) -> None:
        notified = (controls.notification(), controls.show_deleted())
        listening = Search(base=samba.suffix, page_size=0, controls=notified, filter=ANYTHING)

        async def changed(cookie: bytes) -> tuple[list[Entry], bytes]:
            sync = controls.dir_sync(cookie, flags=(controls.DirSyncFlag.INCREMENTAL_VALUES,))
            async with directory.search(Search(base=samba.suffix, page_size=0, controls=(sync,))) as found:
                rows = [each async for each in found if isinstance(each, Entry)]
            found.result.require("DirSync")
            return rows, controls.dir_sync_state(found.result.control(controls.DIR_SYNC)).cookie

        _, cookie = await changed(b"")
        dn = f"CN=noticed,CN=Users,{samba.suffix}"
        async with (
            open_directory(ad(samba)) as listener,
            asyncio.timeout(ARRIVES_S),
            listener.search(listening, timeout_s=None) as found,
        ):
            await found.start()
            await listener.root()  # the server takes requests in order: it listens now
            (await directory.write(Add(dn=dn, attributes=octets({"objectClass": ["contact"]})))).require("add")
            while not (isinstance(answer := await found.next(), Entry) and answer.dn == dn):
                pass
            (await directory.write(Delete(dn=dn))).require("delete")
            while not (isinstance(answer := await found.next(), Entry) and answer.values("isDeleted")):
                pass
        rows, _ = await changed(cookie)
        assert [row.text("isDeleted") for row in rows if row.dn.startswith("CN=noticed")] == ["TRUE"]

    asyncio.run(with_directory(ad(samba), main))
