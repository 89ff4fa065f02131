"""The LDAP trigger against 389 Directory Server: change log with persistent search, syncrepl, and time stamps."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.ldap.watching import LDAP_KIND, LdapTrigger
from autosync.directory.client import octets
from autosync.directory.writes import Add, Delete, Rename
from autosync.model.errors import TokenUnknown
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from scripts.services.ds389 import Ds389
from tests.integration.directories import Changing, directory_389, firings_of, first_token
from tests.integration.entering import ARRIVES_S

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def company() -> Iterator[Changing[Ds389]]:
    with directory_389(content_sync=True) as changing:
        yield changing


def trigger(company: Changing[Ds389], **more: object) -> LdapTrigger:
    data = {
        "servers": company.server.url,
        "sign-in": {"user": company.server.admin, "password": {"env": "PASSWORD"}, "method": "simple"},
        "base": company.people,
        "every": "200ms",
        **more,
    }
    parsed = LDAP_KIND.parse(data, Path())
    assert not parsed.mistakes, parsed.mistakes
    secrets = Secrets({"PASSWORD": company.server.password})
    return LdapTrigger(parsed.options, Surroundings(clock=SystemClock(), secrets=secrets))


@pytest.mark.parametrize("way", ["changelog", "syncrepl"])
@pytest.mark.parametrize("case", CASES)
def test_the_trigger_keeps_its_promises(case: str, way: str, company: Changing[Ds389]) -> None:
    stage = TriggerStage(make=lambda: trigger(company, way=way), change=company.add, patience_s=10, quiet_s=0.5)

    asyncio.run(getattr(TriggerContract(stage), case)())


@pytest.mark.slow
def test_time_stamps_tell_that_something_changed(company: Changing[Ds389]) -> None:
    token = first_token(trigger(company, way="timestamp"))
    company.add()

    assert asyncio.run(firings_of(trigger(company, way="timestamp"), token, 2.0))


@pytest.mark.parametrize("way", ["changelog", "syncrepl"])
def test_every_kind_of_change_is_told_though_nobody_asks_for_a_minute(way: str, company: Changing[Ds389]) -> None:
    dn, gone = company.add(), company.add()
    token = first_token(trigger(company, way=way))
    changes: list[Callable[[], object]] = [
        company.add,
        lambda: company.set(dn, "description", "new"),
        lambda: company.write(Rename(dn=dn, new_rdn=f"uid={company.new_name()}")),
        lambda: company.write(Delete(dn=gone)),
    ]

    async def main() -> None:
        watching = trigger(company, way=way, every="60s").watch(token)
        try:
            async with asyncio.timeout(len(changes) * ARRIVES_S):
                await until_listening(company, watching)
                for change in changes:
                    await asyncio.to_thread(change)
                    while not isinstance(await anext(watching), Firing):
                        pass
        finally:
            await watching.aclose()

    asyncio.run(main())


async def until_listening(company: Changing[Ds389], watching: AsyncGenerator[Firing | Pulse]) -> None:
    """Wait until a change is told: the second look of a change log comes a second after the first."""
    loop = asyncio.get_running_loop()
    loop.call_later(1.3, lambda: loop.run_in_executor(None, company.add))
    while not isinstance(await anext(watching), Firing):
        pass


def test_a_burst_is_one_look_and_not_a_look_each(company: Changing[Ds389]) -> None:
    token = first_token(trigger(company, way="changelog"))

    async def main() -> list[int]:
        watching = trigger(company, way="changelog", every="60s").watch(token)
        counts: list[int] = []
        try:
            async with asyncio.timeout(3 * ARRIVES_S):
                await until_listening(company, watching)
                await asyncio.to_thread(lambda: [company.add() for _ in range(50)])
                while sum(counts) < 50:
                    seen = await anext(watching)
                    counts += [seen.count] if isinstance(seen, Firing) else []
        finally:
            await watching.aclose()
        return counts

    counts = asyncio.run(main())
    assert sum(counts) == 50
    assert len(counts) < 50


@pytest.mark.parametrize(
    "crash", [pytest.param(False, id="stopped"), pytest.param(True, id="crashed", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("way", ["changelog", pytest.param("syncrepl", marks=pytest.mark.slow)])
def test_a_deletion_while_the_server_was_down_for_us_is_told_after_its_restart(
    way: str, crash: bool, company: Changing[Ds389]
) -> None:
    gone = company.add()
    token = first_token(trigger(company, way=way))
    quiet = asyncio.run(firings_of(trigger(company, way=way), token, 0.6))
    company.write(Delete(dn=gone))
    company.restart(crash=crash)

    told = asyncio.run(firings_of(trigger(company, way=way), token, 2.0))

    assert quiet == []
    assert sum(each.count for each in told) == 1


def test_what_changes_elsewhere_is_read_and_does_not_count(company: Changing[Ds389]) -> None:
    other = f"ou={company.new_name()},dc=example,dc=org"
    token = first_token(trigger(company, way="changelog"))
    company.write(Add(dn=other, attributes=octets({"objectClass": "organizationalUnit"})))

    assert asyncio.run(firings_of(trigger(company, way="changelog"), token, 0.8)) == []


@pytest.mark.slow
def test_the_numbers_of_another_server_mean_nothing(company: Changing[Ds389]) -> None:
    token = first_token(trigger(company, way="changelog"))

    with directory_389() as other:
        for _ in range(3):
            other.add()
        with pytest.raises(TokenUnknown, match="another change log"):
            asyncio.run(firings_of(trigger(other, way="changelog"), token, 5))


@pytest.mark.slow
def test_a_trimmed_log_asks_for_a_full_import() -> None:
    with directory_389(changelog_age="1s") as company:
        company.add()
        token = first_token(trigger(company, way="changelog"))
        for _ in range(3):
            company.add()

        with pytest.raises(TokenUnknown, match="trimmed"):
            asyncio.run(until_trimmed(company, token))


async def until_trimmed(company: Changing[Ds389], token: str) -> None:
    async with asyncio.timeout(60):
        while True:
            await firings_of(trigger(company, way="changelog"), token, 0.3)
            company.add()
