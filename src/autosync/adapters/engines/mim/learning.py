"""What can be said about an agent without its exported configuration: from its type, and from what it ran lately."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from autosync.adapters.engines.mim.access.port import ListedAgent, ListedRun, SyncService
from autosync.adapters.engines.mim.reading import answers
from autosync.adapters.engines.mim.reading.run_history import Known, read_run
from autosync.model.agents import MIM_SERVICE
from autosync.model.errors import EngineRejected
from autosync.model.ids import EngineName, ProfileName
from autosync.model.steps import Profile, Step
from autosync.untrusted_xml import XmlRefused

BACK: Final = timedelta(days=7)
MOST: Final = 20
"""Profiles of one agent whose newest run is read."""

_CATEGORIES: Final = (
    ("fim service", MIM_SERVICE),
    ("mim service", MIM_SERVICE),
    ("lightweight", "adam"),
    ("global address list", "ad gal"),
    ("active directory", "ad"),
    ("sql server", "mssql"),
)
"""Words in ``MIIS_ManagementAgent.Type``, and the category that they mean."""


def category_of(agent_type: str) -> str:
    """Return the category of an agent as its type lets it be seen."""
    word = agent_type.strip().lower()
    if word == "fim":
        return MIM_SERVICE
    return next((category for part, category in _CATEGORIES if part in word), word)


async def learned_profiles(
    service: SyncService, engine: EngineName, agent: ListedAgent, now: datetime
) -> Mapping[ProfileName, Profile]:
    """Return the run profiles that the agent ran within the last week. Raises ``EngineUnavailable``."""
    newest: dict[str, ListedRun] = {}
    for row in await service.runs(agent=agent.name, started_from=now - BACK):
        if row.ended:
            newest[row.profile] = row
    profiles: dict[ProfileName, Profile] = {}
    for name, row in list(newest.items())[-MOST:]:
        steps = await _steps(service, engine, row)
        if steps:
            profiles[ProfileName(name)] = Profile(name=ProfileName(name), steps=steps)
    return profiles


async def _steps(service: SyncService, engine: EngineName, row: ListedRun) -> tuple[Step, ...]:
    """Return the steps that a run got to; a run that stopped early tells less than its profile has."""
    try:
        reading = read_run(answers.history_text(await service.details(row.key)), Known(engine=engine))
    except (EngineRejected, XmlRefused):
        return ()
    steps = reading.result.steps if reading is not None else ()
    return tuple(Step(kind=step.kind, partition=step.partition) for step in steps)
