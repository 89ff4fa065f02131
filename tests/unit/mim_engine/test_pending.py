"""What is pending is counted cheaply; exactly, by partition, only where it must be."""

from random import Random

import pytest

from autosync.adapters.engines.mim.access.port import PendingSide
from autosync.adapters.engines.mim.pending import Fingerprints
from autosync.bootstrap.mim import may_be_held
from autosync.model.counts import ChangeKind, Counts
from autosync.model.errors import EngineRejected
from autosync.model.ids import AgentId, PartitionName
from autosync.model.settings import AgentSettings, Guards, Limit, Settings, Thresholds
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectTools
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.stage import made

DEFAULT = PartitionName("default")
NORTH, SOUTH = PartitionName("DC=north,DC=corp,DC=example"), PartitionName("DC=south,DC=corp,DC=example")
HR, AD = AgentId("mim/HR"), AgentId("mim/AD")


class Tools(DirectTools):
    """Counts what csexport had to do."""

    def __init__(self, provider) -> None:
        super().__init__(provider)
        self.exports: list[tuple[str, PendingSide]] = []
        self.read = 0

    async def export_pending(self, agent, side):
        self.exports.append((agent, side))
        async for piece in super().export_pending(agent, side):
            self.read += len(piece)
            yield piece


def simulated(test):
    async def main(clock: SimulatedClock, random: Random):
        provider = MimProvider(company(), clock, random)
        await test(provider, clock, Tools(provider))

    run_simulated(main)


async def stage(engine, provider, agent, partition, profile, changes):
    for kind in changes:
        provider.change(agent, partition, kind)
    handle = await engine.start(AgentId(f"mim/{agent}"), profile, 1)
    await engine.wait(AgentId(f"mim/{agent}"), handle)


def test_one_partition_needs_no_tool():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools)
        await engine.open()
        await stage(engine, provider, "HR", "default", "DI", [ChangeKind.ADDS, ChangeKind.UPDATES, ChangeKind.DELETES])
        pending = await engine.pending(HR)

        assert pending.imports[DEFAULT].counts == Counts(adds=1, updates=1, deletes=1)
        assert pending.exports == {}
        assert pending.population[DEFAULT] >= 1200
        assert tools.exports == []
        await engine.close()

    simulated(test)


def test_with_several_partitions_csexport_tells_which():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools)
        await engine.open()
        await stage(engine, provider, "AD", SOUTH, f"DI {SOUTH}", [ChangeKind.UPDATES] * 3)
        one = await engine.pending(AD)
        await stage(engine, provider, "AD", NORTH, f"DI {NORTH}", [ChangeKind.UPDATES] * 2)
        both = await engine.pending(AD)

        assert {name: each.counts for name, each in one.imports.items()} == {SOUTH: Counts(updates=3)}
        assert set(both.imports) == {NORTH, SOUTH}
        assert all(each.counts == Counts(updates=5) for each in both.imports.values())
        assert tools.exports == [("AD", PendingSide.IMPORTS)] * 2
        await engine.close()

    simulated(test)


def test_what_a_guard_may_hold_is_told_exactly():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools, may_be_held=lambda *_: True)
        await engine.open()
        await stage(engine, provider, "AD", SOUTH, f"DI {SOUTH}", [ChangeKind.DELETES] * 3)
        await stage(engine, provider, "AD", NORTH, f"DI {NORTH}", [ChangeKind.UPDATES])
        first = await engine.pending(AD)
        again = await engine.pending(AD)
        await stage(engine, provider, "AD", SOUTH, f"DI {SOUTH}", [ChangeKind.DELETES])
        grown = await engine.pending(AD)

        assert {name: each.counts for name, each in first.imports.items()} == {
            SOUTH: Counts(deletes=3),
            NORTH: Counts(updates=1),
        }
        assert first == again
        assert first.imports[SOUTH].fingerprint
        assert first.imports[SOUTH].sample
        assert grown.imports[SOUTH].identity != first.imports[SOUTH].identity
        assert grown.imports[NORTH].identity == first.imports[NORTH].identity
        await engine.close()

    simulated(test)


def test_always_means_every_time():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools, fingerprints=Fingerprints.ALWAYS)
        await engine.open()
        await stage(engine, provider, "HR", "default", "DI", [ChangeKind.UPDATES])

        assert (await engine.pending(HR)).imports[DEFAULT].fingerprint
        assert tools.exports == [("HR", PendingSide.IMPORTS)]
        await engine.close()

    simulated(test)


@pytest.mark.parametrize("broken", ["no tools", "no xml"])
def test_without_csexport_the_sum_counts_for_every_partition(broken):
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools)
        if broken == "no tools":
            provider.knobs.tools = False
        else:
            provider.knobs.pending_file = b"csexport: access denied"
        await engine.open()
        provider.start_foreign("AD", f"FI {SOUTH}")
        await clock.sleep(5)
        provider.change("AD", SOUTH, ChangeKind.DELETES)
        provider.start_foreign("AD", f"DI {SOUTH}")
        await clock.sleep(5)
        provider.start_foreign("AD", f"DI {NORTH}")
        await clock.sleep(5)
        await engine.agents()
        pending = await engine.pending(AD)

        assert {each.counts for each in pending.imports.values()} == {Counts(deletes=1)}
        assert SOUTH in pending.imports
        await engine.close()

    simulated(test)


def test_a_word_in_place_of_a_number_is_told_as_a_refusal():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools)
        await engine.open()
        await engine.agents()
        provider.knobs.say("NumImportUpdate", "access-denied")

        with pytest.raises(EngineRejected, match="access-denied"):
            await engine.pending(HR)
        await engine.close()

    simulated(test)


def settings(**thresholds):
    guards = Guards(staged=Thresholds(**thresholds), exports=Thresholds())
    return Settings(agents={HR: AgentSettings(id=HR, guards=guards)})


@pytest.mark.parametrize(
    ("thresholds", "counts", "held"),
    [
        ({}, Counts(deletes=10_000), False),
        ({"kinds": {ChangeKind.DELETES: Limit(absolute=5)}}, Counts(deletes=5), False),
        ({"kinds": {ChangeKind.DELETES: Limit(absolute=5)}}, Counts(deletes=6), True),
        ({"kinds": {ChangeKind.RENAMES: Limit(absolute=5)}}, Counts(updates=6), True),
        ({"kinds": {ChangeKind.DELETE_ADDS: Limit(absolute=5)}}, Counts(adds=6), True),
        ({"kinds": {ChangeKind.DELETES: Limit(percent=10.0)}}, Counts(deletes=11), True),
        ({"kinds": {ChangeKind.DELETES: Limit(percent=10.0)}}, Counts(deletes=9), False),
        ({"total": Limit(absolute=5)}, Counts(adds=3, updates=3), True),
    ],
)
def test_a_set_is_looked_at_closely_where_a_limit_may_hold_it(thresholds, counts, held):
    judge = may_be_held(settings(**thresholds))

    assert judge(HR, PendingSide.IMPORTS, counts, 100) is held
    assert judge(HR, PendingSide.EXPORTS, counts, 100) is False
