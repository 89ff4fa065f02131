"""All rules of one version of the configuration, compiled, with the schemas of the connected systems."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from autosync.syncengine.connectors.port import AttributeSchema, Description, ReferenceBy
from autosync.syncengine.rules.functions import RuleFunctions
from autosync.syncengine.rules.inbound import InboundRules, Values, compile_inbound, compile_key, index_name
from autosync.syncengine.rules.outbound import OutboundRules, compile_outbound
from autosync.syncengine.spec.expressions import Attribute
from autosync.syncengine.spec.model import AgentSpec, Deletion, MetaverseType, Spec, TypeRules

_EVALUATION: Final = 1
"""Raise it when the engine evaluates the same rules differently, so that every object is looked at once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """One agent's rules. ``inbound`` is by the agent's object type, ``anything`` for every other type."""

    name: str
    number: int
    by_dn: bool
    inbound: Mapping[str, InboundRules]
    anything: InboundRules | None
    outbound: Mapping[str, OutboundRules]
    single_references: frozenset[str]
    multiple_references: frozenset[str]
    default_type: Mapping[str, str]
    """The type of a new object in the agent, by metaverse type."""
    partitions: tuple[str, ...] = ("default",)

    def rules_for(self, object_type: str) -> InboundRules | None:
        """Return the rules for an object of the agent; None where no rule speaks of its type."""
        return self.inbound.get(object_type, self.anything)

    @property
    def references(self) -> frozenset[str]:
        """Return the agent's attributes that name other objects."""
        return self.single_references | self.multiple_references

    @property
    def reading_signature(self) -> bytes:
        """Return what decides how an object is stored: when it changes, unchanged objects must be read once more."""
        return hashlib.blake2b(repr(sorted(self.multiple_references)).encode(), digest_size=8).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePlan:
    """One metaverse type: its indexes, who wins where several contribute, and when an object goes."""

    name: str
    indexes: Mapping[str, Callable[[Any], str | None]]
    keys: frozenset[str]
    exceptions: tuple[tuple[str, tuple[int, ...]], ...]
    """Attributes whose order of precedence differs: ``(attribute, agent numbers, the strongest first)``."""
    sources: frozenset[int]
    """The agents whose connectors keep an object alive; empty stands for any agent."""
    multiple_references: frozenset[str]
    by_loss: bool = False
    """Whether only losing a source's connector makes the object go, not that it never had one."""

    def merge(self, contributions: list[tuple[int, Values]]) -> Values:
        """Return the metaverse values; ``contributions`` come with the weakest first."""
        if len(contributions) == 1:
            return contributions[0][1]
        merged: Values = {}
        for _, values in contributions:
            merged.update(values)
        for name, order in self.exceptions:
            if name in merged and len(contributions) > 1:
                by_agent = {agent: values[name] for agent, values in contributions if values.get(name) is not None}
                merged[name] = next((by_agent[agent] for agent in order if agent in by_agent), merged[name])
        return merged

    def index_values(self, values: Values) -> dict[str, str]:
        """Return what each index holds for an object."""
        return {name: found for name, key in self.indexes.items() if (found := key(values.get)) is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The compiled rules. Agents by number: the store's, which never changes for a name."""

    stamp: int
    """A number for this version of the rules and schemas, whatever Python functions among them may answer."""
    moody: bool
    """Whether Python functions are among the rules: then a full synchronization looks at all objects."""
    agents: Mapping[int, AgentPlan]
    numbers: Mapping[str, int]
    types: Mapping[str, TypePlan]
    ranks: Mapping[int, int]
    """The higher the stronger."""

    def agent(self, name: str) -> AgentPlan:
        """Return an agent's plan."""
        return self.agents[self.numbers[name]]


def compile_plan(
    spec: Spec, numbers: Mapping[str, int], descriptions: Mapping[str, Description], functions: RuleFunctions
) -> Plan:
    """Return the compiled rules; raise ``EngineError`` where a Python function is missing."""
    agents = {
        numbers[name]: _agent(agent, numbers[name], spec, descriptions.get(name), functions)
        for name, agent in spec.agents.items()
    }
    order = [numbers[name] for name in spec.agents]
    stamp, moody = _stamp(spec, descriptions)
    return Plan(
        stamp=stamp,
        moody=moody,
        agents=agents,
        numbers={name: numbers[name] for name in spec.agents},
        types={name: _type(each, spec, numbers, functions) for name, each in spec.metaverse.items()},
        ranks={number: len(order) - place for place, number in enumerate(order)},
    )


def _stamp(spec: Spec, descriptions: Mapping[str, Description]) -> tuple[int, bool]:
    text = repr((_EVALUATION, spec, sorted(descriptions.items())))
    number = int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=7).digest(), "big") or 1
    return number, "Function(path=" in text


