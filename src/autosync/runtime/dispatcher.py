"""The single writer: everything that changes what AutoSync knows passes here, one turn after the other.

A turn takes what waits in the inbox, asks the core, stores rows, facts and messages in one transaction, and only then tells
of the facts and carries out the commands. What is not stored has not happened: no command, no answer, no event.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final, Protocol, TypeAlias

import structlog

from autosync.core import orchestrator, recovery
from autosync.core.decision import Decision
from autosync.core.state import State
from autosync.model.commands import Command, StartRun
from autosync.model.errors import Refused, StoreUnavailable
from autosync.model.facts import Fact, FactKind, Severity
from autosync.model.settings import Settings
from autosync.model.stimuli import Stimulus
from autosync.model.wording import number
from autosync.ports.clock import Clock
from autosync.ports.store import Commit, NewMessage, Store, StoredFact
from autosync.runtime.backoff import BackOff
from autosync.runtime.inbox import Answer, Entry, Inbox
from autosync.runtime.journal import Journal

BATCH: Final = 500
"""Stimuli in one decision at most, so that a storm cannot make one turn long."""

STORM_REST: Final = 6.0
"""How many times the length of a turn with firings these gather before they get the next; all else is not kept."""
LONGEST_REST_S: Final = 1.5
STORM_PAUSE: Final = 3.0
"""While firings gather: how many times the length of a long turn without them all else gathers, too."""
LONG_TURN_S: Final = 0.005
LONGEST_PAUSE_S: Final = 0.15

Router: TypeAlias = Callable[[Sequence[Fact]], Sequence[NewMessage]]
"""Chooses which facts are told outside, and on which channel."""


class Decide(Protocol):
    """The core's one entry."""

    def __call__(self, state: State, stimuli: Sequence[Stimulus], now: datetime, chance: float) -> Decision:
        """Return what follows from the stimuli."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the writer works with."""

    store: Store
    journal: Journal
    clock: Clock
    random: Random
    router: Router = lambda _facts: ()
    decide: Decide = orchestrator.decide


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """Decisions that are committed together, and who waits for the facts of which."""

    state: State
    commit: Commit
    commands: tuple[Command, ...]
    answers: tuple[tuple[Answer | None, int], ...]
    """Each decision's waiter, and how many facts it made."""

    @property
    def is_empty(self) -> bool:
        return not (self.commit.rows or self.commit.facts or self.commit.messages)


