"""Admission against a referee that knows nothing of it, for any number of runs."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from autosync.core.admission import Occupied, blockers, conflicts, locks_of
from autosync.model.agents import MIM_SERVICE, Agent
from autosync.model.ids import AgentId, EngineName, PartitionName, ProfileName
from autosync.model.settings import AgentSettings, EngineSettings, RunMode
from autosync.model.steps import Profile, Step, StepKind
from tests.properties.core.referee import Playing, Rules, fouls

SIM = EngineName("sim")
NAMES = [AgentId(f"sim/{name}") for name in "abcde"]
players = st.builds(
    Playing,
    agent=st.sampled_from(NAMES),
    kinds=st.one_of(
        st.sampled_from([("delta-import",), ("export",), ("full-import",)]),
        st.lists(st.sampled_from([kind.value for kind in StepKind]), min_size=1, max_size=2).map(tuple),
    ),
    category=st.sampled_from(["csv", "ad", "sql", MIM_SERVICE]),
    exclusive=st.sampled_from([False, False, False, True]),
)
pairs = st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES), max_size=2), max_size=3)


def test_whatever_is_admitted_one_by_one_breaks_no_rule_together() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=300, deadline=None)
    @given(
        wanted=st.lists(players, max_size=8),
        mode=st.sampled_from(RunMode),
        together=pairs,
        most=st.sampled_from([None, None, 2]),
    )
    def admit_in_turn(
        wanted: list[Playing], mode: RunMode, together: dict[AgentId, frozenset[AgentId]], most: int | None
    ) -> None:
        engine = EngineSettings(name=SIM, run_mode=mode, max_parallel=most)
        rules = Rules(mode=mode, most=most, named_together=dict(together.items()))
        occupied, admitted = Occupied(), list[Playing]()
        for player in wanted:
            steps = tuple(Step(kind=StepKind(kind), partition=PartitionName("p")) for kind in player.kinds)
            agent = AgentId(player.agent)
            settings_of = AgentSettings(id=agent, lock_with=together.get(agent, frozenset()))
            known = Agent(id=agent, category=player.category)
            profile = Profile(name=ProfileName("P"), steps=steps)
            locks = locks_of(profile, known, settings_of, engine, exclusive=player.exclusive)
            refused = bool(blockers(locks, occupied, engine))

            assert refused == bool(fouls([*admitted, player], rules))
            seen["refused" if refused else "admitted"] += 1
            if not refused:
                occupied.take(locks)
                admitted.append(player)
        seen[f"{len(admitted)} together"] += 1
        assert fouls(admitted, rules) == []

    admit_in_turn()

    assert {"refused", "admitted", "0 together", "1 together", "2 together", "3 together"} <= set(seen)


def test_the_index_finds_the_same_conflicts_as_looking_at_every_pair() -> None:
    seen: Counter[bool] = Counter()
    locks = st.builds(
        lambda player, named, mode: locks_of(
            Profile(
                name=ProfileName("P"),
                steps=tuple(Step(kind=StepKind(kind), partition=PartitionName("p")) for kind in player.kinds),
            ),
            Agent(id=AgentId(player.agent), category=player.category),
            AgentSettings(id=AgentId(player.agent), lock_with=named),
            EngineSettings(name=SIM, run_mode=mode),
            exclusive=player.exclusive,
        ),
        players,
        st.frozensets(st.sampled_from(NAMES), max_size=2),
        st.sampled_from(RunMode),
    )

    @settings(max_examples=300, deadline=None)
    @given(candidate=locks, running=st.lists(locks, max_size=6))
    def compare(candidate, running) -> None:
        by_pairs = any(conflicts(candidate, each) is not None for each in running)

        assert bool(blockers(candidate, running, EngineSettings(name=SIM))) == by_pairs
        seen[by_pairs] += 1

    compare()

    assert set(seen) == {True, False}
