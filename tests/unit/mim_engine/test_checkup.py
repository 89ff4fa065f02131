"""A checkup names what is wrong, what follows from it, and the way out; it starts nothing."""

import asyncio
import hashlib
import re
import ssl
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import trustme

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.mim.checkup.checkup import MimCheckup
from autosync.adapters.engines.mim.checkup.network import Endpoint, network_checks
from autosync.adapters.engines.mim.engine import Access
from autosync.model.errors import ConfigError
from autosync.ports.checkup import CheckState
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService, DirectTools
from autosync.testing.mim.knobs import Rights
from autosync.testing.mim.plan import MimServer, company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated

OK, WARN, FAIL, SKIP = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.SKIP


def checked(turn=lambda provider: None, *, tools=True, server=None):
    """Return the checks by name, of a local engine after ``turn`` turned the knobs."""

    async def main(clock: SimulatedClock, random: Random):
        provider = MimProvider(server or company(), clock, random)
        turn(provider)
        access = Access(service=DirectService(provider), tools=DirectTools(provider) if tools else None)
        found = {check.name: check async for check in MimCheckup(lambda: access, lambda: None, clock).checks()}
        assert provider.executed == []
        return found

    return run_simulated(main)


def test_a_good_server_has_nothing_to_complain_of():
    found = checked()

    assert {name: check.state for name, check in found.items()} == {
        "network": SKIP,
        "sign-in": OK,
        "WMI namespace": OK,
        "clock": OK,
        "pending changes": OK,
        "run history": OK,
        "right to start runs": OK,
        "tools": OK,
        "agent configuration": OK,
    }


def stopped(provider):
    provider.knobs.service_runs = False


def away(provider):
    provider.knobs.reachable = False


def browse(provider):
    provider.knobs.rights = Rights.BROWSE


def nobody(provider):
    provider.knobs.rights = Rights.NONE


def skewed(provider):
    provider.knobs.skew_s = -400.0


def no_tools(provider):
    provider.knobs.tools = False


def denied(provider):
    provider.knobs.say("Execute", "access-denied")


def slow(provider):
    provider.knobs.answer_s = 3.0


@pytest.mark.parametrize(
    ("turn", "name", "state", "words"),
    [
        (away, "sign-in", FAIL, "connection refused"),
        (stopped, "WMI namespace", FAIL, "not running"),
        (nobody, "WMI namespace", FAIL, "groups"),
        (browse, "run history", FAIL, "access-denied"),
        (browse, "right to start runs", FAIL, "access-denied"),
        (denied, "right to start runs", FAIL, "access-denied"),
        (skewed, "clock", WARN, "400 s behind"),
        (no_tools, "tools", WARN, "not found"),
        (slow, "run history", WARN, "told in 3.0 s"),
    ],
)
def test_each_trouble_has_its_check(turn, name, state, words):
    check = checked(turn)[name]

    assert check.state is state
    assert words in check.found
    assert check.means
    assert check.way_out


def test_behind_a_failure_nothing_is_guessed():
    assert {check.state for name, check in checked(away).items() if name != "network"} == {FAIL, SKIP}
    assert checked(server=MimServer())["WMI namespace"].state is FAIL


def test_settings_that_cannot_be_used_are_a_failure():
    def access():
        raise ConfigError("the environment variable MIM_PASSWORD is not set")

    async def main():
        return [check async for check in MimCheckup(access, lambda: None, SystemClock()).checks()]

    (check,) = asyncio.run(main())
    assert (check.state, "MIM_PASSWORD" in check.found) == (FAIL, True)


class Moment(SystemClock):
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


AUTHORITY = trustme.CA()


async def looked_at(clock=None, *, name="localhost", trusted=True, tls=True, pinned=None):
    """Return the checks of a listener on loopback whose certificate is for localhost. ``pinned``: to it, or to another."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = AUTHORITY.issue_cert("localhost", not_after=datetime(2040, 1, 1, tzinfo=UTC))
    issued.configure_cert(served)
    client = ssl.create_default_context()
    if trusted:
        AUTHORITY.configure_trust(client)
    fingerprint = ""
    if pinned is not None:
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        shown = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
        digest = hashlib.sha256(shown).hexdigest() if pinned else "0" * 64
        fingerprint = ":".join(re.findall("..", digest.upper()))

    async def serve(_reader, writer):
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served if tls else None)
    port = listener.sockets[0].getsockname()[1]
    endpoint = Endpoint(host="localhost", port=port, tls=client, tls_name=name, fingerprint=fingerprint)
    async with listener:
        return {check.name: check async for check in network_checks(endpoint, clock or SystemClock())}


@pytest.mark.parametrize(
    ("when", "pinned", "state", "words"),
    [
        (datetime(2030, 1, 1, tzinfo=UTC), True, OK, "the pinned one, valid until 2040-01-01"),
        (datetime(2039, 12, 12, tzinfo=UTC), True, WARN, "20 days left"),
        (datetime(2041, 1, 1, tzinfo=UTC), True, WARN, "it has expired"),
        (datetime(2030, 1, 1, tzinfo=UTC), False, FAIL, "another certificate than the one of fingerprint"),
    ],
)
def test_a_pinned_certificate_tells_until_when_too(when, pinned, state, words):
    check = asyncio.run(looked_at(Moment(when), name="", pinned=pinned))["certificate"]

    assert check.state is state
    assert words in check.found
    assert state is not WARN or "correct fingerprint" in check.way_out


def test_a_good_certificate_tells_until_when():
    found = asyncio.run(looked_at(Moment(datetime(2030, 1, 1, tzinfo=UTC))))

    assert [check.state for check in found.values()] == [OK, OK, OK]
    assert "until 2040-01-01" in found["certificate"].found


@pytest.mark.parametrize(
    ("options", "state", "words"),
    [
        ({"name": "sync01.corp.example"}, FAIL, "sync01.corp.example"),
        ({"trusted": False}, FAIL, "not accepted"),
        ({"tls": False}, FAIL, "no TLS connection"),
        ({"clock": Moment(datetime(2040, 1, 1, tzinfo=UTC) - timedelta(days=12))}, WARN, "12 days left"),
    ],
)
def test_a_certificate_that_is_not_good_says_why(options, state, words):
    check = asyncio.run(looked_at(**options))["certificate"]

    assert check.state is state
    assert words in check.found
    assert check.way_out


def test_a_closed_port_and_an_unknown_name_are_told_apart():
    async def main():
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        await listener.wait_closed()
        closed = [check async for check in network_checks(Endpoint(host="127.0.0.1", port=port), SystemClock())]
        unknown = [check async for check in network_checks(Endpoint(host="sync01.invalid", port=1), SystemClock())]
        return closed, unknown

    closed, unknown = asyncio.run(main())
    assert [(check.name, check.state) for check in closed] == [("name resolution", OK), ("port", FAIL)]
    assert [(check.name, check.state) for check in unknown] == [("name resolution", FAIL)]
