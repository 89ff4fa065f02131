"""The configuration of an agent, from the XML that ``maexport``, ``svrexport`` and ``Get-ADSyncServerConfiguration`` write.

The file holds the schema and all flow rules, tens of megabytes; a few subtrees are kept, everything else is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autosync.adapters.engines.mim.reading.doubts import Doubts
from autosync.adapters.engines.mim.reading.partitions import Partition, PartitionIndex
from autosync.adapters.engines.mim.reading.profiles import RunProfile, run_profile
from autosync.adapters.engines.mim.reading.values import guid, moment, whole
from autosync.model.agents import MIM_SERVICE, Agent
from autosync.model.ids import EngineName, PartitionName, agent_id
from autosync.untrusted_xml import Choice, Limits, Node, Source, SubtreeReader, XmlRefused, pieces

_LIMITS: Final = Limits(size=512 * 1024 * 1024)
_DATA: Final = "ma-data"
_HEAD: Final = frozenset({"id", "name", "category", "subtype", "ma-listname", "version", "last-modification-time"})
_VERSION: Final = ("version", "last-modification-time")
_PRIVATE: Final = frozenset({"adma-configuration", "connection-info", "parameter-values"})
_DROPPED: Final = frozenset({"filter-hints", "ui-data", "cookie", "water-mark"})
_PARAMETERS: Final = frozenset({"forest-name", "forest-login-domain", "forest-login-user"})
"""All that is read of an extensible agent's parameters: others may be secrets under any name."""
_FLAGS: Final = {"1": True, "-1": True, "true": True}
_MOST: Final = 20_000
"""Partitions and profiles of one agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySettings:
    """Where an AD or AD LDS agent finds its directory. For AD LDS the forest is a host and has a port."""

    forest: str
    port: int | None = None
    login_domain: str = ""
    login_user: str = ""
    uses_tls: bool = False
    sign_and_seal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementAgent:
    """An agent as its exported configuration describes it."""

    id: str
    """In lower case without braces."""
    name: str
    category: str
    """In lower case; ``mim-service`` for the engine's ``FIM``."""
    subtype: str = ""
    version: str = ""
    """Grows with each change: the same version and time need no second reading."""
    modified: datetime | None = None
    partitions: tuple[Partition, ...] = ()
    profiles: tuple[RunProfile, ...] = ()
    directory: DirectorySettings | None = None
    service_host: str = ""
    """The MIM Service's address, as ``http://mimservice.corp.example:5725``."""
    warnings: tuple[str, ...] = ()

    @property
    def index(self) -> PartitionIndex:
        """Return the partitions by all their names."""
        return PartitionIndex(self.partitions)

    def as_agent(self, engine: EngineName) -> Agent:
        """Return the agent in AutoSync's words: with its selected partitions, and ``default`` where it has none."""
        selected = tuple(each.name for each in self.partitions if each.is_usable)
        return Agent(
            id=agent_id(engine, self.name),
            category=self.category,
            partitions=selected or (PartitionName("default"),),
            profiles={profile.name: profile.as_profile for profile in self.profiles},
        )


class AgentReader:
    """Takes an exported configuration in pieces. ``version`` stands near the beginning of the file."""

    def __init__(self) -> None:
        self._reader = SubtreeReader(_choose, dropped=_DROPPED, limits=_LIMITS)
        self._head: dict[str, str] = {}
        self._partitions: list[Partition] = []
        self._profiles: list[Node] = []
        self._private: list[Node] = []
        self._doubts = Doubts()

    @property
    def version(self) -> tuple[str, str] | None:
        """Return version and time of the last change once they were read: equal ones need no further reading."""
        known = tuple(self._head.get(name, "") for name in _VERSION)
        return (known[0], known[1]) if all(known) else None

    def feed(self, piece: str | bytes) -> None:
        """Take a piece. Raises ``XmlRefused``."""
        for node in self._reader.feed(piece):
            self._take(node)

    def close(self) -> ManagementAgent:
        """Return the agent. Raises ``XmlRefused``, also when the file describes no agent."""
        for node in self._reader.close():
            self._take(node)
        if not self._head.get("name"):
            raise XmlRefused("this is no exported management agent: ma-data with a name is missing")
        return _agent(self._head, self._partitions, self._profiles, self._private, self._doubts)

    def _take(self, node: Node) -> None:
        if node.name == "partition":
            self._partitions.append(_partition(node, self._doubts))
        elif node.name == "run-configuration":
            self._profiles.append(node)
        elif node.name in _PRIVATE:
            self._private.append(node)
        else:
            self._head.setdefault(node.name, node.text.strip())
        if len(self._partitions) + len(self._profiles) > _MOST:
            raise XmlRefused(f"an agent with more than {_MOST:,} partitions and run profiles")


