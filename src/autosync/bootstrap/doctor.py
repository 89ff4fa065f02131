"""What ``autosync doctor`` asks: the configuration, AutoSync's own files, and every engine, from its wire to its agents."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.bootstrap.configurations import load_configuration
from autosync.bootstrap.kinds import ENGINES
from autosync.bootstrap.parts import place_of
from autosync.config.load import Loaded
from autosync.config.spec import Configuration, EngineSpec
from autosync.core.discovery import partitions_of, profile_named
from autosync.model.agents import Agent
from autosync.model.errors import AutoSyncError, NotFound
from autosync.model.ids import AgentId, engine_of, name_of
from autosync.model.settings import AgentSettings
from autosync.ports.checkup import Check, CheckState
from autosync.ports.registry import Surroundings

SERVICE: Final = "AutoSync"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check, and what it belongs to: AutoSync itself or an engine."""

    part: str
    place: str
    check: Check


async def examine(path: Path, engine: str | None) -> AsyncIterator[Finding]:
    """Yield every finding; of one engine alone where it is named. Raises ``NotFound`` for an engine that is not there."""
    path = await asyncio.to_thread(path.absolute)
    loaded = await asyncio.to_thread(load_configuration, path)
    for check in _configuration(loaded, path):
        yield Finding(part=SERVICE, place=str(path), check=check)
    configuration = loaded.configuration
    if configuration is None:
        return
    names = [spec.name for spec in configuration.engines]
    if engine is not None and engine not in names:
        raise NotFound(f'no engine "{engine}" in {path} (there are: {", ".join(names) or "none"})')
    if engine is None:
        yield Finding(part=SERVICE, place=str(path), check=await asyncio.to_thread(_store, configuration))
    around = Surroundings(clock=SystemClock(), secrets=Secrets(os.environ, path.parent))
    for spec in configuration.engines:
        if engine in {None, spec.name}:
            async with aclosing(_engine(spec, configuration, around)) as found:
                async for check in found:
                    yield Finding(part=spec.name, place=place_of(spec), check=check)


async def _engine(spec: EngineSpec, configuration: Configuration, around: Surroundings) -> AsyncGenerator[Check, None]:
    failed = False
    async for check in ENGINES[spec.type].checkup(spec, around).checks():
        yield check
        failed = failed or check.state is CheckState.FAIL
    if failed:
        yield Check(name="agents", state=CheckState.SKIP, found="not compared with the configuration: see above")
        return
    if spec.agents is not None or not _named(configuration, spec):
        return  # what the section says was compared when it was read
    for check in await _agents(spec, configuration, around):
        yield check


async def _agents(spec: EngineSpec, configuration: Configuration, around: Surroundings) -> list[Check]:
    """Compare the agents that the configuration names with those that there are."""
    settings = _named(configuration, spec)
    engine = ENGINES[spec.type].part(spec, configuration.settings, around).engine
    try:
        await engine.open()
        agents = {agent.id: agent for agent in await engine.agents()}
    except AutoSyncError as error:
        return [Check(name="agents", state=CheckState.WARN, found=f"they could not be read: {error}")]
    finally:
        await engine.close()
    wrong = [text for each in settings for text in _trouble(each, agents.get(each.id), agents)]
    if not wrong:
        found = f"all {len(settings)} agents of the configuration are there, with their partitions and profiles"
        return [Check(name="agents", state=CheckState.OK, found=found)]
    return [
        Check(
            name="agents",
            state=CheckState.FAIL,
            found=text,
            means="what the configuration wants there never runs",
            way_out="correct the name under agents: (names are those of the engine, letter by letter)",
        )
        for text in wrong
    ]


def _named(configuration: Configuration, spec: EngineSpec) -> list[AgentSettings]:
    return [each for each in configuration.settings.agents.values() if engine_of(each.id) == spec.name]


def _trouble(settings: AgentSettings, agent: Agent | None, agents: Mapping[AgentId, Agent]) -> list[str]:
    if agent is None:
        return [
            f"{settings.id} is not on the engine (there are: {', '.join(name_of(each.id) for each in agents.values())})"
        ]
    wrong = []
    for partition, slots in settings.slots.items():
        if not partitions_of(agent, partition):
            wrong.append(f"{settings.id} has no partition {partition} (it has: {', '.join(agent.partitions)})")
        wrong += [
            f"{settings.id} has no run profile {profile} ({slot.value} of {partition}; it has: {', '.join(agent.profiles)})"
            for slot, profile in slots.items()
            if profile is not None and profile_named(agent, profile) is None
        ]
    return wrong


def _configuration(loaded: Loaded, path: Path) -> list[Check]:
    found = [
        Check(
            name="configuration",
            state=CheckState.FAIL,
            found=str(mistake),
            means="AutoSync does not start with it; one that runs keeps the last good one",
            way_out="correct it; all keys: autosync config schema",
        )
        for mistake in loaded.mistakes
    ]
    found += [Check(name="configuration", state=CheckState.WARN, found=str(warning)) for warning in loaded.warnings]
    return found or [Check(name="configuration", state=CheckState.OK, found=f"{path} is valid")]


def _store(configuration: Configuration) -> Check:
    store = configuration.service.store
    if store.scheme == "memory":
        return Check(
            name="store",
            state=CheckState.WARN,
            found="AutoSync keeps its memory in memory",
            means="wishes, holds and tokens are lost with the process",
            way_out="service: store: sqlite:///…",
        )
    if store.scheme != "sqlite":
        return Check(name="store", state=CheckState.SKIP, found=f"{store.scheme}: not looked at")
    path = Path(store.location)
    if path.exists():
        return Check(name="store", state=CheckState.OK, found=f"{path}: {path.stat().st_size / 1024 / 1024:,.1f} MB")
    if path.parent.is_dir():
        return Check(name="store", state=CheckState.OK, found=f"{path} is made at the first start")
    return Check(
        name="store",
        state=CheckState.FAIL,
        found=f"{path.parent} is no folder",
        means="AutoSync cannot start",
        way_out="make the folder, writable by the service's account, or name another: service: store:",
    )
