"""The ``agents`` block: what the operator decides about single agents; everything else is found in the engine."""

from datetime import timedelta
from typing import Final

from autosync.config.guards import BREAKER, GUARDS, RETRY
from autosync.config.scripts import SCRIPT, script_policy
from autosync.config.triggers import TRIGGER
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.settings import AgentSettings, BreakerPolicy, Guards, ImportCounts, RetryPolicy
from autosync.model.steps import Slot
from autosync.options.blocks import Block, Key, ListOf, NamesOf, Values
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, flag, maybe, read_text
from autosync.options.typed import Typed
from autosync.options.words import quoted
from autosync.ports.registry import OptionKind

_NO_TRIGGERS: Final[tuple[Typed[OptionKind], ...]] = ()
_NO_AGENTS: Final[tuple[str, ...]] = ()
_NO_PARTITIONS: Final[dict[str, Values]] = {}
_NO_SCRIPT: Final[Values | None] = None


def _parse_profile(value: object, _: Place) -> ProfileName | None:
    if value is False:
        return None
    if value is None or value is True:
        raise Wrong("give the name of a run profile; false means: never do this")
    return ProfileName(read_text(value))


_PROFILE: Final[Scalar[ProfileName | None]] = Scalar(
    says="the name of a run profile, or false: never do this",
    schema={"anyOf": [{"const": False}, {"type": "string", "minLength": 1}]},
    parse=_parse_profile,
    plain=lambda profile: profile,
)

_SLOT_DOCS: Final = {
    Slot.DELTA_IMPORT: "after a trigger",
    Slot.FULL_IMPORT: "when the engine asks for a full import, or a trigger lost its place",
    Slot.SCHEDULED_IMPORT: "for interval and schedule triggers, and when import-if-none-for has passed",
    Slot.CONFIRMING_IMPORT: "after an export",
    Slot.DELTA_SYNC: "after an import that staged changes",
    Slot.FULL_SYNC: "after a full import, where full-sync-after-full-import says so",
    Slot.EXPORT: "when a synchronization left pending exports",
}
SLOTS: Final = {
    slot: Key(slot.value, _PROFILE, None, f"The run profile to use {_SLOT_DOCS[slot]}; found by itself unless given.")
    for slot in Slot
}


def _agent_name(value: object, _: Place) -> str:
    return read_text(value)


AGENT_NAME: Final[Scalar[str]] = Scalar(
    says="an agent as engine/agent", schema={"type": "string", "pattern": "^[^/]+/.+$"}, parse=_agent_name, plain=str
)
AGENT_NAMES: Final = ListOf(item=AGENT_NAME, one_alone=True)

_AGE: Final = maybe(duration(timedelta(seconds=1)), none="never")
_RUN_LIMIT: Final = maybe(duration(timedelta(seconds=1)), none="none")

ENABLED: Final = Key("enabled", flag(), True, "Whether AutoSync runs anything on it.")
IMPORT_IF_NONE_FOR: Final = Key(
    "import-if-none-for", _AGE, None, "Safety net: import when no import ended well for this long, triggers or not."
)
IMPORT_COUNTS: Final = Key(
    "import-counts", choice(ImportCounts), ImportCounts.ANY, "Which imports count for the safety net."
)
FULL_SYNC_AFTER: Final = Key(
    "full-sync-after-full-import",
    flag(),
    False,
    "Whether a full synchronization follows a full import, instead of a delta.",
)
PARTITIONS: Final = Key(
    "partitions",
    NamesOf(item=Block(doc="The run profiles of one partition.", keys=tuple(SLOTS.values())), name="partition"),
    _NO_PARTITIONS,
    "Run profiles by partition, only where what was found is not right.",
)
TRIGGERS: Final = Key("triggers", ListOf(item=TRIGGER), _NO_TRIGGERS, "What gives reason to import.")
GUARDS_KEY: Final = Key("guards", GUARDS, Guards(), "What holds its runs until a person decides.")
CONTROLLER_SCRIPT: Final = Key(
    "controller-script", SCRIPT, _NO_SCRIPT, "Its controller script: asked before each start, told how each run ended."
)
LOCK_WITH: Final = Key(
    "lock-with",
    AGENT_NAMES,
    _NO_AGENTS,
    "Agents that never run at the same time as this one; naming it on one side is enough.",
)
WAKES: Final = Key(
    "wakes",
    AGENT_NAMES,
    _NO_AGENTS,
    "Agents that import because this one exported: they read what it wrote, in another engine.",
)
RETRY_KEY: Final = Key("retry", RETRY, RetryPolicy(), "How a run that the world stopped is tried again.")
BREAKER_KEY: Final = Key("breaker", BREAKER, BreakerPolicy(), "When it rests because it fails again and again.")
RUN_LIMIT: Final = Key("run-limit", _RUN_LIMIT, None, "A run that takes longer is reported once.")
STOP_LONG_RUNS: Final = Key("stop-long-runs", flag(), False, "Whether a run longer than run-limit is stopped, too.")

AGENT: Final = Block(
    doc="Decisions about one agent.",
    keys=(
        ENABLED,
        TRIGGERS,
        IMPORT_IF_NONE_FOR,
        IMPORT_COUNTS,
        FULL_SYNC_AFTER,
        PARTITIONS,
        GUARDS_KEY,
        CONTROLLER_SCRIPT,
        LOCK_WITH,
        WAKES,
        RETRY_KEY,
        BREAKER_KEY,
        RUN_LIMIT,
        STOP_LONG_RUNS,
    ),
)


def _check_name(name: str) -> None:
    engine, slash, agent = name.partition("/")
    if not (engine and slash and agent.strip()):
        raise Wrong(f"{quoted(name)} names no agent; write engine/agent")
    if "#" in name:
        raise Wrong(f"{quoted(name)} cannot be the name of an agent: it has a #")


AGENTS: Final = NamesOf(item=AGENT, name="agent", check=_check_name)


def check_agent(values: Values, at: Place) -> None:
    """Note what does not fit together in one agent's decisions."""
    if values[STOP_LONG_RUNS] and not values.has(RUN_LIMIT):
        at.at(STOP_LONG_RUNS.name).wrong("run-limit is missing: how long is too long?")


def agent_settings(name: str, values: Values) -> AgentSettings:
    """Return the policy for an agent that was read without mistakes."""
    slots = {
        PartitionName(partition): {slot: given[key] for slot, key in SLOTS.items() if given.has(key)}
        for partition, given in values[PARTITIONS].items()
    }
    return AgentSettings(
        id=AgentId(name),
        enabled=values[ENABLED],
        slots={partition: given for partition, given in slots.items() if given},
        import_if_none_for=values[IMPORT_IF_NONE_FOR],
        import_counts=values[IMPORT_COUNTS],
        full_sync_after_full_import=values[FULL_SYNC_AFTER],
        lock_with=frozenset(AgentId(each) for each in values[LOCK_WITH]),
        wakes=frozenset(AgentId(each) for each in values[WAKES]),
        guards=values[GUARDS_KEY],
        retry=values[RETRY_KEY],
        breaker=values[BREAKER_KEY],
        run_limit=values[RUN_LIMIT],
        stop_long_runs=values[STOP_LONG_RUNS],
        script=script_policy(values[CONTROLLER_SCRIPT]),
    )