def read_agent(source: Source) -> ManagementAgent:
    """Return the agent of an exported configuration. Raises ``XmlRefused``, also when the file describes no agent."""
    reader = AgentReader()
    for piece in pieces(source):
        reader.feed(piece)
    return reader.close()


def _choose(path: tuple[str, ...]) -> Choice:
    if _DATA not in path:
        return Choice.ENTER if len(path) <= 2 else Choice.SKIP
    inner = path[path.index(_DATA) + 1 :]
    match inner:
        case ():
            return Choice.ENTER
        case (name,) if name in _HEAD:
            return Choice.KEEP
        case ("ma-partition-data",) | ("ma-run-data",) | ("private-configuration",):
            return Choice.ENTER
        case ("ma-partition-data", "partition") | ("ma-run-data", "run-configuration"):
            return Choice.KEEP
        case ("private-configuration", *_, name) if name in _PRIVATE:
            return Choice.KEEP
        case ("private-configuration", "fimma-configuration" | "MAConfig"):
            return Choice.ENTER
        case _:
            return Choice.SKIP


def _agent(
    head: Mapping[str, str], partitions: list[Partition], profiles: list[Node], private: list[Node], doubts: Doubts
) -> ManagementAgent:
    category = head.get("category", "").lower()
    index = PartitionIndex(partitions)
    return ManagementAgent(
        id=guid(head.get("id", "")),
        name=head["name"],
        category=MIM_SERVICE if category == "fim" else category,
        subtype=head.get("subtype") or head.get("ma-listname", ""),
        version=head.get("version", ""),
        modified=moment(head.get("last-modification-time", "")),
        partitions=tuple(partitions),
        profiles=tuple(run_profile(node, index, doubts) for node in profiles),
        directory=_directory(private, _parameters(private)),
        service_host=next((host for node in private if (host := node.words("serviceHost"))), ""),
        warnings=doubts.told,
    )


def _partition(node: Node, doubts: Doubts) -> Partition:
    own = node.at("custom-data", "adma-partition-data") or node.at("custom-data", "ecma-partition-data")
    own = own or Node("custom-data", {})
    name = node.words("name")
    operations = node.words("allowed-operations")
    allowed = whole(operations)
    if operations and allowed is None:
        doubts.tell(f"allowed-operations of the partition {name} is no number: {operations}")
    return Partition(
        id=guid(node.words("id")),
        name=PartitionName(name or "default"),
        display_name=node.words("display-name"),
        selected=_FLAGS.get(node.words("selected").lower(), False),
        dn=own.words("dn"),
        dns_name=own.words("name"),
        is_domain=own.words("is-domain") == "1",
        domain_controllers=_texts(own.at("preferred-dcs"), "preferred-dc"),
        last_domain_controller=own.words("last-dc"),
        object_classes=_texts(node.at("filter", "object-classes"), "object-class"),
        included=_texts(node.at("filter", "containers", "inclusions"), "inclusion"),
        excluded=_texts(node.at("filter", "containers", "exclusions"), "exclusion"),
        allowed_operations=allowed,
    )


def _texts(holder: Node | None, name: str) -> tuple[str, ...]:
    """Return the texts of the children of that name; an empty one stands for the whole partition and is left out."""
    if holder is None:
        return ()
    return tuple(text for child in holder.all(name) if (text := child.text.strip()))


def _parameters(private: list[Node]) -> dict[str, str]:
    return {
        each.attributes["name"]: each.text.strip()
        for node in private
        for each in node.all("parameter")
        if each.attributes.get("name") in _PARAMETERS
    }


def _directory(private: list[Node], parameters: Mapping[str, str]) -> DirectorySettings | None:
    """Return the directory's settings: the agent's own, or the parameters in which Entra Connect repeats them."""
    node = next((each for each in private if each.name == "adma-configuration"), None)
    forest = (node.words("forest-name") if node is not None else "") or parameters.get("forest-name", "")
    if not forest:
        return None
    node = node or Node("adma-configuration", {})
    return DirectorySettings(
        forest=forest,
        port=whole(node.words("forest-port")),
        login_domain=node.words("forest-login-domain") or parameters.get("forest-login-domain", ""),
        login_user=node.words("forest-login-user") or parameters.get("forest-login-user", ""),
        uses_tls=node.words("ssl-bind") == "1",
        sign_and_seal=node.words("sign-and-seal") == "1",
    )
