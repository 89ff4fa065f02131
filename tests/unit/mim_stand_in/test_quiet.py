"""The stand-in behaves like a server that somebody drives: everything that changes comes to rest."""

from random import Random

from autosync.adapters.engines.mim.access.port import Question
from autosync.testing.clock import SimulatedClock
from autosync.testing.mim.direct import DirectService
from autosync.testing.mim.plan import company, crowd
from autosync.testing.mim.provider import MimProvider
from autosync.testing.simulation import run_simulated

IMPORTS = (Question.IMPORT_ADDS, Question.IMPORT_UPDATES, Question.IMPORT_DELETES)
EXPORTS = (Question.EXPORT_ADDS, Question.EXPORT_UPDATES, Question.EXPORT_DELETES)


async def count(service: DirectService, agent: str, questions: tuple[Question, ...]) -> int:
    return sum([int(await service.ask(agent, question)) for question in questions])


async def drive(server: MimProvider, rounds: int) -> bool:
    """Run what the counters say, as the simplest of schedulers would, until nothing waits."""
    service = DirectService(server)
    for _ in range(rounds):
        for agent in server.administration.agents:
            profiles = {profile.name: profile.steps[0].kind for profile in agent.all_profiles}
            for name, kind in profiles.items():
                wanted = kind.value == "delta-import"
                wanted |= kind.value == "delta-sync" and await count(service, agent.name, IMPORTS) > 0
                wanted |= kind.exports and await count(service, agent.name, EXPORTS) > 0
                if wanted:
                    assert await service.execute(agent.name, name) == "success"
        if not server.waiting():
            return True
    return False


def test_changes_anywhere_reach_all_targets_and_come_to_rest() -> None:
    async def main(clock: SimulatedClock, random: Random) -> None:
        server = MimProvider(company(), clock, random)
        for agent in server.administration.agents:
            for partition in agent.selected:
                for _ in range(5):
                    server.change(agent.name, partition.name)

        assert server.waiting()
        assert await drive(server, rounds=10)

    run_simulated(main, seed=7)


def test_so_they_do_among_a_hundred_agents() -> None:
    async def main(clock: SimulatedClock, _: Random) -> None:
        server = MimProvider(crowd(100), clock)
        server.change("Agent 001")

        assert await drive(server, rounds=3)
        assert sum(run.profile.name == "EX" for run in server.executed) == 99

    run_simulated(main)
