"""A crash at every single moment: before and after each call to the engine and the store, one play for each."""

import pytest

from autosync.adapters.engines.simulated import AgentPlan, EnginePlan, Flow
from autosync.model.ids import AgentId
from autosync.model.settings import AgentSettings, EngineSettings, Settings
from autosync.testing.play import Report, play
from autosync.testing.scenario import ENGINE, Scenario

PARTS = 8
MOST = 400
SCENARIO = Scenario(
    seed=1,
    plan=EnginePlan(
        name=ENGINE,
        agents=(
            AgentPlan(name="hr", flows=(Flow(agent="ad"),)),
            AgentPlan(name="ad", generates=1.0, flows=(Flow(agent="hr"),)),
        ),
    ),
    settings=Settings(
        revision=1,
        engines={ENGINE: EngineSettings(name=ENGINE)},
        agents={AgentId(f"{ENGINE}/{name}"): AgentSettings(id=AgentId(f"{ENGINE}/{name}")) for name in ("hr", "ad")},
    ),
    hours=0.2,
    changes=2,
    bursts=0,
    wishes=1,
)


def undisturbed() -> Report:
    return play(SCENARIO)


def test_the_play_is_worth_it():
    report = undisturbed()

    assert not report.wrong, str(report)
    assert report.lives == 1
    assert report.facts["run-started"] >= 8


@pytest.mark.parametrize("part", range(PARTS))
def test_a_crash_at_any_moment_loses_nothing_and_starts_nothing_twice(part: int):
    busy = min(undisturbed().moments, MOST)
    assert busy > 150
    reborn = 0
    for moment in range(1 + part, busy, PARTS):
        report = play(SCENARIO, dies_at=moment)
        assert not report.wrong, f"the first life dies at moment {moment}: {report}"
        reborn += report.lives - 1
    assert reborn >= (busy // PARTS) * 0.9, "all but those who died while they were stopped"
