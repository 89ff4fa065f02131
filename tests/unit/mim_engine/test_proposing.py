"""What ``autosync init mim`` proposes is complete, valid, commented, and switched off."""

from pathlib import Path
from random import Random

from autosync.adapters.engines.mim.engine import Access
from autosync.bootstrap.kinds import KINDS
from autosync.bootstrap.proposing import proposed
from autosync.config.load import Source, load_text
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName
from autosync.model.steps import Slot
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService, DirectTools
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated

OPTIONS = {"server": "sync01.corp.example", "sign-in": {"kerberos": True}}
SOUTH = PartitionName("DC=south,DC=corp,DC=example")


def text_for(*, tools: bool = True) -> str:
    async def main(clock: SimulatedClock, random: Random) -> str:
        provider = MimProvider(company(), clock, random)
        provider.knobs.tools = tools
        access = Access(service=DirectService(provider), tools=DirectTools(provider))
        return await proposed(access, OPTIONS, EngineName("mim"), clock)

    return run_simulated(main)


def test_the_proposal_is_valid_and_everything_in_it_is_switched_off():
    text = text_for()
    loaded = load_text(text.encode(), Source(name="autosync.yaml", folder=Path("/")), KINDS)

    assert loaded.mistakes == ()
    assert loaded.configuration is not None
    agents = loaded.configuration.settings.agents
    assert set(agents) == {"mim/HR", "mim/AD", "mim/Portal", "mim/Phone book"}
    assert not any(agent.enabled for agent in agents.values())
    slots = agents[AgentId("mim/AD")].slots[SOUTH]
    assert slots[Slot.EXPORT] == ProfileName(f"EX {SOUTH}")
    assert slots[Slot.DELTA_IMPORT] == ProfileName(f"DI {SOUTH}")


def test_triggers_follow_the_category_and_those_that_are_not_there_stand_as_comments():
    text = text_for()

    assert "{type: mim-service, host: {server: mimservice.corp.example, sign-in: {kerberos: true}}, every: 10s}" in text
    assert "type: active-directory" in text
    assert "dc1.south.corp.example" in text
    assert "type: interval, every: 15m, run: delta-import" in text


def test_without_tools_it_says_where_the_profiles_come_from():
    assert "learned from the last week's run history" in text_for(tools=False)
