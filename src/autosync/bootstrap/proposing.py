"""What ``autosync init`` asks: a first configuration, from what a server has."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.mim.discovery import AgentBook, KnownAgent
from autosync.adapters.engines.mim.engine import DESCRIBE_EVERY, Access
from autosync.adapters.engines.mim.told import Told
from autosync.adapters.secrets.sources import Secrets
from autosync.bootstrap.kinds import KINDS
from autosync.bootstrap.mim import access_of, mim_options_of
from autosync.config.proposal import Proposal, ProposedAgent, ProposedPartition, proposed_text
from autosync.config.yaml_text import Plain
from autosync.core.discovery import profile_for
from autosync.model.errors import ConfigError
from autosync.model.ids import EngineName, PartitionName, name_of
from autosync.model.settings import AgentSettings
from autosync.model.steps import Slot
from autosync.ports.clock import Clock
from autosync.ports.registry import Surroundings

_SLOTS: Final = (Slot.DELTA_IMPORT, Slot.FULL_IMPORT, Slot.DELTA_SYNC, Slot.FULL_SYNC, Slot.EXPORT)


async def propose(options: Mapping[str, object], engine: str, folder: Path) -> str:
    """Read the agents of the server and return a configuration for them.

    Raises ``EngineUnavailable`` when it cannot be reached, ``ConfigError`` when ``options`` are wrong.
    """
    parsed = KINDS.engines["mim"].parse(options, folder)
    wrong = [each.message for each in parsed.mistakes if not each.warning]
    if wrong:
        raise ConfigError("; ".join(wrong))
    around = Surroundings(clock=SystemClock(), secrets=Secrets(os.environ, folder))
    access = access_of(mim_options_of(parsed.options), around)
    return await proposed(access, options, EngineName(engine), around.clock)


async def proposed(access: Access, options: Mapping[str, object], engine: EngineName, clock: Clock) -> str:
    """Return a configuration for the server that ``access`` leads to; ``options`` are written into it."""
    book = AgentBook(engine, access.service, access.tools, clock, Told(engine))
    try:
        await access.service.open()
        agents = await book.described(timedelta(0), DESCRIBE_EVERY)
    finally:
        if access.tools is not None:
            await access.tools.close()
        await access.service.close()
    known = [book.find(name_of(agent.id)) for agent in agents]
    where = str(options.get("server") or "this server")
    return proposed_text(
        Proposal(
            engine=engine,
            options={"type": "mim", **{key: _plain(value) for key, value in options.items()}},
            agents=[_proposed(each) for each in known if each is not None],
            found=f"what {where} had on {clock.now():%Y-%m-%d}",
            triggers=frozenset(KINDS.triggers),
        )
    )


def _proposed(known: KnownAgent) -> ProposedAgent:
    agent = known.agent
    settings = AgentSettings(id=agent.id)
    partitions = tuple(
        ProposedPartition(
            name=partition,
            slots={slot: profile_for(agent, settings, slot, partition) for slot in _SLOTS},
            domain_controllers=_domain_controllers(known, partition),
        )
        for partition in agent.partitions
    )
    used = {profile for each in partitions for profile in each.slots.values()}
    notes = () if known.exported is not None else ("its run profiles were learned from the last week's run history",)
    return ProposedAgent(
        id=agent.id,
        category=agent.category,
        partitions=partitions,
        left_over=tuple(name for name in agent.profiles if name not in used),
        notes=notes,
        service_host=_service_host(known),
    )


def _service_host(known: KnownAgent) -> str:
    """Return the host of ``http://mimservice.corp.example:5725``."""
    address = known.exported.service_host if known.exported is not None else ""
    return urlsplit(address).hostname or ""


def _domain_controllers(known: KnownAgent, partition: PartitionName) -> tuple[str, ...]:
    found = known.exported.index.find(partition) if known.exported is not None else None
    if found is None:
        return ()
    directory = known.exported.directory if known.exported is not None else None
    named = (found.last_domain_controller, found.dns_name, directory.forest if directory is not None else "")
    return found.domain_controllers or tuple(filter(None, named))[:1]


def _plain(value: object) -> Plain:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    assert isinstance(value, (str, bool, int))
    return value
