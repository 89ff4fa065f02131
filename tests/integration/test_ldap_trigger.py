"""The LDAP trigger against OpenLDAP."""

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.ldap.watching import LDAP_KIND, LdapTrigger
from autosync.directory.writes import Delete, Rename
from autosync.model.errors import TokenUnknown, TriggerFailed
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing
from autosync.testing.contracts.trigger import CASES, TriggerContract, TriggerStage
from scripts.services.slapd import Slapd
from tests.integration.directories import Changing, firings_of, first_token, openldap

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def company() -> Iterator[Changing[Slapd]]:
    with openldap() as changing:
        yield changing


def trigger(company: Changing[Slapd], **more: object) -> LdapTrigger:
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


def token_now(company: Changing[Slapd], **more: object) -> str:
    return first_token(trigger(company, **more))


@pytest.mark.parametrize("way", ["syncrepl", "timestamp"])
@pytest.mark.parametrize("case", CASES)
def test_an_ldap_trigger_keeps_its_promises(case: str, way: str, company: Changing[Slapd]) -> None:
    quiet = 0.4 if way == "syncrepl" else 2.0
    stage = TriggerStage(make=lambda: trigger(company, way=way), change=company.add, patience_s=10, quiet_s=quiet)

    asyncio.run(getattr(TriggerContract(stage), case)())


def test_changes_renames_and_deletions_are_told_at_once(company: Changing[Slapd]) -> None:
    dn, gone = company.add(), company.add()
    token = token_now(company)
    changes: list[Callable[[], None]] = [
        lambda: company.set(dn, "description", "new"),
        lambda: company.write(Rename(dn=dn, new_rdn="uid=renamed")),
        lambda: company.write(Delete(dn=gone)),
    ]

    async def main() -> list[float]:
        taken: list[float] = []
        begun = 0.0
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            async for seen in trigger(company, every="60s").watch(token):
                if isinstance(seen, Firing) and begun:
                    taken.append(time.monotonic() - begun)
                if not changes:
                    return taken
                begun = time.monotonic()
                await loop.run_in_executor(None, changes.pop(0))
        raise AssertionError("ended")

    async def begin() -> list[float]:
        asyncio.get_running_loop().call_later(0.3, company.add)
        return await main()

    assert len(asyncio.run(begin())) == 3


def test_a_deletion_while_nobody_listened_is_told_after_the_server_was_started_again(company: Changing[Slapd]) -> None:
    gone = company.add()
    token = token_now(company)
    company.write(Delete(dn=gone))
    company.restart()

    assert asyncio.run(firings_of(trigger(company), token, 1.5))


def test_a_place_from_the_future_of_a_restored_server_asks_for_a_full_import(company: Changing[Slapd]) -> None:
    token = json.loads(token_now(company))
    cookie = re.sub(rb"csn=\d{4}", b"csn=2999", base64.b64decode(token["cookie"]))
    token["cookie"] = base64.b64encode(cookie).decode("ascii")

    with pytest.raises(TokenUnknown):
        asyncio.run(firings_of(trigger(company), json.dumps(token), 5))


def test_a_place_of_another_question_is_not_used(company: Changing[Slapd]) -> None:
    token = token_now(company)
    other = trigger(company, filter="(uid=nobody)")

    assert len(asyncio.run(firings_of(other, token, 0.8))) == 1


def test_only_what_the_filter_finds_counts(company: Changing[Slapd]) -> None:
    more = {"filter": "(objectClass=organizationalUnit)"}
    token = token_now(company, **more)
    company.add()

    assert asyncio.run(firings_of(trigger(company, **more), token, 0.8)) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"base": "ou=nobody,dc=example,dc=org"}, "does not exist"),
        ({"servers": "ldap://127.0.0.1:1"}, "cannot be reached"),
        ({"way": "changelog"}, "shows no change log"),
        (
            {"sign-in": {"user": "cn=x,dc=example,dc=org", "password": {"env": "PASSWORD"}, "method": "simple"}},
            "sign in",
        ),
    ],
)
def test_each_failure_says_what_to_do(company: Changing[Slapd], more: dict[str, object], says: str) -> None:
    with pytest.raises(TriggerFailed, match=says) as failure:
        asyncio.run(firings_of(trigger(company, **more), None, 20))
    assert company.server.password not in str(failure.value)
