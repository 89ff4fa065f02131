"""``type: mim``: a Synchronization Service of Microsoft Identity Manager."""

from datetime import timedelta
from typing import Final

from autosync.adapters.engines.mim.checkup.checkup import MimCheckup
from autosync.adapters.engines.mim.checkup.network import Endpoint
from autosync.adapters.engines.mim.engine import DESCRIBE_EVERY, Access, MimEngine
from autosync.adapters.engines.mim.options import MimKind, MimOptions
from autosync.adapters.engines.mim.pending import MayBeHeld
from autosync.bootstrap.engine_type import EngineType
from autosync.config.spec import EngineSpec
from autosync.core.guards import breaches, strictest_populations
from autosync.model.agents import PendingSet, PendingSide
from autosync.model.counts import Counts
from autosync.model.ids import AgentId, engine_of
from autosync.model.settings import Settings
from autosync.ports.registry import Surroundings
from autosync.runtime.engine_hosts import EnginePart
from autosync.runtime.link import Limits

LIMITS: Final = Limits(answer=timedelta(minutes=2), late_start=timedelta(minutes=1), describe_every=DESCRIBE_EVERY)
"""An answer may take the transport's time limit, a second try, and the agents' exports. A start whose answer was lost may
begin until the server has given up on the call that asked for it."""


def mim_options_of(options: object) -> MimOptions:
    """Return what the kind parsed."""
    assert isinstance(options, MimOptions)
    return options


def may_be_held(settings: Settings) -> MayBeHeld:
    """Return whether the guards of a configuration may hold a set of changes, as far as the engine's counters tell.

    They count a rename as an update and a delete-add as what it is made of, so that any of these may be one.
    """

    def judge(agent: AgentId, side: PendingSide, counts: Counts, population: int | None) -> bool:
        guards = settings.agent(agent).guards
        thresholds = guards.staged if side is PendingSide.IMPORTS else guards.exports
        possible = (
            counts,
            Counts(renames=counts.updates),
            Counts(delete_adds=max(counts.adds, counts.updates, counts.deletes)),
        )
        sizes = {None, *strictest_populations(thresholds)} if population is None else {population}
        return any(breaches(PendingSet(counts=each), size, thresholds) for each in possible for size in sizes)

    return judge


def _part(spec: EngineSpec, settings: Settings, around: Surroundings) -> EnginePart:
    guards = {agent.id: agent.guards for agent in settings.agents.values() if engine_of(agent.id) == spec.name}
    return EnginePart(
        engine=MimEngine(
            spec.name,
            lambda: access_of(mim_options_of(spec.options), around),
            mim_options_of(spec.options),
            around.clock,
            may_be_held(settings),
        ),
        limits=LIMITS,
        # With other limits another set of changes is worth an exact look.
        fingerprint=f"{spec.type} {spec.data!r} {sorted(guards.items())!r}",
    )


def access_of(options: MimOptions, around: Surroundings) -> Access:
    """Return the ways in to a server; nothing is opened yet. Raises ``ConfigError`` for a secret that is not there."""
    # Loaded here: the libraries for Windows remoting are large, and most commands need none of them.
    from autosync.adapters.engines.mim.access.ways import ways_in  # noqa: PLC0415

    ways = ways_in(options.access, around.secrets)
    return Access(service=ways.service, tools=ways.tools)


def _endpoint(options: MimOptions) -> Endpoint | None:
    from autosync.adapters.engines.mim.access.ways import tls_of  # noqa: PLC0415 - see above

    host = options.access.host
    if host is None:
        return None
    return Endpoint(host=host.server, port=host.port, tls=tls_of(options.access), fingerprint=host.fingerprint)


def _place(spec: EngineSpec) -> str:
    host = mim_options_of(spec.options).access.host
    return "this machine" if host is None else host.server


MIM: Final = EngineType(
    kind=MimKind(),
    part=_part,
    place=_place,
    checkup=lambda spec, around: MimCheckup(
        lambda: access_of(mim_options_of(spec.options), around),
        lambda: _endpoint(mim_options_of(spec.options)),
        around.clock,
    ),
)
