"""A wrong password is asked about once, whatever the way to sign in: a directory locks the account that was wrong too often."""

import asyncio
from collections.abc import Callable

import pytest

from autosync.directory.client import Directory
from autosync.directory.errors import SignInFailed
from autosync.directory.sign_in import Mechanism, Windows
from autosync.ports.secrets import Secret
from autosync.windows_remoting.failures import RemotingFailed
from autosync.windows_remoting.signing_in import Negotiation
from autosync.windows_remoting.target import SignIn, Target
from tests.integration.entering import access_to, with_directory
from tests.integration.realm import Realm

ACCOUNT = "careful"
WRONG = "Wrong-Passw0rd"


@pytest.fixture(scope="module")
def counted(samba) -> Callable[[], int]:
    """How often a wrong password was counted: of an account in a domain that locks accounts."""
    samba.lock_accounts_after(100)
    samba.add_user(ACCOUNT)
    access = access_to(samba, start_tls=True)

    async def ask() -> int:
        found: list[int] = []

        async def main(directory: Directory) -> None:
            entry = await directory.read(f"CN={ACCOUNT},CN=Users,{samba.suffix}", ("badPwdCount",))
            assert entry is not None
            found.append(int(entry.text("badPwdCount") or 0))

        await with_directory(access, main)
        return found[0]

    return lambda: asyncio.run(ask())


async def enter(_: Directory) -> None:
    """Sign in, and off again."""


@pytest.mark.parametrize("user", [ACCOUNT, rf"LAB\{ACCOUNT}"])
@pytest.mark.parametrize("mechanism", [Mechanism.NEGOTIATE, Mechanism.NTLM])
@pytest.mark.parametrize("is_secured", [False, True])
def test_a_wrong_password_counts_once(realm: Realm, counted, is_secured, mechanism, user) -> None:
    before = counted()
    who = Windows(user=user, password=WRONG, mechanism=mechanism)

    with pytest.raises(SignInFailed) as caught:
        asyncio.run(with_directory(access_to(realm.samba, start_tls=is_secured, who=who), enter))

    assert counted() == before + 1
    assert WRONG not in f"{caught.value!r}"


def test_what_kerberos_has_refused_is_not_tried_by_ntlm(realm: Realm) -> None:
    who = Windows(user=f"{ACCOUNT}@LAB.TEST", password=WRONG)

    with pytest.raises(SignInFailed, match="cannot sign in by negotiate: the password is wrong"):
        asyncio.run(with_directory(access_to(realm.samba, who=who), enter))


def test_windows_remoting_counts_once_too(realm: Realm, counted) -> None:
    """The server that says Negotiate would ask the domain controller about NTLM."""
    before = counted()
    who = SignIn(user=f"{ACCOUNT}@LAB.TEST", password=Secret(WRONG))
    talk = Negotiation(Target(host=realm.samba.address, sign_in=who), ["Negotiate"], None)

    with pytest.raises(RemotingFailed, match="with negotiate: the password is wrong"):
        talk.answer(["Negotiate"])

    assert counted() == before + 1
