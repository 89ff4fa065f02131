"""Agents, partitions and profiles are as the server has them now, and reading them costs little."""

from datetime import timedelta
from random import Random

import pytest
from structlog.testing import capture_logs

from autosync.adapters.engines.mim.learning import category_of
from autosync.model.agents import MIM_SERVICE
from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.model.ids import AgentId, ProfileName, RunId
from autosync.model.steps import StepKind
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectTools
from autosync.testing.mim.plan import MimAgent, MimPartition, MimServer, company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated
from tests.unit.mim_engine.stage import made


def simulated(test, server=None):
    async def main(clock: SimulatedClock, random: Random):
        provider = MimProvider(server or company(), clock, random)
        await test(provider, clock)

    run_simulated(main)


async def described(engine):
    return {agent.id: agent for agent in await engine.agents()}


def test_every_agent_has_its_partitions_profiles_and_category():
    async def test(provider, clock):
        engine = made(provider, clock)
        await engine.open()
        agents = await described(engine)

        assert agents["mim/Portal"].category == MIM_SERVICE
        assert agents["mim/AD"].category == "ad"
        assert agents["mim/AD"].partitions == ("DC=north,DC=corp,DC=example", "DC=south,DC=corp,DC=example")
        profile = agents["mim/HR"].profiles[ProfileName("DI")]
        assert [step.kind for step in profile.steps] == [StepKind.DELTA_IMPORT]
        await engine.close()

    simulated(test)


def test_a_renamed_profile_is_noticed_when_somebody_runs_it():
    async def test(provider, clock):
        engine = made(provider, clock, refresh=timedelta(days=1))
        await engine.open()
        before = await described(engine)
        provider.administration.rename_profile("HR", "DI", "Delta from HR")
        unchanged = await described(engine)
        provider.start_foreign("HR", "Delta from HR")
        async for sighting in engine.sightings():
            assert sighting.profile == "Delta from HR"
            break
        after = await described(engine)

        assert before == unchanged
        assert "DI" in before["mim/HR"].profiles
        assert "Delta from HR" in after["mim/HR"].profiles
        assert "DI" not in after["mim/HR"].profiles
        await engine.close()

    simulated(test)


def test_a_renamed_profile_is_noticed_when_its_old_name_cannot_be_started():
    async def test(provider, clock):
        engine = made(provider, clock, refresh=timedelta(days=1))
        await engine.open()
        await engine.agents()
        provider.administration.rename_profile("HR", "DI", "Delta from HR")

        with pytest.raises(EngineRejected) as no:
            await engine.start(AgentId("mim/HR"), ProfileName("DI"), RunId(1))
        assert no.value.status == "no-start-unknown-profile-name"
        assert "Delta from HR" in (await described(engine))["mim/HR"].profiles
        await engine.close()

    simulated(test)


def test_new_agents_removed_agents_and_removed_partitions_are_noticed():
    async def test(provider, clock):
        engine = made(provider, clock, refresh=timedelta(minutes=1))
        await engine.open()
        await engine.agents()
        provider.administration.add_agent(MimAgent(name="Badge"))
        provider.administration.delete_agent("Portal")
        found = provider.administration.configured("AD").agent
        north, south, *rest = found.partitions
        gone = MimPartition(name=south.name, selected=False, dns_name=south.dns_name)
        provider.administration.add_agent(
            MimAgent(name="AD", id=found.guid, partitions=(north, gone, *rest), flows=found.flows)
        )
        await clock.sleep(61)
        agents = await described(engine)

        assert {"mim/Badge", "mim/AD"} <= set(agents)
        assert "mim/Portal" not in agents
        assert agents["mim/AD"].partitions == ("DC=north,DC=corp,DC=example",)
        await engine.close()

    simulated(test)


class CountingTools(DirectTools):
    """Counts exports, and the bytes of them that were read."""

    def __init__(self, provider) -> None:
        super().__init__(provider)
        self.exports = 0
        self.bytes = 0

    async def export_agent(self, agent):
        self.exports += 1
        whole = [piece async for piece in super().export_agent(agent)]
        data = b"".join(whole)
        for begin in range(0, len(data), 1000):
            self.bytes += 1000
            yield data[begin : begin + 1000]


def test_an_unchanged_configuration_is_read_no_further_than_its_version_and_seldom():
    async def test(provider, clock):
        tools = CountingTools(provider)
        engine = made(provider, clock, tools=tools, refresh=timedelta(hours=1))
        await engine.open()
        await engine.agents()
        whole = tools.bytes
        first = tools.exports
        for _ in range(120):
            await clock.sleep(60)
            await engine.agents()

        again = tools.exports - first
        assert first == 20
        assert 20 * 2 <= again <= 20 * 4
        assert (tools.bytes - whole) / again < whole / first / 2
        await engine.close()

    simulated(test, MimServer(agents=tuple(MimAgent(name=f"agent {number}") for number in range(20))))


def test_without_tools_profiles_are_learned_from_what_ran_and_it_is_said_once():
    async def test(provider, clock):
        provider.knobs.tools = False
        engine = made(provider, clock)
        handle = None
        with capture_logs() as logs:
            await engine.open()
            nothing = await described(engine)
            run = provider.start_foreign("HR", "FI")
            handle = run.key
            await engine.wait(AgentId("mim/HR"), handle)
            learned = await described(engine)
            provider.knobs.tools = True
            read = await described(engine)

        assert nothing["mim/HR"].profiles == {}
        assert nothing["mim/Portal"].category == MIM_SERVICE
        assert [step.kind for step in learned["mim/HR"].profiles[ProfileName("FI")].steps] == [StepKind.FULL_IMPORT]
        assert len(read["mim/HR"].profiles) == 5
        assert [log["event"] for log in logs].count("tools-missing") == 1
        await engine.close()

    simulated(test)


def test_an_export_that_is_no_xml_leaves_what_was_known():
    async def test(provider, clock):
        engine = made(provider, clock, refresh=timedelta(minutes=1))
        await engine.open()
        before = await described(engine)
        provider.knobs.agent_file = b"<ma-data><name>HR"
        await clock.sleep(61)
        with capture_logs() as logs:
            after = await described(engine)

        assert after == before
        assert any("cannot be exported" in log.get("text", "") for log in logs)
        await engine.close()

    simulated(test)


def test_a_server_without_agents_says_what_may_be_wrong():
    async def test(provider, clock):
        engine = made(provider, clock)
        await engine.open()
        with pytest.raises(EngineUnavailable, match="Operators at least"):
            await engine.agents()
        await engine.close()

    simulated(test, MimServer())


@pytest.mark.parametrize(
    ("word", "category"),
    [
        ("FIM", MIM_SERVICE),
        ("FIM Service Management Agent", MIM_SERVICE),
        ("Active Directory Domain Services", "ad"),
        ("Active Directory Lightweight Directory Services", "adam"),
        ("Active Directory global address list (GAL)", "ad gal"),
        ("SQL Server", "mssql"),
        ("Lotus Notes", "lotus notes"),
    ],
)
def test_the_type_of_an_agent_tells_its_category_where_nothing_else_does(word, category):
    assert category_of(word) == category
