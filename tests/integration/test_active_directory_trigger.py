"""The Active Directory trigger against a Samba domain controller."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.active_directory.options import Way
from autosync.adapters.triggers.active_directory.watching import ACTIVE_DIRECTORY_KIND, ActiveDirectoryTrigger
from autosync.directory.blocking import BlockingDirectory
from autosync.directory.client import Directory, octets
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Simple
from autosync.directory.tls import Trust
from autosync.directory.writes import Add, Delete, Modification, Modify, ModifyKind, Rename, Write
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from scripts.services.processes import ServiceMissing
from scripts.services.samba import Samba, running_samba
from tests.integration.conftest import absent

pytestmark = pytest.mark.integration

PEOPLE = "OU=People,DC=lab,DC=test"
OTHERS = "OU=Others,DC=lab,DC=test"


class Domain:
    """A domain that can be changed from the middle of a test."""

    def __init__(self, samba: Samba) -> None:
        self.samba = samba
        self._numbers = count(1)
        self._thread = ThreadPoolExecutor(max_workers=1)
        access = Access(
            servers=[parse_server(samba.tls_url)],
            who=Simple(samba.admin, samba.password),
            trust=Trust(ca_file=samba.certificate),
        )
        self._directory = self._thread.submit(lambda: BlockingDirectory(access)).result()

    def write(self, write: Write) -> None:
        async def main(directory: Directory) -> None:
            (await directory.write(write)).require("the test's own change failed")

        self._thread.submit(lambda: self._directory.run(main)).result()

    def add_unit(self, dn: str) -> None:
        self.write(Add(dn=dn, attributes=octets({"objectClass": "organizationalUnit"})))

    def add(self, parent: str = PEOPLE, kind: str = "user") -> str:
        name = f"{kind}{next(self._numbers)}"
        dn = f"CN={name},{parent}"
        self.write(Add(dn=dn, attributes=octets({"objectClass": kind, "sAMAccountName": name})))
        return dn

    def set(self, dn: str, attribute: str, value: str) -> None:
        change = Modification(ModifyKind.REPLACE, attribute, [value.encode()])
        self.write(Modify(dn=dn, changes=[change]))

    def close(self) -> None:
        self._thread.submit(self._directory.close).result()
        self._thread.shutdown()


@pytest.fixture(scope="module")
def domain() -> Iterator[Domain]:
    try:
        with running_samba() as samba:
            domain = Domain(samba)
            domain.add_unit(PEOPLE)
            domain.add_unit(OTHERS)
            yield domain
            domain.close()
    except ServiceMissing as missing:
        absent(missing)


def trigger(domain: Domain, **more: object) -> ActiveDirectoryTrigger:
    data = {
        "domain-controllers": domain.samba.tls_url,
        "ca": str(domain.samba.certificate),
        "sign-in": {"user": domain.samba.admin, "password": {"env": "PASSWORD"}, "method": "simple"},
        "base": PEOPLE,
        "every": "300ms",
        "gather": "50ms",
        **{key.replace("_", "-"): value for key, value in more.items()},
    }
    parsed = ACTIVE_DIRECTORY_KIND.parse(data, Path())
    assert not parsed.mistakes, parsed.mistakes
    secrets = Secrets({"PASSWORD": domain.samba.password})
    return ActiveDirectoryTrigger(parsed.options, Surroundings(clock=SystemClock(), secrets=secrets))


async def firings_of(watched: ActiveDirectoryTrigger, token: str | None, seconds: float) -> list[Firing]:
    found: list[Firing] = []
    watching = watched.watch(token)
    try:
        async with asyncio.timeout(seconds):
            async for seen in watching:
                found += [seen] if isinstance(seen, Firing) else []
    except TimeoutError:
        pass
    finally:
        await watching.aclose()
    return found


def token_now(domain: Domain, **more: object) -> str:
    async def main() -> str:
        async for seen in trigger(domain, **more).watch(None):
            if isinstance(seen, Firing) and seen.token is not None:
                return seen.token
        raise AssertionError("no firing at first")

    return asyncio.run(main())


@pytest.mark.parametrize("way", ["dirsync", "usn"])
@pytest.mark.parametrize("case", CASES)
def test_an_active_directory_trigger_keeps_its_promises(case: str, way: str, domain: Domain) -> None:
    stage = TriggerStage(make=lambda: trigger(domain, way=way), change=domain.add, patience_s=10, quiet_s=1.0)

    asyncio.run(getattr(TriggerContract(stage), case)())


def changed(domain: Domain, change: Callable[[], object], **more: object) -> int:
    """Return how many objects a trigger sees changed by ``change``."""
    token = token_now(domain, **more)
    change()
    return sum(firing.count for firing in asyncio.run(firings_of(trigger(domain, **more), token, 1.2)))


@pytest.fixture(params=["dirsync", "usn"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_attribute_a_rename_a_move_and_a_deletion_are_changes(domain: Domain, way: str) -> None:
    dn, moved, gone = domain.add(), domain.add(), domain.add()

    assert changed(domain, lambda: domain.set(dn, "description", "new"), way=way) >= 1
    assert changed(domain, lambda: domain.write(Rename(dn=dn, new_rdn="CN=renamed" + way)), way=way) >= 1
    away = Rename(dn=moved, new_rdn=moved.partition(",")[0], new_parent=OTHERS)
    assert changed(domain, lambda: domain.write(away), way=way) >= 1
    assert changed(domain, lambda: domain.write(Delete(dn=gone)), way=way) >= 1


def test_what_is_outside_the_base_does_not_count(domain: Domain, way: str) -> None:
    outside = domain.add(OTHERS)

    assert changed(domain, lambda: domain.set(outside, "description", "new"), way=way) == 0
    if way == "dirsync":
        assert changed(domain, lambda: domain.add(OTHERS), way=way) == 0


def test_only_the_classes_that_are_named_count(domain: Domain, way: str) -> None:
    more = {"way": way, "object_classes": ["user"]}

    assert changed(domain, lambda: domain.add(kind="group"), **more) == 0
    assert changed(domain, lambda: domain.add(kind="computer"), **more) == 0
    assert changed(domain, domain.add, **more) >= 1


def test_noise_is_passed_over_by_attribute_not_by_object(domain: Domain) -> None:
    dn = domain.add()

    def noise_and_news() -> None:
        domain.set(dn, "info", "noise")
        domain.set(dn, "description", "news")

    more = {"way": "dirsync", "ignore_attributes": ["info"]}
    assert changed(domain, lambda: domain.set(dn, "info", "more noise"), **more) == 0
    assert changed(domain, noise_and_news, **more) == 1


def test_only_the_attributes_that_are_named_count(domain: Domain) -> None:
    dn = domain.add()
    more = {"way": "dirsync", "attributes": ["description"]}

    assert changed(domain, lambda: domain.set(dn, "info", "x"), **more) == 0
    assert changed(domain, lambda: domain.set(dn, "description", "x"), **more) == 1
    assert changed(domain, lambda: domain.write(Rename(dn=dn, new_rdn="CN=elsewhere")), **more) >= 1


def test_a_notification_makes_it_look_long_before_its_time(domain: Domain) -> None:
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


def test_an_account_without_the_right_to_replicate_uses_update_numbers(domain: Domain) -> None:
    name = "reader"
    dn = f"CN={name},{PEOPLE}"
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
def test_each_failure_says_what_to_do(domain: Domain, more: dict[str, object], says: str) -> None:
    with pytest.raises(TriggerFailed, match=says) as failure:
        asyncio.run(firings_of(trigger(domain, **more), None, 20))
    assert domain.samba.password not in str(failure.value)


def test_a_controller_that_is_away_is_followed_by_the_next(domain: Domain) -> None:
    both = ["ldaps://127.0.0.1:1", domain.samba.tls_url]

    assert len(asyncio.run(firings_of(trigger(domain, domain_controllers=both), None, 1.5))) == 1


def test_a_cookie_that_the_directory_does_not_know_asks_for_a_full_import(domain: Domain) -> None:
    token = token_now(domain, way="dirsync").replace('"cookie": "', '"cookie": "AAAA')

    with pytest.raises(TokenUnknown):
        asyncio.run(firings_of(trigger(domain, way="dirsync"), token, 20))


def test_a_restored_controller_asks_for_a_full_import(domain: Domain, way: str) -> None:
    token = token_now(domain, way=way)
    settings, _, invocation = token.partition('"invocations": {')[2].strip("{} ").rpartition(": ")
    assert settings
    restored = token.replace(invocation, f'"{"0" * 32}"')

    seen = asyncio.run(firings_of(trigger(domain, way=way), restored, 1.5))
    assert seen[0].full
    assert "invocation id" in seen[0].text
