"""The directory client against a real OpenLDAP."""

import asyncio
from dataclasses import replace

import pytest

from autosync.directory import controls
from autosync.directory.client import Directory, octets, open_directory
from autosync.directory.codec import Control
from autosync.directory.errors import ServerUnreachable
from autosync.directory.filters import Equals
from autosync.directory.searching import Between, Entry, Reference, Scope, Search
from autosync.directory.sign_in import External
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename
from scripts.services.slapd import Slapd
from tests.integration.entering import ARRIVES_S, access_to, person, with_directory


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
        manage = (Control(oid=controls.MANAGE_DSA_IT, critical=True),)
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
