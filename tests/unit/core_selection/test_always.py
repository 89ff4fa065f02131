"""What holds for every choice, whatever waits, runs and was learned."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosync.core.admission import blockers
from autosync.core.selection import Going, choose
from autosync.model.causes import CauseKind
from autosync.model.requests import Request
from autosync.model.settings import RunMode
from tests.unit.core_selection import build

AGENTS = ("a", "b", "c")
WHAT = [f"{agent} {profile}" for agent in AGENTS for profile in build.KINDS]


@st.composite
def wishes(draw: st.DrawFn) -> list[Request]:
    names = draw(st.lists(st.sampled_from(WHAT), unique=True, max_size=7))
    return [
        build.request(
            number,
            name,
            waits=draw(st.sampled_from([0.0, 20.0, 300.0, 30_000.0])),
            cause=draw(st.sampled_from(CauseKind)),
            front=draw(st.booleans()),
            confirms=name.endswith("DI") and draw(st.booleans()),
            expected=draw(st.sampled_from([None, 0, 1, 500])),
        )
        for number, name in enumerate(names, start=1)
    ]


@st.composite
def runs(draw: st.DrawFn, mode: RunMode) -> list[Going]:
    found: list[Going] = []
    for number, name in enumerate(draw(st.lists(st.sampled_from(WHAT), max_size=3)), start=100):
        run = build.going(number, name, since=draw(st.sampled_from([0.0, 10.0, 9_000.0])), mode=mode)
        if not blockers(run.locks, [each.locks for each in found], build.settings(mode)):
            found.append(run)
    return found


@pytest.mark.parametrize("mode", RunMode)
def test_every_choice_is_admissible_explained_and_never_stands_still(mode):
    seen: Counter[str] = Counter()

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        most = data.draw(st.sampled_from([None, 1, 2]))
        waiting = data.draw(wishes())
        playing = data.draw(runs(mode))[: most or 3]
        rows = [
            build.learned(
                what, data.draw(st.sampled_from([1.0, 60.0, 900.0])), *data.draw(st.sets(st.sampled_from(AGENTS)))
            )
            for what in data.draw(st.lists(st.sampled_from(WHAT), unique=True))
        ]
        quiet = data.draw(st.sampled_from([None, 0.0, 100_000.0]))
        engine = build.settings(mode, most)

        choice = choose(
            engine,
            [build.candidate(each, mode) for each in waiting],
            playing,
            build.history(*rows, quiet=quiet),
            build.NOW,
        )

        by_id = {each.id: each for each in waiting}
        taken = [each.locks for each in playing]
        assert len(set(choice.starts)) == len(choice.starts)
        for start in choice.starts:
            locks = build.locks(by_id[start], mode)
            assert not blockers(locks, taken, engine)
            taken.append(locks)
        assert set(choice.reasons) == set(by_id) - set(choice.starts)
        if waiting and not playing:
            assert choice.starts or (choice.revisit is not None and choice.revisit > build.NOW)
        seen["starts" if choice.starts else "waits" if waiting else "empty"] += 1

    holds()

    assert seen["starts"]
    assert seen["waits"] or mode is RunMode.UNSUPPORTED


def test_the_same_question_has_the_same_answer():
    waiting = [build.request(n, what, waits=n) for n, what in enumerate(WHAT)]
    candidates = [build.candidate(each) for each in waiting]

    first, second = (choose(build.settings(), candidates, [], build.history(), build.NOW) for _ in range(2))

    assert first == second
