"""What is pending is counted cheaply; exactly, by partition, only where it must be."""

from collections.abc import Mapping
from random import Random

import pytest

from autosync.adapters.engines.mim.pending import Fingerprints
from autosync.bootstrap.mim import may_be_held
from autosync.model.agents import Pending, PendingSet, PendingSide
from autosync.model.counts import ChangeKind, Counts
from autosync.model.errors import EngineRejected
from autosync.model.ids import AgentId, PartitionName
from autosync.model.settings import AgentSettings, Guards, Limit, Settings, Thresholds
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService, DirectTools
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.counting import Counting
from tests.unit.mim_engine.stage import made

DEFAULT = PartitionName("default")
NORTH, SOUTH = PartitionName("DC=north,DC=corp,DC=example"), PartitionName("DC=south,DC=corp,DC=example")
HR, AD = AgentId("mim/HR"), AgentId("mim/AD")
STAGED = frozenset({PendingSide.IMPORTS})


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


def imports(pending: Pending) -> Mapping[PartitionName, PendingSet]:
    assert pending.imports is not None
    return pending.imports


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

        assert imports(pending)[DEFAULT].counts == Counts(adds=1, updates=1, deletes=1)
        assert pending.exports == {}
        assert not pending.population
        assert tools.exports == []
        await engine.close()

    simulated(test)


def test_with_several_partitions_csexport_tells_which():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools)
        await engine.open()
        await stage(engine, provider, "AD", SOUTH, f"DI {SOUTH}", [ChangeKind.UPDATES] * 3)
        one = await engine.pending(AD, STAGED)
        await stage(engine, provider, "AD", NORTH, f"DI {NORTH}", [ChangeKind.UPDATES] * 2)
        both = await engine.pending(AD, STAGED)

        assert {name: each.counts for name, each in imports(one).items()} == {SOUTH: Counts(updates=3)}
        assert set(imports(both)) == {NORTH, SOUTH}
        assert all(each.counts == Counts(updates=5) for each in imports(both).values())
        assert tools.exports == [("AD", PendingSide.IMPORTS)] * 2
        await engine.close()

    simulated(test)


def test_what_a_guard_may_hold_is_told_exactly():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools, may_be_held=lambda *_: True)
        await engine.open()
        await stage(engine, provider, "AD", SOUTH, f"DI {SOUTH}", [ChangeKind.DELETES] * 3)
        await stage(engine, provider, "AD", NORTH, f"DI {NORTH}", [ChangeKind.UPDATES])
        first = await engine.pending(AD, STAGED)
        again = await engine.pending(AD, STAGED)
        await stage(engine, provider, "AD", SOUTH, f"DI {SOUTH}", [ChangeKind.DELETES])
        grown = await engine.pending(AD, STAGED)

        assert {name: each.counts for name, each in imports(first).items()} == {
            SOUTH: Counts(deletes=3),
            NORTH: Counts(updates=1),
        }
        assert first == again
        assert imports(first)[SOUTH].fingerprint
        assert imports(first)[SOUTH].sample
        assert imports(grown)[SOUTH].identity != imports(first)[SOUTH].identity
        assert imports(grown)[NORTH].identity == imports(first)[NORTH].identity
        await engine.close()

    simulated(test)


@pytest.mark.parametrize("side", PendingSide)
def test_what_nobody_needs_is_not_asked_for(side):
    async def test(provider, clock, tools):
        service = Counting(DirectService(provider), clock)
        engine = made(provider, clock, tools=tools, service=service)
        await engine.open()
        await engine.agents()
        service.asked.clear()
        pending = await engine.pending(HR, frozenset({side}))

        assert [name for _, name in service.asked] == ["ask"] * 3
        assert [each for each in PendingSide if pending.side(each) is not None] == [side]
        await engine.close()

    simulated(test)


def test_how_many_objects_there_are_is_asked_where_a_limit_depends_on_it():
    limits = {"kinds": {ChangeKind.DELETES: Limit(percent=10.0)}}

    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools, may_be_held=may_be_held(settings(**limits)))
        await engine.open()
        await stage(engine, provider, "HR", "default", "DI", [ChangeKind.UPDATES])
        without = await engine.pending(HR)
        await stage(engine, provider, "HR", "default", "DI", [ChangeKind.DELETES] * 3)
        deletes = await engine.pending(HR)

        assert not without.population
        assert deletes.population[DEFAULT] >= 1190
        assert not tools.exports
        await engine.close()

    simulated(test)


def test_always_means_every_time():
    async def test(provider, clock, tools):
        engine = made(provider, clock, tools=tools, fingerprints=Fingerprints.ALWAYS)
        await engine.open()
        await stage(engine, provider, "HR", "default", "DI", [ChangeKind.UPDATES])

        assert imports(await engine.pending(HR, STAGED))[DEFAULT].fingerprint
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
        pending = await engine.pending(AD, STAGED)

        assert {each.counts for each in imports(pending).values()} == {Counts(deletes=1)}
        assert SOUTH in imports(pending)
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
        ({"kinds": {ChangeKind.DELETES: Limit(percent=10.0)}}, Counts(deletes=1), False),
        ({"kinds": {ChangeKind.DELETES: Limit(percent=10.0)}}, Counts(deletes=3), True),
        ({"kinds": {ChangeKind.DELETES: Limit(percent=10.0)}}, Counts(adds=100, updates=100), False),
        ({"total": Limit(percent=1.0, minimum=0)}, Counts(adds=1), True),
        ({"emptied": True}, Counts(deletes=1), False),
        ({"emptied": True}, Counts(deletes=2), True),
        ({"kinds": {ChangeKind.DELETES: Limit(absolute=5)}}, Counts(deletes=5), False),
    ],
)
def test_a_set_that_no_size_of_the_connector_space_would_hold_needs_none(thresholds, counts, held):
    assert may_be_held(settings(**thresholds))(HR, PendingSide.IMPORTS, counts, None) is held


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
