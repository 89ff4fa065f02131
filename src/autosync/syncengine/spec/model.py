"""The rules of one engine: the metaverse, and what each agent brings and gets, in Microsoft's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.spec.expressions import Condition, Expression, Template
from autosync.syncengine.steps import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaverseAttribute:
    """One attribute of a metaverse object type."""

    name: str
    type: AttributeType = AttributeType.STRING
    multivalued: bool = False
    key: bool = False
    """Whether it identifies the object: indexed, joined on before an object is projected, and never recalled."""
    precedence: tuple[str, ...] = ()
    """Agents, the strongest first, where this attribute differs from the order of the agents in the configuration."""


class Deletion(StrEnum):
    """When a metaverse object goes."""

    LAST_SOURCE = "last-source"
    """When it has no connector left in any agent that projects its type (in none at all where no agent projects)."""
    LAST_CONNECTOR = "last-connector"
    """When it has no connector left at all: Microsoft's default."""
    CONNECTOR_OF = "connector-of"
    """When it has no connector left in any of the named agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaverseType:
    """One metaverse object type."""

    name: str
    attributes: Mapping[str, MetaverseAttribute]
    deletion: Deletion = Deletion.LAST_SOURCE
    deletion_agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFlow:
    """What one metaverse attribute gets from an agent's object."""

    target: str
    source: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFlow:
    """What one attribute of an agent's object gets from the metaverse."""

    target: str
    source: Expression
    initial_only: bool = False
    """Flow only into an object that is being provisioned."""
    suppress_null: bool = False
    """Leave the target's value alone where the metaverse has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinCriterion:
    """Attributes that must all be equal, without regard to case: ``(agent's attribute, metaverse attribute)``."""

    mappings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """When an object is made in the connected system, and under what name."""

    dn: Template
    when: Condition | None = None
    object_type: str | None = None


class Action(StrEnum):
    """What happens to an object that is not wanted any more."""

    DISCONNECT = "disconnect"
    DELETE = "delete"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprovision:
    """What happens to a connector when ``provision.when`` ceases to hold, or the metaverse object goes."""

    action: Action = Action.DISCONNECT
    after: timedelta = timedelta(0)
    disable: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    """The values that make the object disabled; None removes an attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRules:
    """What one agent does with one metaverse object type."""

    metaverse_type: str
    object_type: str | None = None
    """The agent's own object type; None stands for any type that no other rules of the agent name."""
    filter: Condition | None = None
    join: tuple[JoinCriterion, ...] = ()
    project: "bool | Condition" = False
    imports: tuple[ImportFlow, ...] = ()
    exports: tuple[ExportFlow, ...] = ()
    provision: Provision | None = None
    deprovision: Deprovision = Deprovision()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One agent: its rules by metaverse object type, and its own run profiles beside the default ones."""

    name: str
    types: Mapping[str, TypeRules]
    profiles: tuple[Profile, ...] = ()
    connector: Mapping[str, object] = field(default_factory=dict)
    """The connector's settings as they were written; the engine does not look at them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The rules of one engine. The order of the agents is the order of precedence, the strongest first."""

    metaverse: Mapping[str, MetaverseType]
    agents: Mapping[str, AgentSpec]
