"""WMI's classes of the synchronization server, whatever carries them: names, queries, and what instances say."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from autosync.adapters.engines.mim.access.port import ListedAgent, ListedRun
from autosync.adapters.engines.mim.reading.values import whole

NAMESPACE: Final = "root/MicrosoftIdentityIntegrationServer"
AGENT: Final = "MIIS_ManagementAgent"
RUN: Final = "MIIS_RunHistory"
SERVER: Final = "MIIS_Server"
SERVER_KEYS: Final[Mapping[str, str]] = {"Name": "MIIS_Server1"}
AGENTS: Final = f"SELECT * FROM {AGENT}"  # noqa: S608 (WQL of constants)


def runs_query(
    quoted: Callable[[str], str],
    *,
    agent: str | None,
    started_from: datetime | None,
    ended_until: datetime | None,
) -> str:
    """Return the WQL for rows of the run history that fit every bound. ``quoted`` makes a value of a text.

    Times are compared as text. The engine may write ``.5`` or ``.500``: a lower bound is therefore as short as it can be,
    an upper bound as long.
    """
    bounds: list[str] = []
    if agent is not None:
        bounds.append(f"MaName = {quoted(agent)}")
    if started_from is not None:
        bounds.append(f"RunStartTime >= {quoted(written(started_from).rstrip('0').rstrip('.'))}")
    if ended_until is not None:
        bounds.append(f"RunEndTime > '' AND RunEndTime <= {quoted(written(ended_until))}")
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return f"SELECT * FROM {RUN}{where}"  # noqa: S608 (WQL; every value went through ``quoted``)


def written(moment: datetime) -> str:
    """Return a moment as the engine writes it: UTC, to the millisecond below."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d}"


def next_millisecond(moment: datetime) -> datetime:
    """Return the first whole millisecond that is not before the moment."""
    rest = moment.microsecond % 1000
    return moment + timedelta(microseconds=1000 - rest) if rest else moment


def listed_agent(properties: Mapping[str, str]) -> ListedAgent:
    """Return an agent."""
    return ListedAgent(
        name=properties.get("Name", ""), guid=properties.get("Guid", ""), type=properties.get("Type", "")
    )


def listed_run(properties: Mapping[str, str]) -> ListedRun:
    """Return a row of the run history."""
    return ListedRun(
        key=properties.get("Key", ""),
        agent=properties.get("MaName", ""),
        number=properties.get("RunNumber", ""),
        profile=properties.get("RunProfile", ""),
        status=properties.get("RunStatus", ""),
        started=properties.get("RunStartTime", ""),
        ended=properties.get("RunEndTime", ""),
    )


def oldest_first(rows: Iterable[ListedRun]) -> tuple[ListedRun, ...]:
    """Return rows in the order in which they began."""
    return tuple(sorted(rows, key=lambda row: (row.started, row.agent, whole(row.number) or 0)))
