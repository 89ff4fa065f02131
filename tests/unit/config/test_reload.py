from autosync.config.reload import HALF, after_edit
from tests.unit.config.examples import SMALL, WHOLE
from tests.unit.config.kinds import loaded


def test_a_good_edit_is_taken_over_with_its_plan() -> None:
    running, edit = loaded(WHOLE), loaded(WHOLE.replace("20 or 2%", "30 or 2%"))

    result = after_edit(running, edit)

    assert result.is_taken_over
    assert result.loaded is edit
    assert result.plan is not None
    assert len(result.plan.weaker) == 1


def test_an_edit_that_means_the_same_changes_nothing() -> None:
    result = after_edit(loaded(SMALL), loaded(SMALL + "# a comment\n"))

    assert not result.is_taken_over
    assert result.mistakes == ()


def test_an_edit_with_mistakes_keeps_the_last_good_configuration() -> None:
    running = loaded(WHOLE)

    result = after_edit(running, loaded(WHOLE.replace("type: mim", "type: mimm")))

    assert result.loaded is running
    assert not result.is_taken_over
    assert len(result.mistakes) == 1


def test_half_a_file_is_not_taken_for_the_whole_even_where_it_is_good_w53() -> None:
    running, half = loaded(SMALL + "agents: {home/hr: {guards: {staged: {deletes: 5}}}}\n"), loaded(SMALL)
    assert half.configuration is not None

    result = after_edit(running, half)

    assert result.loaded is running
    assert [str(mistake) for mistake in result.mistakes] == [f"autosync.yaml:4:34  {HALF}"]


def test_an_end_deleted_on_purpose_is_marked_by_three_dots() -> None:
    running = loaded(SMALL + "agents: {home/hr: {guards: {staged: {deletes: 5}}}}\n")

    result = after_edit(running, loaded(SMALL + "...\n"))

    assert result.is_taken_over
