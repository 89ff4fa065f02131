"""The inside of the stand-in server: its WMI provider and its tools, as plain calls that any thread may make.

Nothing runs in it: what happens is worked out when somebody looks. ``Execute`` is in two halves, so that each way in can
wait in its own manner: ``begin`` starts a run, ``answer_of`` tells what the call that started it returns by now.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from autosync.adapters.engines.mim.access.port import ListedAgent, ListedRun
from autosync.adapters.engines.mim.reading.values import moment
from autosync.adapters.engines.simulated.referee import Referee
from autosync.adapters.engines.simulated.spaces import Change, Spaces, counts_of
from autosync.model.agents import PendingSide
from autosync.model.counts import ChangeKind
from autosync.model.ids import PartitionName
from autosync.ports.clock import Clock
from autosync.testing.mim.administration import Administration, Configured
from autosync.testing.mim.agent_xml import agent_file
from autosync.testing.mim.knobs import Knobs, Rights, TimedOut
from autosync.testing.mim.pending_xml import pending_file
from autosync.testing.mim.plan import DEFAULT, MimServer
from autosync.testing.mim.questions import READING, Space, answer
from autosync.testing.mim.run_xml import NEVER_RAN, run_history, written
from autosync.testing.mim.runs import GOING_ON, MimRun, RefereedRun, Runs

ACCOUNT = "CORP\\svc-autosync"
"""Who AutoSync signs in as, unless a test says otherwise."""
_WRONG = timedelta(days=2)
"""No clock is turned by more while runs go on."""
_AWAY = "connection-failure"
_DENIED = "access-denied"


class Reason(StrEnum):
    """Why the provider answers nothing at all."""

    NOT_FOUND = "not-found"
    DENIED = "access-denied"
    AWAY = "service-stopped"
    TOOLS = "no-tools"


class ProviderFault(Exception):
    """The call has no answer: an error of WMI, or of the tool. Each way in tells it in its own manner."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MimProvider:
    """A Synchronization Service that only exists in memory. ``knobs`` may be turned at any time."""

    def __init__(self, plan: MimServer, clock: Clock, random: Random | None = None) -> None:
        chance = random or Random(0)
        self.name = plan.name
        self.clock = clock
        self.knobs = Knobs()
        self.referee: Referee | None = None
        """Who judges what runs beside what; None: nobody."""
        self.executed: list[MimRun] = []
        """Every run that ever began, also those whose history was cleared."""
        self._lock = threading.RLock()
        self._spaces = Spaces((), chance)
        self._runs = Runs(self._spaces, clock, chance, self.knobs, plan.spread)
        self.administration = Administration(plan.agents, self._spaces, self._runs)

    # What WMI offers

    def agents(self) -> tuple[ListedAgent, ...]:
        """Return the instances of ``MIIS_ManagementAgent``."""
        with self._turn(Rights.BROWSE):
            found = self.administration.agents
            return tuple(ListedAgent(name=each.name, guid=each.guid, type=each.shown_type) for each in found)

    def begin(self, agent: str, profile: str, account: str = ACCOUNT) -> MimRun | str:
        """Start a run as ``Execute`` does, and return it, or the word of refusal."""
        with self._turn():
            found = self._configured(agent).agent
            refusal = self.knobs.said("Execute") or self._refusal(Rights.OPERATORS)
            chosen = next((each for each in found.all_profiles if each.name.casefold() == profile.casefold()), None)
            if refusal:
                return refusal
            if found.name in self.knobs.busy:
                return "no-start-ma-update-in-progress"
            if chosen is None:
                return "no-start-unknown-profile-name"
            if found.name in self._runs.running:
                return "no-start-ma-already-running"
            script = self.knobs.run_script(found.name, chosen.name)
            if script.ending.refused and not script.leaves_row:
                return script.ending.status
            beside = tuple(self._runs.running.values())
            run = self._runs.begin(found, chosen, account, script, ours=account == ACCOUNT)
            if script.ending.refused:
                self._runs.stop(run, script.ending.status)
                return script.ending.status
            self.executed.append(run)
            if self.referee is not None:
                others = (RefereedRun(each) for each in beside)
                self.referee.began(RefereedRun(run), others, self.clock.elapsed())
            return run

    def answer_of(self, run: MimRun) -> str | None:
        """Return what the ``Execute`` that started the run returns by now; None: it goes on."""
        with self._turn():
            return None if run.status == GOING_ON else run.status

    def next_at(self, run: MimRun) -> float:
        """Return the elapsed time at which the next thing happens in the run."""
        return run.due

    def timed_out(self, run: MimRun) -> None:
        """Let the transport give up waiting for ``Execute``; what becomes of the run is a switch."""
        with self._turn():
            if self.knobs.timed_out is TimedOut.CANCELLED:
                self._runs.stop(run)

    def stop(self, agent: str) -> str:
        """Call ``Stop``."""
        with self._turn():
            found = self._configured(agent).agent
            refusal = self.knobs.said("Stop") or self._refusal(Rights.OPERATORS)
            run = self._runs.running.get(found.name)
            if refusal:
                return refusal
            if run is None:
                return "ma-not-running"
            self._runs.stop(run)
            return "success"

    def ask(self, agent: str, question: str) -> str:
        """Call a method that only reads."""
        with self._turn():
            found = self._configured(agent).agent
            said = self.knobs.said(question)
            refusal = self._refusal(Rights.BROWSE) if said is None else said
            if question not in READING:
                raise ProviderFault(Reason.NOT_FOUND, f"MIIS_ManagementAgent has no method {question}")
            if refusal is not None:
                return refusal
            run = self._runs.newest(found.name)
            if question == "RunDetails":
                return self._details(run)
            return answer(question, run, self._space(found.name)) or ""

    def run(self, key: str) -> ListedRun | None:
        """Return a row of the run history."""
        with self._turn(Rights.OPERATORS):
            run = self._by_key(key)
            return self._row(run) if run is not None else None

    def runs(self, since: datetime | None = None) -> tuple[ListedRun, ...]:
        """Return rows of the run history, oldest first: all, or at least those that started at the moment or later."""
        with self._turn(Rights.OPERATORS):
            earliest = since - _WRONG if since is not None else None
            found: list[ListedRun] = []
            for run in reversed(self._runs.history.values()):
                if earliest is not None and run.started < earliest:
                    break
                if (row := self._row(run)) is not None:
                    found.append(row)
            return tuple(reversed(found))

    def details(self, key: str) -> str:
        """Call ``RunDetails`` of a row of the run history."""
        with self._turn(Rights.OPERATORS):
            run = self._by_key(key)
            if run is None or self._row(run) is None:
                raise ProviderFault(Reason.NOT_FOUND, f"MIIS_RunHistory has no {key}")
            said = self.knobs.said("RunDetails")
            return self._details(run) if said is None else said

    def clear_runs(self, ending_before: str) -> str:
        """Call ``ClearRuns``."""
        with self._turn():
            refusal = self.knobs.said("ClearRuns") or self._refusal(Rights.OPERATORS)
            before = moment(ending_before)
            if refusal:
                return refusal
            if before is None:
                return "call-failure:0x80070057"
            self._runs.forget(before)
            return "success"

    def time(self) -> datetime:
        """Return the server's clock."""
        return self._runs.now()

    # What the tools offer

    def export_agent(self, agent: str) -> bytes:
        """Run ``maexport`` and return the file that it writes."""
        with self._turn(Rights.OPERATORS):
            self._check_tools()
            found = self._configured(agent)
            if self.knobs.agent_file is not None:
                return self.knobs.agent_file
            return agent_file(found.agent, found.version, found.modified, self.name, self._runs.now())

    def export_pending(self, agent: str, side: PendingSide) -> Iterator[bytes]:
        """Run ``csexport`` and yield the file that it writes, as it is at this moment."""
        with self._turn(Rights.OPERATORS):
            self._check_tools()
            found = self._configured(agent).agent
            if self.knobs.pending_file is not None:
                return iter((self.knobs.pending_file,))
            changes: list[tuple[str, Change]] = []
            for partition in found.selected:
                place = self._spaces.of(found.name, PartitionName(partition.name))
                waiting = place.staged if side is PendingSide.IMPORTS else place.exports
                changes += [(partition.name, change) for change in waiting.values()]
            return pending_file(found, side, changes, tells_partition=self.knobs.tells_partitions)

    # The world around it

    def change(self, agent: str, partition: str = DEFAULT, kind: ChangeKind = ChangeKind.UPDATES) -> Change:
        """Let one object change in the system behind an agent, now."""
        with self._turn():
            change = self._spaces.new_change(agent, self.clock.elapsed(), kind)
            self._spaces.of(agent, PartitionName(partition)).source[change.id] = change
            return change

    def start_foreign(self, agent: str, profile: str, account: str = "CORP\\administrator") -> MimRun:
        """Let somebody else start a run. Raises ``ProviderFault`` when the server says no."""
        begun = self.begin(agent, profile, account)
        if isinstance(begun, str):
            raise ProviderFault(Reason.DENIED, f"{agent} {profile}: {begun}")
        return begun

    def stop_service(self) -> None:
        """Stop the Windows service: what runs is stopped, and nobody gets an answer until ``start_service``."""
        with self._turn():
            for run in tuple(self._runs.running.values()):
                self._runs.stop(run, "stopped-service-shutdown")
            self.knobs.service_runs = False

    def start_service(self) -> None:
        """Start the Windows service again."""
        self.knobs.service_runs = True

    def waiting(self) -> dict[tuple[str, str], int]:
        """Return how many changes wait anywhere, by agent and partition; only places where some do. Empty is quiet."""
        with self._turn():
            counted = {
                (agent, str(name)): sum(map(len, (place.source, place.staged, place.exports, place.unconfirmed)))
                for (agent, name), place in self._spaces.all().items()
            }
            return {key: count for key, count in counted.items() if count}

    def running(self) -> tuple[MimRun, ...]:
        """Return the runs that go on."""
        with self._turn():
            return tuple(self._runs.running.values())

    # Inside

    @contextmanager
    def _turn(self, needs: Rights | None = None) -> Iterator[None]:
        """Let everything happen that was due. With ``needs``: where no method is called, lack of rights is an error."""
        with self._lock:
            self._runs.advance()
            refusal = self._refusal(needs) if needs else None
            if refusal:
                reason = Reason.AWAY if refusal == _AWAY else Reason.DENIED
                raise ProviderFault(reason, f"{self.name}: {reason}")
            yield

    def _refusal(self, needs: Rights) -> str | None:
        if not self.knobs.service_runs:
            return _AWAY
        allowed = {Rights.OPERATORS} if needs is Rights.OPERATORS else {Rights.OPERATORS, Rights.BROWSE}
        return None if self.knobs.rights in allowed else _DENIED

    def _configured(self, agent: str) -> Configured:
        found = self.administration.configured(agent)
        if found is None:
            raise ProviderFault(Reason.NOT_FOUND, f"MIIS_ManagementAgent has no {agent}")
        return found

    def _check_tools(self) -> None:
        if not self.knobs.tools:
            raise ProviderFault(Reason.TOOLS, "the tools are not installed")

    def _by_key(self, key: str) -> MimRun | None:
        return self._runs.history.get(key.casefold())

    def _details(self, run: MimRun | None) -> str:
        if self.knobs.details is not None:
            return self.knobs.details
        if run is None:
            return NEVER_RAN
        guids = {each.name: each.guid for each in self.administration.agents}
        return run_history(run, self._runs.agents[run.agent], guids)

    def _space(self, agent: str) -> Space:
        places = [place for (name, _), place in self._spaces.all().items() if name == agent]
        return Space(
            objects=sum(place.population for place in places),
            imports=counts_of(change for place in places for change in place.staged.values()),
            exports=counts_of(change for place in places for change in place.exports.values()),
        )

    def _row(self, run: MimRun) -> ListedRun | None:
        """Return a run as the history shows it by now; None while it does not."""
        shown_until = self.clock.elapsed() - self.knobs.history_lag_s
        if run.began > shown_until:
            return None
        ended = run.ended is not None and run.ended <= shown_until
        return ListedRun(
            key=run.key,
            agent=run.agent,
            number=str(run.number),
            profile=run.profile.name,
            status=run.status if ended or run.ended is None else GOING_ON,
            started=written(run.started),
            ended=written(run.ended_at) if ended and run.ended_at else "",
        )
