"""The Active Directory trigger against a Samba domain controller."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.active_directory.options import Way
from autosync.adapters.triggers.active_directory.watching import ACTIVE_DIRECTORY_KIND, ActiveDirectoryTrigger
from autosync.directory.client import octets
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from scripts.services.samba import Samba
from tests.integration.directories import Changing, active_directory, firings_of, first_token

pytestmark = pytest.mark.integration

OTHERS = "OU=Others,DC=lab,DC=test"


@pytest.fixture(scope="module")
def domain() -> Iterator[Changing[Samba]]:
    with active_directory() as changing:
        changing.write(Add(dn=OTHERS, attributes=octets({"objectClass": "organizationalUnit"})))
        yield changing


def add(domain: Changing[Samba], parent: str | None = None, kind: str = "user") -> str:
    name = domain.new_name()
    dn = f"CN={name},{parent or domain.people}"
    domain.write(Add(dn=dn, attributes=octets({"objectClass": kind, "sAMAccountName": name})))
    return dn


def trigger(domain: Changing[Samba], **more: object) -> ActiveDirectoryTrigger:
    data = {
        "domain-controllers": domain.server.tls_url,
        "ca": str(domain.server.certificate),
        "sign-in": {"user": domain.server.admin, "password": {"env": "PASSWORD"}, "method": "simple"},
        "base": domain.people,
        "every": "300ms",
        "gather": "50ms",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    parsed = ACTIVE_DIRECTORY_KIND.parse(data, Path())
    assert not parsed.mistakes, parsed.mistakes
    secrets = Secrets({"PASSWORD": domain.server.password})
    return ActiveDirectoryTrigger(parsed.options, Surroundings(clock=SystemClock(), secrets=secrets))


def token_now(domain: Changing[Samba], **more: object) -> str:
    return first_token(trigger(domain, **more))


@pytest.mark.parametrize("way", ["dirsync", "usn"])
@pytest.mark.parametrize("case", CASES)
def test_an_active_directory_trigger_keeps_its_promises(case: str, way: str, domain: Changing[Samba]) -> None:
    stage = TriggerStage(make=lambda: trigger(domain, way=way), change=domain.add, patience_s=10, quiet_s=1.0)

    asyncio.run(getattr(TriggerContract(stage), case)())


def changed(domain: Changing[Samba], change: Callable[[], object], **more: object) -> int:
    """Return how many objects a trigger sees changed by ``change``."""
    token = token_now(domain, **more)
    change()
    return sum(firing.count for firing in asyncio.run(firings_of(trigger(domain, **more), token, 1.2)))


@pytest.fixture(params=["dirsync", pytest.param("usn", marks=pytest.mark.slow)])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_attribute_a_rename_a_move_and_a_deletion_are_changes(domain: Changing[Samba], way: str) -> None:
    dn, moved, gone = domain.add(), domain.add(), domain.add()

    assert changed(domain, lambda: domain.set(dn, "description", "new"), way=way) >= 1
    assert changed(domain, lambda: domain.write(Rename(dn=dn, new_rdn="CN=renamed" + way)), way=way) >= 1
    away = Rename(dn=moved, new_rdn=moved.partition(",")[0], new_parent=OTHERS)
    assert changed(domain, lambda: domain.write(away), way=way) >= 1
    assert changed(domain, lambda: domain.write(Delete(dn=gone)), way=way) >= 1


def test_what_is_outside_the_base_does_not_count(domain: Changing[Samba], way: str) -> None:
    outside = add(domain, OTHERS)

    assert changed(domain, lambda: domain.set(outside, "description", "new"), way=way) == 0
    if way == "dirsync":
        assert changed(domain, lambda: add(domain, OTHERS), way=way) == 0


def test_only_the_classes_that_are_named_count(domain: Changing[Samba], way: str) -> None:
    more = {"way": way, "object_classes": ["user"]}

    assert changed(domain, lambda: add(domain, kind="group"), **more) == 0
    assert changed(domain, lambda: add(domain, kind="computer"), **more) == 0
    assert changed(domain, domain.add, **more) >= 1


def test_noise_is_passed_over_by_attribute_not_by_object(domain: Changing[Samba]) -> None:
    dn = domain.add()

    def noise_and_news() -> None:
        domain.set(dn, "info", "noise")
        domain.set(dn, "description", "news")

    more = {"way": "dirsync", "ignore_attributes": ["info"]}
    assert changed(domain, lambda: domain.set(dn, "info", "more noise"), **more) == 0
    assert changed(domain, noise_and_news, **more) == 1


def test_only_the_attributes_that_are_named_count(domain: Changing[Samba]) -> None:
    dn = domain.add()
    more = {"way": "dirsync", "attributes": ["description"]}

    assert changed(domain, lambda: domain.set(dn, "info", "x"), **more) == 0
    assert changed(domain, lambda: domain.set(dn, "description", "x"), **more) == 1
    assert changed(domain, lambda: domain.write(Rename(dn=dn, new_rdn="CN=elsewhere")), **more) >= 1


def test_a_notification_makes_it_look_long_before_its_time(domain: Changing[Samba]) -> None:
    token = token_now(domain)

    async def main() -> Firing:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            async for seen in trigger(domain, every="60s").watch(token):
                if isinstance(seen, Firing):
                    return seen
                if seen.details["listening"] == "yes":
                    loop.call_later(1.0, domain.add)
        raise AssertionError("ended")

    assert asyncio.run(main()).count == 1


def test_an_account_without_the_right_to_replicate_uses_update_numbers(domain: Changing[Samba]) -> None:
    name = "reader"
    dn = f"CN={name},{domain.people}"
    domain.write(Add(dn=dn, attributes=octets({"objectClass": "user", "sAMAccountName": name})))
    password = '"Reader!Passw0rd"'.encode("utf-16-le")
    domain.write(Modify(dn=dn, changes=[Modification(ModifyKind.REPLACE, "unicodePwd", [password])]))
    domain.set(dn, "userAccountControl", "512")
    account = {"user": f"{name}@LAB.TEST", "password": {"env": "READER"}, "method": "simple"}
    data = trigger(domain, sign_in=account)
    data._secrets = Secrets({"READER": "Reader!Passw0rd"})

    async def main() -> Pulse:
        async with asyncio.timeout(20):
            async for seen in data.watch(None):
                if isinstance(seen, Pulse):
                    return seen
        raise AssertionError("ended")

    details = asyncio.run(main()).details
    assert details["way"] == Way.USN
    assert "insufficient" in details["no dirsync"].casefold()


# What goes wrong


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"base": "OU=Nobody,DC=lab,DC=test"}, "does not exist"),
        ({"base": "DC=elsewhere,DC=test"}, "does not exist|no partition"),
        ({"domain_controllers": "ldaps://127.0.0.1:1"}, "cannot be reached"),
        ({"sign_in": {"user": "nobody@LAB.TEST", "password": {"env": "PASSWORD"}, "method": "simple"}}, "sign in"),
        ({"sign_in": {"user": "x", "password": {"env": "ABSENT"}, "method": "simple"}}, "ABSENT"),
    ],
)
def test_each_failure_says_what_to_do(domain: Changing[Samba], more: dict[str, object], says: str) -> None:
    with pytest.raises(TriggerFailed, match=says) as failure:
        asyncio.run(firings_of(trigger(domain, **more), None, 20))
    assert domain.server.password not in str(failure.value)


def test_a_controller_that_is_away_is_followed_by_the_next(domain: Changing[Samba]) -> None:
    both = ["ldaps://127.0.0.1:1", domain.server.tls_url]

    assert len(asyncio.run(firings_of(trigger(domain, domain_controllers=both), None, 1.5))) == 1


def test_a_cookie_that_the_directory_does_not_know_asks_for_a_full_import(domain: Changing[Samba]) -> None:
    token = token_now(domain, way="dirsync").replace('"cookie": "', '"cookie": "AAAA')

    with pytest.raises(TokenUnknown):
        asyncio.run(firings_of(trigger(domain, way="dirsync"), token, 20))


def test_a_restored_controller_asks_for_a_full_import(domain: Changing[Samba], way: str) -> None:
    token = token_now(domain, way=way)
    settings, _, invocation = token.partition('"invocations": {')[2].strip("{} ").rpartition(": ")
    assert settings
    restored = token.replace(invocation, f'"{"0" * 32}"')

    seen = asyncio.run(firings_of(trigger(domain, way=way), restored, 1.5))
    assert seen[0].full
    assert "invocation id" in seen[0].text
