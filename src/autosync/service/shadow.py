"""What AutoSync would have run beside what somebody else's scheduler ran, summed up from the journal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from statistics import median
from typing import Final

from autosync.model.facts import Fact, FactKind
from autosync.model.ids import AgentId, EngineName, engine_of
from autosync.ports.store import FactFilter, Store
from autosync.service import views

_KINDS: Final = frozenset(
    {
        FactKind.WOULD_HAVE_RUN,
        FactKind.WOULD_HAVE_HELD,
        FactKind.SHADOW_MATCHED,
        FactKind.SHADOW_MISSED,
        FactKind.SHADOW_UNASKED,
    }
)
_PAGE: Final = 5000


@dataclass(slots=True)
class _Tally:
    would_have_run: int = 0
    would_have_held: int = 0
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    unneeded: int = 0
    unneeded_s: float = 0.0
    unasked_with_changes: int = 0

    def add(self, fact: Fact) -> None:
        """Count one fact."""
        match fact.kind:
            case FactKind.WOULD_HAVE_RUN:
                self.would_have_run += 1
            case FactKind.WOULD_HAVE_HELD:
                self.would_have_held += 1
            case FactKind.SHADOW_MATCHED:
                self.delays.append(_number(fact, "delay_s"))
            case FactKind.SHADOW_MISSED:
                self.missed += 1
            case FactKind.SHADOW_UNASKED if fact.data.get("changed") is not False:
                self.unasked_with_changes += 1
            case _:
                self.unneeded += 1
                self.unneeded_s += _number(fact, "seconds")


async def report(
    store: Store, engines: Iterable[EngineName], since: datetime | None, until: datetime
) -> views.ShadowView:
    """Return the sums per agent of the watched engines, of what was recorded from ``since`` on."""
    watched = frozenset(engines)
    tallies: dict[AgentId, _Tally] = defaultdict(_Tally)
    after, first = 0, None
    while True:
        page = await store.facts(FactFilter(after=after, kinds=_KINDS, limit=_PAGE))
        for stored in page:
            fact = stored.fact
            if fact.agent is not None and engine_of(fact.agent) in watched and (since is None or since <= fact.at):
                first = fact.at if first is None else first
                tallies[fact.agent].add(fact)
        if len(page) < _PAGE:
            break
        after = page[-1].number
    agents = tuple(_shown(agent, tally) for agent, tally in sorted(tallies.items()))
    return views.ShadowView(engines=tuple(sorted(watched)), since=since or first, until=until, agents=agents)


def _shown(agent: AgentId, tally: _Tally) -> views.ShadowAgentView:
    return views.ShadowAgentView(
        agent=agent,
        would_have_run=tally.would_have_run,
        would_have_held=tally.would_have_held,
        matched=len(tally.delays),
        delay_median_s=round(median(tally.delays), 3) if tally.delays else None,
        delay_p95_s=_percentile(tally.delays, 0.95),
        missed=tally.missed,
        unneeded=tally.unneeded,
        unneeded_s=round(tally.unneeded_s, 3),
        unasked_with_changes=tally.unasked_with_changes,
    )


def _percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of the values does not pass."""
    return round(sorted(values)[ceil(share * len(values)) - 1], 3) if values else None


def _number(fact: Fact, key: str) -> float:
    value = fact.data.get(key)
    return float(value) if isinstance(value, int | float) else 0.0
