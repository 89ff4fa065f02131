"""From a change in a source to a confirmed export, one decision after the other."""

from autosync.model.facts import FactKind
from tests.unit.core.world import AD, DI, DS, EX, HR, World


def test_a_change_reaches_the_target_and_is_confirmed() -> None:
    world = World().begin()

    world.fire(HR)
    world.imported(HR, adds=3)
    world.pend(AD, exports=2)
    world.synced(HR, {AD: 2})
    world.pend(AD)
    world.exported(AD, adds=2)
    world.end(AD)

    assert world.started() == [(HR, DI), (HR, DS), (AD, EX), (AD, DI)]
    assert world.waiting() == []
    assert world.running() == []
    assert world.state.cascades == {}
    quiet = world.said(FactKind.CASCADE_QUIET)
    assert [fact.data for fact in quiet] == [{"latency_s": 40.0, "runs": 4, "exported": 2}]
