"""The real core in the simulated engine of the benchmark: better than its predecessor, and never wrong."""

import json

import pytest

from benchmarks.orchestrator.__main__ import main
from benchmarks.orchestrator.bound import least_makespan
from benchmarks.orchestrator.experiment import BOUND, OURS, PREDECESSOR, Played, Task, percentile, replicate
from benchmarks.orchestrator.referee import violations
from benchmarks.orchestrator.topology import Durations, parse
from benchmarks.orchestrator.world import Run


def play(*, only=frozenset({OURS, PREDECESSOR}), **task) -> dict[str, Played]:
    return {each.policy: each for each in replicate(Task(**{"topology": "T1", "rep": 0, "seed": 0, **task}), only)}


def check(played: Played) -> None:
    assert played.violations == 0
    assert played.lost == 0
    assert max(played.latencies) < float("inf")


@pytest.mark.parametrize("workload", ["burst", "steady"])
def test_changes_arrive_sooner_than_with_the_predecessor(workload):
    played = play(workload=workload)

    check(played[OURS])
    assert percentile(played[OURS].latencies, 0.95) < percentile(played[PREDECESSOR].latencies, 0.95)


def test_an_idle_change_takes_hardly_longer_than_it_must():
    played = play(workload="single", only=frozenset({OURS, BOUND}))

    check(played[OURS])
    assert played[OURS].latencies[0] <= 1.3 * played[BOUND].latencies[0]
    assert played[OURS].idle == 0


def test_estimates_that_are_30_percent_wrong_lose_nothing():
    played = play(workload="gap", noise=0.3)

    check(played[OURS])
    assert max(played[OURS].latencies) < max(played[PREDECESSOR].latencies)


def test_without_anything_learned_nothing_is_lost():
    check(play(workload="gap", cold=True, only=frozenset({OURS}))[OURS])


@pytest.mark.parametrize("mode", ["unsupported", "exclusive"])
def test_the_other_run_modes_keep_their_rules(mode):
    check(play(workload="gap", mode=mode, only=frozenset({OURS}))[OURS])


@pytest.mark.slow
def test_nobody_starves_at_ten_times_the_busy_rate():
    played = play(workload="overload")[OURS]

    check(played)
    # Two groups: what begins in HR goes two hops, what begins in AD one. No change waits much longer than its group.
    # The goal is 2.0 for the published seed; twenty plays of other seeds lay between 1.5 and 2.14.
    assert max(played.latencies) <= 2.2 * percentile(played.latencies, 0.5)


def test_the_referee_sees_what_may_not_overlap():
    sync, other = Run("a", "DS", 0.0, 10.0), Run("b", "DI", 5.0, 8.0)

    assert violations([sync, other]) == 1
    assert violations([sync, other], "unsupported") == 0
    assert violations([sync, Run("b", "DI", 10.0, 12.0)]) == 0
    assert violations([other, Run("b", "EX", 7.0, 9.0)], "unsupported") == 1


def test_the_bound_of_a_chain_is_its_length():
    topology = parse({"sources": ["a"], "flows": [{"from": "a", "to": ["b"]}]}, "chain")
    seconds = {"DI": 30.0, "DS": 60.0, "EX": 20.0, "FI": 300.0}
    fixed = {(agent, run): length for agent in topology.agents for run, length in seconds.items()}
    durations = Durations(fixed=fixed, per_change=dict.fromkeys(fixed, 0.0))

    assert least_makespan(topology, durations, {"a": 1}, "supported").seconds == 30 + 60 + 20 + 30


def test_a_topology_from_a_file_is_played(tmp_path, capsys):
    file = tmp_path / "mine.json"
    flows = [{"from": "HR", "to": ["AD", "DB"]}, {"from": "AD", "kind": "sid", "to": ["HR"]}]
    generated = [{"at": "AD", "kind": "sid", "after": 10}]
    detection = {"AD": {"push": True}}
    file.write_text(
        json.dumps({"sources": ["HR"], "flows": flows, "generated": generated, "detection": detection}),
        encoding="utf-8",
    )

    main(["--topology", str(file), "--workload", "single", "--reps", "1", "--processes", "1", "--json"])

    answer = json.loads(capsys.readouterr().out)
    assert {row["policy"] for row in answer["results"]} == {"ours", "lithnet", "entra", "LB"}
    assert all(row["violations"] == 0 for row in answer["results"])
