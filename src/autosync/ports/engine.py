"""The promise of an engine: it starts run profiles, tells how runs ended, and counts what is pending.

Obligations of every adapter (checked by the contract suite in ``autosync.testing.contracts.engine``):

- A start is only a start. ``start`` returns as soon as the engine has accepted; the end is learnt through ``wait``.
  A lost answer raises ``EngineUnavailable``: the run may or may not have begun, and ``newest`` tells.
- ``wait`` returns when the run has really ended: transitional statuses (``in-progress``, ``completing-*``) are waited
  for. Asking for a run that ended long ago returns its result. It may be cancelled and called again.
- Nothing here blocks the event loop; every wait on the outside world has a time-out in the adapter (``wait`` polls).
- ``EngineUnavailable``: cannot be reached, try again. ``EngineRejected``: the engine's own no, with its status.
- Unknown statuses and step types are passed on as text (``StepKind.UNKNOWN``); counters that it cannot give are None.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from autosync.model.agents import BOTH_SIDES, Agent, Pending, PendingSide, Sighting
from autosync.model.counts import RunResult
from autosync.model.ids import AgentId, EngineName, ProfileName, RunId


class Engine(Protocol):
    """One engine. Built by its adapter's factory; ``open`` comes first, ``close`` last."""

    @property
    def name(self) -> EngineName:
        """Return the engine's name in the configuration."""
        ...

    async def open(self) -> None:
        """Connect; raise ``EngineUnavailable`` with what is wrong and the way out. May be called again."""
        ...

    async def close(self) -> None:
        """Let go of everything. Runs go on in the engine. Idempotent; bounded."""
        ...

    async def agents(self) -> Sequence[Agent]:
        """Return all agents with partitions and profiles, as they are now."""
        ...

    async def start(self, agent: AgentId, profile: ProfileName, run: RunId) -> str:
        """Start a run profile and return the engine's handle for the run.

        Where the engine can carry a label, ``run`` is stored with the run (``Sighting.label``). Calling it twice starts
        twice or is rejected (``no-start-ma-already-running``): the caller asks ``newest`` first when in doubt.
        """
        ...

    async def wait(self, agent: AgentId, handle: str) -> RunResult:
        """Wait until the run has ended and return what it did. Raises ``EngineUnavailable`` when contact is lost."""
        ...

    async def stop(self, agent: AgentId) -> None:
        """Ask the engine to stop the agent's current run; return at once. No error when nothing runs."""
        ...

    async def newest(self, agent: AgentId) -> Sighting | None:
        """Return the agent's newest run, running or ended; None when it never ran or its history was cleared."""
        ...

    async def pending(self, agent: AgentId, sides: frozenset[PendingSide] = BOTH_SIDES) -> Pending:
        """Count staged imports and pending exports per partition. Cheap: asked before every sync and export.

        Every one of ``sides`` is told, as it is after the last end of a run that ``wait`` or ``sightings`` has told of. Where
        the others cost something they stay None.
        """
        ...

    def sightings(self) -> AsyncIterator[Sighting]:
        """Yield the newest run of an agent whenever it changes, ours included, at a cost the engine does not feel.

        Raises ``EngineUnavailable`` when contact is lost; the caller iterates anew after ``open``.
        """
        ...

    async def clear_history(self, before: datetime) -> int:
        """Delete run history that ended before the moment; return how many runs, 0 where the engine keeps none."""
        ...
