"""The ``engines`` block: which engines there are, and which of their runs may overlap."""

from datetime import timedelta
from typing import Final

from autosync.config.spec import EngineSpec
from autosync.model.ids import EngineName
from autosync.model.settings import EngineSettings, RunMode
from autosync.options.blocks import Block, Key, NamesOf, refuse_name
from autosync.options.reading import Wrong
from autosync.options.shapes import choice, duration, flag, maybe, whole
from autosync.options.typed import Typed, TypedBlock
from autosync.options.words import quoted
from autosync.ports.registry import EngineKind

RUN_MODE: Final = Key(
    "run-mode",
    choice(RunMode),
    RunMode.SUPPORTED,
    "Which runs may overlap. supported: a run that synchronizes runs alone. unsupported: imports and exports may run "
    "beside it. exclusive: every run runs alone.",
)
_PARALLEL: Final = maybe(whole(1, 1000), none="unlimited")
_HISTORY: Final = maybe(duration(timedelta(days=1)), none="always")

MAX_PARALLEL: Final = Key("max-parallel", _PARALLEL, None, "Most runs at the same time.", unit="runs")
SERVICE_EXPORT_IS_SYNC: Final = Key(
    "mim-service-export-is-sync",
    flag(),
    True,
    "Whether an export to a MIM Service agent counts as a synchronization, as its delta import always does.",
)
STAGGER: Final = Key("stagger", duration(), timedelta(0), "Least time between two starts. Engines do not need it.")
SETTLE: Final = Key(
    "settle", duration(), timedelta(0), "Wait after a run before its result counts. Engines do not need it."
)
SHADOW: Final = Key(
    "shadow",
    flag(),
    False,
    "Whether the engine is only watched: AutoSync records what it would have run, beside what somebody else's scheduler "
    "runs. It starts, stops and clears nothing.",
)
SHADOW_PATIENCE: Final = Key(
    "shadow-patience",
    duration(timedelta(minutes=1)),
    timedelta(hours=1),
    "With shadow: how long somebody else may take to run what AutoSync would have run, before it counts as never run.",
)
KEEP_RUN_HISTORY: Final = Key(
    "keep-run-history",
    _HISTORY,
    None,
    "Delete runs that are older from the engine's own history. AutoSync's record is kept as service: retention says.",
)

ENGINE: Final[TypedBlock[EngineKind]] = TypedBlock(
    common=Block(
        doc="One engine.",
        keys=(
            RUN_MODE,
            MAX_PARALLEL,
            SERVICE_EXPORT_IS_SYNC,
            STAGGER,
            SETTLE,
            SHADOW,
            SHADOW_PATIENCE,
            KEEP_RUN_HISTORY,
        ),
    ),
    what="engine",
    kinds=lambda registries: registries.engines,
    type_doc="What kind of engine it is.",
)


def _check_name(name: str) -> None:
    refuse_name(name, "an engine", "/#")
    if name == "all":
        raise Wrong(f"{quoted(name)} cannot be the name of an engine: it means every agent in exclusions")


ENGINES: Final = NamesOf(item=ENGINE, name="engine", check=_check_name)


def engine_spec(name: str, typed: Typed[EngineKind]) -> EngineSpec:
    """Return the specification of an engine that was read without mistakes."""
    assert typed.kind is not None
    values = typed.values
    engine = EngineName(name)
    return EngineSpec(
        name=engine,
        type=typed.type,
        options=typed.options,
        data=typed.data,
        settings=EngineSettings(
            name=engine,
            run_mode=values[RUN_MODE],
            max_parallel=values[MAX_PARALLEL],
            mim_service_export_is_sync=values[SERVICE_EXPORT_IS_SYNC],
            stagger=values[STAGGER],
            settle=values[SETTLE],
            shadow=values[SHADOW],
            shadow_patience=values[SHADOW_PATIENCE],
        ),
        agents=typed.kind.agent_names(typed.options),
        keep_run_history=values[KEEP_RUN_HISTORY],
    )
