"""The embedded engine's front door: run profiles, look at what is pending, search, preview.

One object is used by one thread at a time; a second ``run`` while one is going on answers
``no-start-ma-already-running``. Nothing here knows of events, threads or processes: who needs those puts them around.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from autosync.syncengine.connectors.port import Connector, ConnectorError, Description
from autosync.syncengine.descriptions import described, remembered
from autosync.syncengine.errors import UnknownName
from autosync.syncengine.indexes import build_missing_indexes
from autosync.syncengine.inspection import AgentDescription, Inspection
from autosync.syncengine.preview import Preview, preview_object
from autosync.syncengine.recording import moment_text, unpack_result
from autosync.syncengine.results import RunResult
from autosync.syncengine.rules.functions import RuleFunctions
from autosync.syncengine.rules.plan import Plan, compile_plan
from autosync.syncengine.running.collection import seldom_collected
from autosync.syncengine.running.context import BATCH, TOGETHER, RunContext
from autosync.syncengine.running.doubt import take_back
from autosync.syncengine.running.run import Progress, Run, record
from autosync.syncengine.spec.model import Spec
from autosync.syncengine.steps import Profile, Step, StepKind
from autosync.syncengine.store.port import Store
from autosync.syncengine.store.sqlite import SqliteStore

_log = logging.getLogger(__name__)

DEFAULT_PROFILES = {
    "full import": StepKind.FULL_IMPORT,
    "delta import": StepKind.DELTA_IMPORT,
    "delta sync": StepKind.DELTA_SYNC,
    "full sync": StepKind.FULL_SYNC,
    "export": StepKind.EXPORT,
}
"""The profiles that every agent has, on its first partition."""


class SyncEngine(Inspection):
    """A metadirectory in one file."""

    def __init__(
        self,
        spec: Spec,
        store: Store,
        connectors: Mapping[str, Connector],
        clock: Callable[[], datetime],
        rules_folder: Path | None = None,
    ) -> None:
        """Take an open store; ``open`` is the usual way. ``clock`` returns aware datetimes in UTC."""
        self._spec = spec
        self._store = store
        self._connectors = dict(connectors)
        self._clock = clock
        self._functions = RuleFunctions(rules_folder)
        self._busy = threading.Lock()
        self.batch_size = BATCH
        self.together = TOGETHER
        numbers = {name: store.agent_number(name) for name in spec.agents}
        self._descriptions: dict[str, Description] = {
            name: found for name in spec.agents if (found := remembered(store, name)) is not None
        }
        self._numbers = numbers
        self._plan = self._compile()

    @classmethod
    def open(
        cls,
        spec: Spec,
        path: Path,
        connectors: Mapping[str, Connector],
        *,
        clock: Callable[[], datetime],
        rules_folder: Path | None = None,
        for_running: bool = True,
    ) -> "SyncEngine":
        """Open or create the store at ``path``; close what a dead process left open.

        Raises ``StoreInUse``, ``StoreTooNew``, and ``EngineError`` where a Python function of the rules is missing.
        With ``for_running`` False any number of processes may look while one runs.
        """
        store = SqliteStore(path, for_running=for_running)
        try:
            engine = cls(spec, store, connectors, clock, rules_folder)
            if for_running:
                engine._recover()
                build_missing_indexes(store, engine._plan)
        except BaseException:
            store.close()
            raise
        return engine

    def close(self) -> None:
        """Let go of the store. Idempotent."""
        self._store.close()

    def run(
        self,
        agent: str,
        profile: str,
        *,
        run_id: str = "",
        should_stop: Callable[[], bool] = lambda: False,
        on_progress: Progress | None = None,
    ) -> RunResult:
        """Run a profile to its end and return what it did; failures are statuses, not exceptions.

        ``should_stop`` is asked between batches; ``on_progress`` is told after each. Profile names are compared exactly.
        """
        wanted = self._profile(agent, profile)
        if wanted is None:
            return self._not_started(agent, profile, run_id, "no-start-unknown-profile-name")
        if not self._busy.acquire(blocking=False):
            return self._not_started(agent, profile, run_id, "no-start-ma-already-running")
        try:
            self._refresh(agent, wanted)
            with seldom_collected():
                return Run(self._context(agent, should_stop), wanted, self._clock, on_progress).execute(run_id)
        finally:
            self._busy.release()

    def preview(self, agent: str, anchor: str) -> Preview:
        """Return what a synchronization would do to an object, named by anchor or distinguished name; write nothing.

        Raises ``UnknownName`` where the agent's connector space has no such object.
        """
        found = self._store.by_name(self._number(agent), [anchor])
        if not found:
            raise UnknownName(f"agent {agent} has no object {anchor!r}")
        return preview_object(self._context(agent, lambda: False), found[0])

    def describe(self) -> tuple[AgentDescription, ...]:
        """Return the agents in the order of the configuration, with partitions and profiles."""
        return tuple(
            AgentDescription(
                name=name,
                partitions=self._partitions(name),
                profiles=tuple(self._profiles(name).values()),
                kind=str(agent.connector.get("type", "")),
                writable=any(rules.exports or rules.provision for rules in agent.types.values()),
            )
            for name, agent in self._spec.agents.items()
        )

    def history(self, agent: str, after_number: int = 0, limit: int = 100) -> list[RunResult]:
        """Return runs with a greater number, the oldest first; one in progress has no end."""
        runs = self._store.runs(self._number(agent), after_number, limit)
        return [replace(unpack_result(blob), run_number=number) for number, blob in runs]

    def newest_run(self, agent: str) -> RunResult | None:
        """Return an agent's newest run, running or ended; None when it never ran or its history was cleared."""
        found = self._store.newest_run(self._number(agent))
        return None if found is None else replace(unpack_result(found[1]), run_number=found[0])

    def clear_history(self, before: datetime) -> int:
        """Delete the runs that ended until a moment; return how many. Run numbers are never used again."""
        return self._store.clear_runs(moment_text(before))

    def _profile(self, agent: str, name: str) -> Profile | None:
        return self._profiles(agent).get(name)

    def _profiles(self, agent: str) -> dict[str, Profile]:
        if agent not in self._spec.agents:
            raise UnknownName(f"there is no agent {agent!r}")
        partition = self._partitions(agent)[0]
        profiles = {
            name: Profile(name=name, steps=(Step(kind=kind, partition=partition),))
            for name, kind in DEFAULT_PROFILES.items()
        }
        return profiles | {profile.name: profile for profile in self._spec.agents[agent].profiles}

    def _partitions(self, agent: str) -> tuple[str, ...]:
        description = self._descriptions.get(agent)
        return tuple(description.partitions) if description is not None else ("default",)

    def _context(self, agent: str, should_stop: Callable[[], bool]) -> RunContext:
        description = self._descriptions.get(agent)
        return RunContext(
            store=self._store,
            plan=self._plan,
            agent=self._plan.agent(agent),
            connector=self._connectors.get(agent),
            now=self._clock(),
            should_stop=should_stop,
            reads_delta=description is not None and description.delta,
            batch_size=self.batch_size,
            together=self.together,
        )

    def _refresh(self, agent: str, profile: Profile) -> None:
        """Ask the connected systems that matter for their schemas, and compile anew where one has changed."""
        syncs = any(step.kind.syncs for step in profile.steps)
        changed = False
        for name in self._spec.agents if syncs else [agent]:
            if name in self._descriptions and name != agent:
                continue
            connector = self._connectors.get(name)
            if connector is None:
                continue
            try:
                found = connector.describe()
            except ConnectorError as error:
                _log.info("agent %s cannot be described now: %s", name, error.status)
                continue
            changed = described(self._store, name, found, self._descriptions) or changed
        if changed:
            self._plan = self._compile()

    def _compile(self) -> Plan:
        return compile_plan(self._spec, self._numbers, self._descriptions, self._functions)

    def _not_started(self, agent: str, profile: str, run_id: str, status: str) -> RunResult:
        now = self._clock()
        return RunResult(
            run_number=0, agent=agent, profile=profile, status=status, started=now, ended=now, run_id=run_id
        )

    def _recover(self) -> None:
        """Close the runs of a process that died. Their committed batches stay; an export's are sent again."""
        names = {number: name for name, number in self._numbers.items()}
        for agent, number, blob in self._store.open_runs():
            result = replace(unpack_result(blob), run_number=number, ended=self._clock())
            name = names.get(agent)
            profile = self._profiles(name).get(result.profile) if name is not None else None
            if profile is None or any(step.kind.exports for step in profile.steps):
                for space in self._store.spaces(agent):
                    take_back(self._store, space.id)
            record(self._store, agent, replace(result, status="stopped-service-shutdown"))
