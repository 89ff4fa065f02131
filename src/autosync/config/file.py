"""The whole file: its blocks, and the configuration that is built from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from autosync.config.agents import AGENTS, CONTROLLER_SCRIPT, TRIGGERS, agent_settings, check_agent
from autosync.config.engines import ENGINES, engine_spec
from autosync.config.exclusions import EXCLUSIONS, in_zone
from autosync.config.notify import NOTIFY
from autosync.config.references import check_references
from autosync.config.scripts import script_spec
from autosync.config.service import SERVICE, SERVICE_BLOCK, build_service
from autosync.config.spec import Configuration, ControllerScriptSpec, EngineSpec, NotifySpec, ServiceSpec, TriggerSpec
from autosync.config.triggers import CLOCK_KINDS, schedule_settings, trigger_names, trigger_spec
from autosync.model.ids import AgentId
from autosync.model.schedules import Exclusion
from autosync.model.settings import ScheduleSettings, Settings
from autosync.options.blocks import Block, Key, Values, mapping, refuse_unknown
from autosync.options.reading import Place
from autosync.options.typed import Typed
from autosync.ports.registry import EngineKind, OptionKind

OWN: Final = "x-"
"""Top-level keys that begin with it are the user's: a place for YAML anchors."""

_NO_SERVICE: Final[ServiceSpec | None] = None
_NO_ENGINES: Final[dict[str, Typed[EngineKind]]] = {}
_NO_AGENTS: Final[dict[str, Values]] = {}
_NO_EXCLUSIONS: Final[tuple[tuple[Exclusion, ...], ...]] = ()

SERVICE_KEY: Final = Key("service", SERVICE, _NO_SERVICE, "The service itself.")
ENGINES_KEY: Final = Key("engines", ENGINES, _NO_ENGINES, "The engines, by names of your choice.", required=True)
AGENTS_KEY: Final = Key(
    "agents",
    AGENTS,
    _NO_AGENTS,
    "Decisions about single agents, by engine/agent. Agents not named here have the defaults.",
)
EXCLUSIONS_KEY: Final = Key("exclusions", EXCLUSIONS, _NO_EXCLUSIONS, "Times in which work is held, not dropped.")
NOTIFY_KEY: Final = Key("notify", NOTIFY, NotifySpec(), "Who is told what.")

ROOT: Final = Block(
    doc="The configuration of AutoSync.", keys=(SERVICE_KEY, ENGINES_KEY, AGENTS_KEY, EXCLUSIONS_KEY, NOTIFY_KEY)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was read, before it is known whether all of it is right."""

    service: ServiceSpec
    engines: tuple[EngineSpec, ...]
    agents: Mapping[str, Values]
    names: Mapping[str, tuple[str, ...]]
    exclusions: tuple[Exclusion, ...]
    notify: NotifySpec


def read_file(data: object, at: Place) -> Configuration | None:
    """Return the configuration, or None when any mistake was noted at ``at`` and below."""
    top = mapping(data)
    refuse_unknown({name: each for name, each in top.items() if not name.startswith(OWN)}, _names(ROOT.keys), at)
    values = ROOT.values(top, at)
    engines = values[ENGINES_KEY]
    if ENGINES_KEY.name in top and not top[ENGINES_KEY.name]:
        at.at(ENGINES_KEY.name).wrong("there is no engine here; name one, such as  home: {type: embedded, …}")
    agents = values[AGENTS_KEY]
    for name, each in agents.items():
        check_agent(each, at.at(AGENTS_KEY.name, name))
    read = _Read(
        service=values[SERVICE_KEY] or build_service(SERVICE_BLOCK.values({}, at), at),
        engines=tuple(engine_spec(name, typed) for name, typed in engines.items() if typed.is_good),
        agents=agents,
        names={name: trigger_names(each[TRIGGERS]) for name, each in agents.items()},
        exclusions=tuple(exclusion for each in values[EXCLUSIONS_KEY] for exclusion in each),
        notify=values[NOTIFY_KEY],
    )
    check_references(top, engines, read.engines, agents, at)
    return None if at.mistakes else _configuration(read)


def _configuration(read: _Read) -> Configuration:
    zone = read.service.zone
    settings = Settings(
        engines={engine.name: engine.settings for engine in read.engines},
        agents={AgentId(name): agent_settings(name, values) for name, values in read.agents.items()},
        schedules={schedule.id: schedule for schedule in _schedules(read, zone)},
        exclusions=tuple(in_zone(exclusion, zone) for exclusion in read.exclusions),
        no_export=read.service.no_export,
        zone=zone,
    )
    return Configuration(
        service=read.service,
        settings=settings,
        engines=read.engines,
        triggers=tuple(_triggers(read)),
        scripts=tuple(_scripts(read)),
        notify=read.notify,
    )


def _schedules(read: _Read, zone: str) -> Iterable[ScheduleSettings]:
    for agent, name, typed in _each_trigger(read):
        if typed.type in CLOCK_KINDS:
            yield schedule_settings(agent, name, typed, zone)


def _triggers(read: _Read) -> Iterable[TriggerSpec]:
    for agent, name, typed in _each_trigger(read):
        if typed.type not in CLOCK_KINDS:
            yield trigger_spec(agent, name, typed)


def _scripts(read: _Read) -> Iterable[ControllerScriptSpec]:
    for agent, values in read.agents.items():
        given = values[CONTROLLER_SCRIPT]
        if given is not None:
            yield script_spec(AgentId(agent), given)


def _each_trigger(read: _Read) -> Iterable[tuple[AgentId, str, Typed[OptionKind]]]:
    for agent, values in read.agents.items():
        for name, typed in zip(read.names[agent], values[TRIGGERS], strict=True):
            yield AgentId(agent), name, typed


def _names(keys: Iterable[Key[Any]]) -> set[str]:
    return {key.name for key in keys}