def _agent(
    agent: AgentSpec, number: int, spec: Spec, description: Description | None, functions: RuleFunctions
) -> AgentPlan:
    inbound: dict[str, InboundRules] = {}
    anything: InboundRules | None = None
    for name, rules in agent.types.items():
        compiled = compile_inbound(rules, spec.metaverse[name], functions)
        if rules.object_type is None and len(agent.types) == 1:
            anything = compiled
        else:
            inbound[rules.object_type or name] = compiled
    outbound = {
        name: compile_outbound(rules, spec.metaverse[name], _schema(description, rules), functions)
        for name, rules in agent.types.items()
        if rules.exports or rules.provision is not None
    }
    single, multiple = _references(inbound.values() if anything is None else [anything], outbound.values())
    return AgentPlan(
        name=agent.name,
        number=number,
        by_dn=description is not None and description.reference_by is ReferenceBy.DN,
        inbound=inbound,
        anything=anything,
        outbound=outbound,
        single_references=single - multiple,
        multiple_references=multiple,
        default_type={
            name: rules.object_type or (_only_type(description) if len(agent.types) == 1 else None) or name
            for name, rules in agent.types.items()
        },
        partitions=tuple(description.partitions)
        if description is not None and description.partitions
        else ("default",),
    )


def _references(
    inbound: Iterable[InboundRules], outbound: Iterable[OutboundRules]
) -> tuple[frozenset[str], frozenset[str]]:
    out = list(outbound)
    single = {name for rules in inbound for _, name in rules.single_references}
    multiple = {name for rules in inbound for _, name in rules.multiple_references}
    single |= {flow.target for rules in out for flow in rules.single_references}
    multiple |= {flow.target for rules in out for flow in rules.multiple_references}
    return frozenset(single), frozenset(multiple)


def _schema(description: Description | None, rules: TypeRules) -> dict[str, AttributeSchema]:
    if description is None or not description.attributes:
        return {}
    by_type = description.attributes
    wanted = rules.object_type or rules.metaverse_type
    found = by_type.get(wanted) or by_type.get("*") or (next(iter(by_type.values())) if len(by_type) == 1 else ())
    return {attribute.name: attribute for attribute in found}


def _only_type(description: Description | None) -> str | None:
    known = [] if description is None else [name for name in description.attributes if name != "*"]
    return known[0] if len(known) == 1 else None


def _type(of: MetaverseType, spec: Spec, numbers: Mapping[str, int], functions: RuleFunctions) -> TypePlan:
    keys = [name for name, attribute in of.attributes.items() if attribute.key]
    indexed: set[tuple[str, ...]] = {(name,) for name in keys}
    for agent in spec.agents.values():
        rules = agent.types.get(of.name)
        for criterion in rules.join if rules is not None else ():
            indexed.add(tuple(sorted(name for _, name in criterion.mappings)))
    return TypePlan(
        name=of.name,
        indexes={
            index_name(of.name, names): compile_key(tuple(map(Attribute, names)), functions)
            for names in sorted(indexed)
        },
        keys=frozenset(keys),
        exceptions=tuple(
            (name, tuple(numbers[agent] for agent in attribute.precedence))
            for name, attribute in of.attributes.items()
            if attribute.precedence
        ),
        sources=frozenset(_sources(of, spec, numbers)),
        by_loss=of.deletion is Deletion.CONNECTOR_OF,
        multiple_references=frozenset(
            name for name, each in of.attributes.items() if each.type.value == "reference" and each.multivalued
        ),
    )


def _sources(of: MetaverseType, spec: Spec, numbers: Mapping[str, int]) -> Iterable[int]:
    match of.deletion:
        case Deletion.LAST_CONNECTOR:
            return ()
        case Deletion.CONNECTOR_OF:
            return [numbers[name] for name in of.deletion_agents]
        case Deletion.LAST_SOURCE:
            return [
                numbers[name]
                for name, agent in spec.agents.items()
                if of.name in agent.types and agent.types[of.name].project is not False
            ]