class Dispatcher:
    """The writer's task and its front desk."""

    def __init__(self, tools: Tools, inbox: Inbox | None = None) -> None:
        self._tools = tools
        self.inbox = Inbox() if inbox is None else inbox
        self._state = State()
        self._rest_until = 0.0
        self._pause_until = 0.0
        self._trouble: tuple[datetime, str] | None = None
        self._log = structlog.get_logger("autosync.store")

    @property
    def state(self) -> State:
        """Return what is known now; everything in it is durable."""
        return self._state

    @property
    def store_trouble(self) -> tuple[datetime, str] | None:
        """Return since when and why nothing can be stored; None when all is well."""
        return self._trouble

    async def load(self, settings: Settings) -> None:
        """Rebuild the state from the store. Comes before ``run``; the first stimulus is then ``ServiceStarted``."""
        self._state = recovery.restore(await self._tools.store.load(), settings)

    def submit(self, stimulus: Stimulus) -> bool:
        """Hand in a stimulus and go on. False: the inbox is full, and the giver must keep it and try again."""
        return self.inbox.put(stimulus)

    async def submit_and_wait(self, stimulus: Stimulus) -> Sequence[StoredFact]:
        """Hand in a stimulus, wait until it is durable, and return the facts that it made.

        Raises ``Refused`` when the inbox is full or AutoSync stops before the stimulus was dealt with.
        """
        if self.inbox.is_closed:
            raise Refused("AutoSync is stopping; ask again when it runs")
        answer: Answer = asyncio.get_running_loop().create_future()
        if not self.inbox.put(stimulus, answer):
            waiting = number(len(self.inbox), "thing waits", "things wait")
            raise Refused(f"AutoSync is busy: {waiting} to be dealt with; ask again in a moment")
        return await answer

    def close(self) -> None:
        """Let ``run`` end after what waits now; nothing more is started."""
        self.inbox.close()

    async def run(self, act: Callable[[Iterable[Command]], None], turned: Callable[[State], None]) -> None:
        """Take turns until closed. ``act`` gets each turn's commands, then ``turned`` the state, after the commit."""
        pending: list[Entry] = []
        try:
            while len(self.inbox) or not self.inbox.is_closed:
                pending = self.inbox.take(BATCH, firings=await self._wait_turn())
                begin = self._tools.clock.elapsed()
                await self._take_turn(pending, act)
                turned(self._state)
                self._rest(pending, begin)
        finally:
            _refuse(pending)
            _refuse(self.inbox.take(len(self.inbox)))

    async def _wait_turn(self) -> bool:
        """Wait until there is something to decide; return whether firings are decided about, too."""
        await self.inbox.wait_something()
        pause = self._pause_until - self._tools.clock.elapsed()
        if pause > 0 and not self.inbox.is_closed:
            await self._tools.clock.sleep(pause)
        rest = self._rest_until - self._tools.clock.elapsed()
        return rest <= 0 or not await self.inbox.wait_urgent(rest) or self.inbox.is_closed

    def _rest(self, entries: Sequence[Entry], begin: float) -> None:
        """After a turn with firings let more of them gather, so that a storm cannot take the whole of a core."""
        now = self._tools.clock.elapsed()
        taken = now - begin
        if not all(entry.is_urgent for entry in entries):
            self._rest_until = now + min(STORM_REST * taken, LONGEST_REST_S)
        elif now < self._rest_until and taken > LONG_TURN_S:
            self._pause_until = now + min(STORM_PAUSE * taken, LONGEST_PAUSE_S)

    async def _take_turn(self, entries: Sequence[Entry], act: Callable[[Iterable[Command]], None]) -> None:
        turn = self._decide(entries)
        if self.inbox.is_closed and any(isinstance(command, StartRun) for command in turn.commands):
            _refuse(entries)  # a run that nobody would follow: the next life decides again, from the engine's truth
            return
        stored: Sequence[StoredFact] = ()
        if not turn.is_empty:
            stored = await self._commit(turn.commit)
        self._state = turn.state
        self._tools.journal.publish(stored)
        _answer(turn, stored)
        act(turn.commands)

    def _decide(self, entries: Sequence[Entry]) -> _Turn:
        """Decide for what nobody waits for in one go, and alone for each stimulus whose facts are wanted."""
        now = self._tools.clock.now()
        state = self._state
        made: list[Decision] = []
        waiters: list[Answer | None] = []
        for stimuli, answer in _apart(entries):
            decision = self._tools.decide(state, stimuli, now, self._tools.random.random())
            state = decision.state
            made.append(decision)
            waiters.append(answer)
        facts = tuple(fact for decision in made for fact in decision.facts)
        return _Turn(
            state=state,
            commit=Commit(
                at=now,
                rows=tuple(row for decision in made for row in decision.rows),
                facts=facts,
                messages=tuple(self._tools.router(facts)) if facts else (),
            ),
            commands=tuple(command for decision in made for command in decision.commands),
            answers=tuple((answer, len(decision.facts)) for answer, decision in zip(waiters, made, strict=True)),
        )

    async def _commit(self, commit: Commit) -> Sequence[StoredFact]:
        """Store, however long it takes; a closed inbox gives the store one more chance only."""
        backoff = BackOff(random=self._tools.random, first=0.1, longest=10.0)
        while True:
            try:
                stored = await self._tools.store.commit(commit)
            except StoreUnavailable as error:
                self._lost(str(error))
                if self.inbox.is_closed and backoff.tries > 3:
                    raise
                await self._tools.clock.sleep(backoff.next_delay())
            else:
                return [*stored, *await self._whole_again()]

    def _lost(self, error: str) -> None:
        if self._trouble is None:
            self._trouble = (self._tools.clock.now(), error)
            self._log.error("store-lost", error=error, text="nothing is started until the store can be written again")

    async def _whole_again(self) -> Sequence[StoredFact]:
        if self._trouble is None:
            return ()
        (since, error), now = self._trouble, self._tools.clock.now()
        text = f"the store could not be written for {round((now - since).total_seconds())} s; nothing was lost: {error}"
        fact = Fact(kind=FactKind.STORE_RECOVERED, at=now, severity=Severity.WARNING, text=text)
        try:
            told = await self._tools.store.commit(
                Commit(at=now, facts=(fact,), messages=tuple(self._tools.router((fact,))))
            )
        except StoreUnavailable:
            return ()  # lost again at once: the next good commit tells
        self._trouble = None
        self._log.warning("store-recovered", text=text)
        return told


def _apart(entries: Sequence[Entry]) -> Iterator[tuple[tuple[Stimulus, ...], Answer | None]]:
    together: list[Stimulus] = []
    for entry in entries:
        if entry.answer is None:
            together.append(entry.stimulus)
            continue
        if together:
            yield tuple(together), None
            together = []
        yield (entry.stimulus,), entry.answer
    if together:
        yield tuple(together), None


def _answer(turn: _Turn, stored: Sequence[StoredFact]) -> None:
    place = 0
    for answer, count in turn.answers:
        if answer is not None and not answer.done():
            answer.set_result(stored[place : place + count])
        place += count


def _refuse(entries: Iterable[Entry]) -> None:
    for entry in entries:
        if entry.answer is not None and not entry.answer.done():
            entry.answer.set_exception(Refused("AutoSync stopped before this was dealt with; ask again when it runs"))
