"""``type: mim`` in the configuration: the ways in to a server, and how AutoSync looks at it."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.adapters.engines.mim.access.options import KEYS, AccessOptions, access_of
from autosync.adapters.engines.mim.pending import Fingerprints
from autosync.options.blocks import Block, Built, Key, ListOf, Values
from autosync.options.kind import BlockKind
from autosync.options.reading import Place
from autosync.options.shapes import choice, duration, maybe, place, text

_LEAST_REFRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MimOptions:
    """What one MIM engine is built from."""

    access: AccessOptions
    save_run_history: Path | None = None
    refresh: timedelta = timedelta(hours=1)
    fingerprints: Fingerprints = Fingerprints.WHEN_HELD
    mim_service_agents: frozenset[str] = field(default_factory=frozenset)
    """Names in lower case."""


_FOLDER: Final = maybe(place())

SAVE_RUN_HISTORY: Final = Key(
    "save-run-history",
    _FOLDER,
    None,
    "A folder of this machine. Runs that keep-run-history deletes in the engine are saved there first, as XML files that are "
    "named by their time (UTC).",
)
REFRESH: Final = Key(
    "refresh",
    duration(_LEAST_REFRESH),
    timedelta(hours=1),
    "Within which time every agent's configuration is read again. An agent that runs a profile which is not known is read "
    "again at once.",
)
FINGERPRINTS: Final = Key(
    "fingerprints",
    choice(Fingerprints),
    Fingerprints.WHEN_HELD,
    "When csexport tells exactly which changes are pending, so that an approval is bound to them. when-held: where a guard may "
    "hold them. always: before each synchronization and export, which costs the server seconds on large connector spaces.",
)
MIM_SERVICE_AGENTS: Final[Key[tuple[str, ...]]] = Key(
    "mim-service-agents",
    ListOf(item=text(), one_alone=True),
    (),
    "Agents that are MIM Service agents although their type does not say so: their delta imports count as synchronizations.",
)


def _options(values: Values, at: Place) -> MimOptions:
    return MimOptions(
        access=access_of(values, at),
        save_run_history=values[SAVE_RUN_HISTORY],
        refresh=values[REFRESH],
        fingerprints=values[FINGERPRINTS],
        mim_service_agents=frozenset(name.casefold() for name in values[MIM_SERVICE_AGENTS]),
    )


_SHAPE: Final = Built(
    block=Block(
        doc="A Synchronization Service of Microsoft Identity Manager (or Forefront Identity Manager).",
        keys=(*KEYS, SAVE_RUN_HISTORY, REFRESH, FINGERPRINTS, MIM_SERVICE_AGENTS),
    ),
    build=_options,
)


class MimKind(BlockKind[MimOptions]):
    """The engine type ``mim``."""

    def __init__(self) -> None:
        super().__init__(shape=_SHAPE)

    def agent_names(self, options: object) -> frozenset[str] | None:  # noqa: ARG002 - they say nothing of agents
        """Return None: only the server knows its agents."""
        return None
