"""The directory client against a real domain controller (Samba), as far as that is Active Directory."""

import asyncio
from dataclasses import replace

import pytest

from autosync.directory import controls
from autosync.directory.client import Directory, octets, open_directory
from autosync.directory.errors import DirectoryError, SignInFailed
from autosync.directory.filters import ANYTHING
from autosync.directory.searching import Entry, Search
from autosync.directory.servers import Access
from autosync.directory.sign_in import Mechanism, Simple, Windows
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind
from scripts.services.samba import Samba
from tests.integration.entering import ARRIVES_S, access_to, with_directory


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


@pytest.mark.parametrize("mechanism", [Mechanism.NTLM, Mechanism.NEGOTIATE])
@pytest.mark.parametrize("start_tls", [False, True])
def test_a_windows_sign_in_over_tls(samba: Samba, mechanism: Mechanism, start_tls: bool) -> None:
    async def main(directory: Directory) -> None:
        entries = [entry async for entry in directory.entries(Search(base=samba.suffix, page_size=50))]
        assert len(entries) > 100

    who = Windows(user=r"LAB\Administrator", password=samba.password, mechanism=mechanism)
    access = access_to(samba, url=None if start_tls else samba.tls_url, start_tls=start_tls, who=who)
    asyncio.run(with_directory(access, main))

    with pytest.raises(SignInFailed, match="wrong password") as caught:
        asyncio.run(with_directory(replace(access, who=replace(who, password="Wrong-Passw0rd")), main))
    assert "Wrong-Passw0rd" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["yes", "no"])
def test_a_windows_sign_in_over_tls_under_other_policies(samba: Samba, policy: str) -> None:
    who = Windows(user=r"LAB\Administrator", password=samba.password, mechanism=Mechanism.NTLM)
    access = access_to(samba, url=samba.tls_url, who=who)
    with samba.requiring_strong_authentication(policy):
        if policy == "no":
            asyncio.run(with_directory(access, lambda _: asyncio.sleep(0)))
        else:
            with pytest.raises(SignInFailed, match=r"It takes no Windows account over TLS: use ldap://"):
                asyncio.run(with_directory(access, lambda _: asyncio.sleep(0)))


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
