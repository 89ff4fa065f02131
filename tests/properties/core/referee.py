"""Which runs may overlap, written from the table of the design and from nothing else: the oracle for admission."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autosync.model.settings import RunMode


@dataclass(frozen=True)
class Playing:
    """A run as a bystander sees it."""

    agent: str
    kinds: tuple[str, ...]
    category: str
    exclusive: bool

    @property
    def synchronizes(self) -> bool:
        return any(kind == "unknown" or kind.endswith("-sync") for kind in self.kinds)

    @property
    def takes_the_sync_lock(self) -> bool:
        of_the_service = self.category == "mim-service" and ("delta-import" in self.kinds or "export" in self.kinds)
        return self.synchronizes or of_the_service


@dataclass(frozen=True)
class Rules:
    mode: RunMode
    most: int | None
    named_together: Mapping[str, frozenset[str]]


def fouls(runs: Iterable[Playing], rules: Rules) -> list[str]:
    """Return every rule that these runs break by going on at the same time."""
    playing = list(runs)
    found: list[str] = []
    if rules.most is not None and len(playing) > rules.most:
        found.append(f"{len(playing)} runs in parallel")
    for place, one in enumerate(playing):
        for other in playing[place + 1 :]:
            found.extend(_between(one, other, rules))
    return found


def _between(one: Playing, other: Playing, rules: Rules) -> list[str]:
    found: list[str] = []
    if one.agent == other.agent:
        found.append(f"two runs on {one.agent}")
    locked_by_one = {one.agent} | rules.named_together.get(one.agent, frozenset())
    locked_by_other = {other.agent} | rules.named_together.get(other.agent, frozenset())
    if one.agent != other.agent and locked_by_one & locked_by_other:
        found.append(f"{one.agent} and {other.agent} lock each other out")
    if one.takes_the_sync_lock and other.takes_the_sync_lock:
        found.append(f"two synchronizations: {one.agent}, {other.agent}")
    for this, that in ((one, other), (other, one)):
        if this.exclusive or rules.mode is RunMode.EXCLUSIVE:
            found.append(f"{this.agent} must be alone, {that.agent} runs")
        if this.synchronizes and rules.mode is RunMode.SUPPORTED:
            found.append(f"{this.agent} synchronizes, {that.agent} runs")
    return found
