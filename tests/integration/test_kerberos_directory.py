"""The directory client signs in to a real domain controller (Samba) by Kerberos."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from autosync.directory import controls
from autosync.directory.client import Directory, octets
from autosync.directory.errors import SignInFailed
from autosync.directory.searching import Entry, Search
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Mechanism, Windows
from autosync.directory.tls import Protection
from autosync.directory.writes import Add
from tests.integration.entering import access_to, with_directory
from tests.integration.realm import ACCOUNT, Proof, Realm

SKEWED = """
import asyncio, sys
from autosync.directory.client import open_directory
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Mechanism, Windows

async def main():
    who = Windows(user=sys.argv[2], password=sys.argv[3], mechanism=Mechanism.KERBEROS)
    async with open_directory(Access(servers=[parse_server(sys.argv[1])], who=who)):
        print("signed in")

try:
    asyncio.run(main())
except Exception as error:
    print(error)
"""


def by_kerberos(realm: Realm, password: str | None, protection: Protection = Protection.NONE) -> Access:
    """Without a password it is whoever has the ticket or the keytab."""
    who = Windows(user=ACCOUNT if password else None, password=password, mechanism=Mechanism.KERBEROS)
    url = realm.samba.tls_url if protection is Protection.TLS else None
    return access_to(realm.samba, url=url, start_tls=protection is Protection.START_TLS, who=who)


async def enter(_: Directory) -> None:
    """Sign in, and off again."""


@pytest.mark.parametrize("proof", Proof)
@pytest.mark.parametrize("protection", Protection)
def test_an_account_signs_in_by_kerberos(realm: Realm, tmp_path: Path, protection: Protection, proof: Proof) -> None:
    async def main(directory: Directory) -> None:
        assert directory.connection.wire.is_private
        entries = [entry async for entry in directory.entries(Search(base=realm.samba.suffix, page_size=50))]
        assert len(entries) > 100

    asyncio.run(with_directory(by_kerberos(realm, realm.prove(proof, tmp_path), protection), main))


@pytest.mark.parametrize("protection", Protection)
def test_dir_sync_is_read_through_such_a_connection(realm: Realm, protection: Protection) -> None:
    async def changed(directory: Directory, cookie: bytes) -> tuple[list[Entry], bytes]:
        sync = controls.dir_sync(cookie, flags=(controls.DirSyncFlag.INCREMENTAL_VALUES,))
        async with directory.search(Search(base=realm.samba.suffix, page_size=0, controls=(sync,))) as found:
            rows = [each async for each in found if isinstance(each, Entry)]
        found.result.require("DirSync")
        return rows, controls.dir_sync_state(found.result.control(controls.DIR_SYNC)).cookie

    async def main(directory: Directory) -> None:
        everything, cookie = await changed(directory, b"")
        dn = f"CN=kerberos-{protection.value},CN=Users,{realm.samba.suffix}"
        (await directory.write(Add(dn=dn, attributes=octets({"objectClass": ["contact"]})))).require("add")
        rows, _ = await changed(directory, cookie)

        assert len(everything) > 100
        assert dn in {row.dn for row in rows}
        assert len(rows) < 10

    asyncio.run(with_directory(by_kerberos(realm, realm.samba.password, protection), main))


def test_negotiate_takes_ntlm_where_the_account_is_written_as_windows_does(realm: Realm) -> None:
    who = Windows(user=r"LAB\Administrator", password=realm.samba.password)

    asyncio.run(with_directory(access_to(realm.samba, who=who), enter))


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        (ACCOUNT, "Wrong-Passw0rd", "the password is wrong"),
        ("nobody@LAB.TEST", "Wrong-Passw0rd", "knows no such account"),
        (r"LAB\Administrator", "Wrong-Passw0rd", r"as user@REALM here, not as DOMAIN\\user"),
        ("Administrator@ELSEWHERE.TEST", "Wrong-Passw0rd", "where the realm's domain controllers are"),
        (None, None, "there is no ticket, and no keytab"),
    ],
)
def test_what_kerberos_refuses_is_told_in_words(realm: Realm, user: str, password: str, said: str) -> None:
    who = Windows(user=user, password=password, mechanism=Mechanism.KERBEROS)
    with pytest.raises(SignInFailed, match=f"by kerberos: .*{said}") as caught:
        asyncio.run(with_directory(access_to(realm.samba, who=who), enter))

    assert "Wrong-Passw0rd" not in f"{caught.value!r}"


def test_a_server_that_kerberos_does_not_know_by_that_name_is_told(realm: Realm) -> None:
    number = str(int.from_bytes(bytes(map(int, realm.samba.address.split(".")))))  # the same address, written otherwise
    access = replace(by_kerberos(realm, realm.samba.password), servers=[parse_server(f"ldap://{number}")])

    with pytest.raises(SignInFailed, match=f"the realm knows no service ldap/{number}: .* setspn -Q"):
        asyncio.run(with_directory(access, enter))


def test_a_domain_without_its_controllers_is_told(
    realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(realm.samba.kerberos["KRB5_CONFIG"])
    elsewhere = tmp_path / "krb5.conf"
    elsewhere.write_text(file.read_text(encoding="utf-8").replace(":10088", ":10089"), encoding="utf-8")
    monkeypatch.setenv("KRB5_CONFIG", str(elsewhere))

    with pytest.raises(SignInFailed, match=r"no domain controller gives tickets: is one of LAB\.TEST reached"):
        asyncio.run(with_directory(by_kerberos(realm, realm.samba.password), enter))


def test_a_clock_that_is_wrong_is_told(clocks: Realm) -> None:
    arguments = [clocks.samba.url, ACCOUNT, clocks.samba.password]

    assert "signed in" in clocks.with_clock(1, SKEWED, arguments)
    assert "clock and the domain's are more than five minutes apart" in clocks.with_clock(10, SKEWED, arguments)
