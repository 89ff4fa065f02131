"""Turn the engine's section of the configuration, already parsed as YAML, into rules; all mistakes at once."""

from collections.abc import Mapping
from typing import Final

from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.settings_reading import Mistake, Path, Section, nearest
from autosync.syncengine.spec.mistakes import SpecError
from autosync.syncengine.spec.model import AgentSpec, Deletion, MetaverseAttribute, MetaverseType, Spec
from autosync.syncengine.spec.parse_rules import RulesParser
from autosync.syncengine.steps import Profile, Step, StepKind

_OTHERS: Final = ("type", "store", "rules")
"""Keys of the engine's section that are for those around the engine."""


def parse_spec(data: object) -> Spec:
    """Return the rules in an engine's section (``metaverse``, ``agents``); raise ``SpecError`` with every mistake."""
    mistakes: list[Mistake] = []
    section = Section(data, (), mistakes)
    for key in _OTHERS:
        section.raw(key)
    agent_names = [str(name) for name in raw] if isinstance(raw := section.raw("agents"), Mapping) else []
    metaverse = _metaverse(section.section("metaverse"), agent_names)
    agents = {name: _agent(name, part, metaverse) for name, part in _sections(section.section("agents"))}
    section.finish()
    _check_references(metaverse, raw_metaverse=section.raw("metaverse"), mistakes=mistakes)
    if mistakes:
        raise SpecError(tuple(mistakes))
    return Spec(metaverse=metaverse, agents=agents)


def _sections(section: Section) -> list[tuple[str, Section]]:
    return [(name, section.section(name)) for name in section.items()]


def _metaverse(section: Section, agents: list[str]) -> dict[str, MetaverseType]:
    return {name: _metaverse_type(name, part, agents) for name, part in _sections(section)}


def _metaverse_type(name: str, section: Section, agents: list[str]) -> MetaverseType:
    attributes = {each: _attribute(each, part, agents) for each, part in _sections(section.section("attributes"))}
    if not attributes:
        section.wrong("attributes", "is missing: say at least one, such as {employeeID: {key: true}}")
    deletion = Deletion.LAST_SOURCE
    of: tuple[str, ...] = ()
    if isinstance(section.raw("delete"), Mapping):
        inner = section.section("delete")
        deletion, of = Deletion.CONNECTOR_OF, _agents(inner, "connector-of", agents)
        inner.finish()
    else:
        deletion = section.choice("delete", Deletion, Deletion.LAST_SOURCE)
    section.finish()
    return MetaverseType(name=name, attributes=attributes, deletion=deletion, deletion_agents=of)


def _attribute(name: str, section: Section, agents: list[str]) -> MetaverseAttribute:
    reference = section.optional_text("reference")
    default = AttributeType.STRING if reference is None else AttributeType.REFERENCE
    attribute = MetaverseAttribute(
        name=name,
        type=section.choice("type", AttributeType, default),
        multivalued=section.flag("multivalued", default=False),
        key=section.flag("key", default=False),
        precedence=_agents(section, "precedence", agents),
    )
    section.finish()
    return attribute


def _agents(section: Section, key: str, agents: list[str]) -> tuple[str, ...]:
    names = section.words(key)
    for name in names:
        if name not in agents:
            section.wrong(key, f"no such agent: {name!r}{nearest(name, agents)}")
    return names


def _check_references(metaverse: Mapping[str, MetaverseType], raw_metaverse: object, mistakes: list[Mistake]) -> None:
    data = raw_metaverse if isinstance(raw_metaverse, Mapping) else {}
    for name in metaverse:
        for attribute, part in (data[name] or {}).get("attributes", {}).items() if isinstance(data[name], dict) else ():
            wanted = part.get("reference") if isinstance(part, Mapping) else None
            if isinstance(wanted, str) and wanted not in metaverse:
                path: Path = ("metaverse", name, "attributes", attribute, "reference")
                mistakes.append(Mistake(path, f"no such metaverse type: {wanted!r}{nearest(wanted, list(metaverse))}"))


def _agent(name: str, section: Section, metaverse: Mapping[str, MetaverseType]) -> AgentSpec:
    connector = section.raw("connector")
    profiles = tuple(_profile(each, data, section) for each, data in section.section("profiles").items().items())
    rules = {
        each: RulesParser(section.section(each), metaverse[each]).rules() for each in metaverse if section.has(each)
    }
    section.finish()
    settings = dict(connector) if isinstance(connector, Mapping) else {}
    return AgentSpec(name=name, types=rules, profiles=profiles, connector=settings)


def _profile(name: str, data: object, agent: Section) -> Profile:
    path: Path = (*agent.path, "profiles", name)
    items = data if isinstance(data, list) else [data]
    if not items:
        agent.mistakes.append(Mistake(path, "expected a list of steps, such as [full-import, delta-sync]"))
    return Profile(name=name, steps=tuple(_step(item, (*path, index), agent) for index, item in enumerate(items)))


def _step(data: object, path: Path, agent: Section) -> Step:
    section = Section(data if isinstance(data, Mapping) else {"step": data}, path, agent.mistakes)
    if not section.has("step"):
        section.wrong("step", "is missing")
    step = Step(
        kind=section.choice("step", StepKind, StepKind.FULL_IMPORT),
        partition=section.text("partition", "default"),
        object_limit=int(section.number("object-limit", 0)) or None,
        deletion_limit=int(section.number("deletion-limit", 0)) if section.has("deletion-limit") else None,
    )
    section.finish()
    return step
