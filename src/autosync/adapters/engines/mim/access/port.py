"""What the engine adapter asks of a synchronization server, whatever the way in.

Obligations (contract suite: ``autosync.testing.contracts.mim_access``):

- Nothing blocks the event loop; libraries that block work in threads of their own. Every call ends within its time limit.
- ``EngineUnavailable`` says which of these it is, and the way out: no such host, refused, TLS, sign-in, no right, service
  away, time-out. The connection mends itself: after a fault the next call builds a new one.
- Text is passed on as the server gave it; ``reading.answers`` tells results from words of refusal.
- Names are values, never pieces of a query or of a script: what a name holds cannot change what is asked.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from autosync.model.agents import PendingSide


class Question(StrEnum):
    """The methods of ``MIIS_ManagementAgent`` that take no argument and only read."""

    RUN_STATUS = "RunStatus"
    RUN_NUMBER = "RunNumber"
    RUN_PROFILE = "RunProfile"
    RUN_DETAILS = "RunDetails"
    OBJECTS = "NumCSObjects"
    IMPORT_ADDS = "NumImportAdd"
    IMPORT_UPDATES = "NumImportUpdate"
    IMPORT_DELETES = "NumImportDelete"
    EXPORT_ADDS = "NumExportAdd"
    EXPORT_UPDATES = "NumExportUpdate"
    EXPORT_DELETES = "NumExportDelete"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAgent:
    """An instance of ``MIIS_ManagementAgent``."""

    name: str
    guid: str
    """As the server writes it: upper case, braces."""
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """An instance of ``MIIS_RunHistory``: all text as the server wrote it, times in UTC."""

    key: str
    """The agent's GUID, a hyphen, the run number."""
    agent: str
    number: str
    profile: str
    status: str
    started: str
    ended: str
    """Empty while the run goes on."""


CSEXPORT_FILTER: Final[Mapping[PendingSide, str]] = {PendingSide.IMPORTS: "m", PendingSide.EXPORTS: "x"}
"""What ``csexport`` calls the sides."""


class SyncService(Protocol):
    """The WMI provider of a synchronization server: ``root/MicrosoftIdentityIntegrationServer``."""

    async def open(self) -> None:
        """Reach the server and sign in; may be called again. Raises ``EngineUnavailable``."""
        ...

    async def close(self) -> None:
        """Let go of connections; idempotent, bounded in time."""
        ...

    async def agents(self) -> Sequence[ListedAgent]:
        """Return all management agents."""
        ...

    async def execute(self, agent: str, profile: str) -> str | None:
        """Call ``Execute`` and return its answer; None when none came in time: the run may have begun and may go on.

        Raises ``EngineUnavailable`` only where nothing can have begun.
        """
        ...

    async def stop(self, agent: str) -> str | None:
        """Call ``Stop`` and return its answer; None when none came in time: it was asked for all the same."""
        ...

    async def ask(self, agent: str, question: Question) -> str:
        """Call a reading method of an agent and return its answer."""
        ...

    async def run(self, key: str) -> ListedRun | None:
        """Return one row of the run history by its key; None when there is none."""
        ...

    async def runs(
        self, *, agent: str | None = None, started_from: datetime | None = None, ended_until: datetime | None = None
    ) -> Sequence[ListedRun]:
        """Return rows of the run history, oldest first: of one agent or all, that fit every bound that is given.

        Started at the moment or later; ended at the moment or before (then only rows that have an end). The server
        filters (WQL). Never called without a bound where the history may be long.
        """
        ...

    async def details(self, key: str) -> str:
        """Call ``RunDetails`` of a row of the run history and return its answer: XML, or a word."""
        ...

    async def clear_runs(self, before: datetime) -> str:
        """Call ``ClearRuns`` for runs that ended at the moment or before, and return its answer."""
        ...

    async def time(self) -> datetime | None:
        """Return the server's clock, aware, in UTC; None where this way in cannot tell."""
        ...


class EngineTools(Protocol):
    """What only a process on the server can tell: the command-line tools in the product's ``Bin`` folder."""

    async def open(self) -> None:
        """Reach the server and find the tools. Raises ``EngineUnavailable`` with what is missing."""
        ...

    async def close(self) -> None:
        """Let go of connections and remote shells; idempotent, bounded in time."""
        ...

    def export_agent(self, agent: str) -> AsyncIterator[bytes]:
        """Yield the XML that ``maexport`` writes for an agent, in pieces."""
        ...

    def export_pending(self, agent: str, side: PendingSide) -> AsyncIterator[bytes]:
        """Yield the XML that ``csexport`` writes for the pending changes of an agent, in pieces; nothing stays behind."""
        ...
