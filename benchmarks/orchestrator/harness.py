"""Thin harness: selection without the rest of the core."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from autosync.core.admission import LockSet
from autosync.core.estimates import learned
from autosync.core.selection import Candidate, Going, choose
from autosync.model.causes import Cascade, Cause, CauseKind
from autosync.model.counts import Counts, RunResult, StepResult
from autosync.model.requests import Request
from autosync.model.runs import Run as CoreRun, RunState
from autosync.model.settings import EngineSettings, RunMode
from autosync.model.steps import Profile, Step, StepKind

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {"DI": StepKind.DELTA_IMPORT, "FI": StepKind.FULL_IMPORT, "DS": StepKind.DELTA_SYNC, "EX": StepKind.EXPORT}
PROFILES = {k: Profile(name=k, steps=(Step(kind=v, partition="default"),)) for k, v in KINDS.items()}


class Thin:
    fixed_probe = False

    def __init__(self, estimates=None, mode="supported", choose=choose):
        self.requests = {}
        self.going = {}
        self.estimates = dict(estimates or {})
        self.engine = EngineSettings(name="e", run_mode=RunMode(mode))
        self.serial = 0
        self.cascades = 0
        self.cmap = {}
        self.choose = choose
        self.dirty = True
        self.slowest = 0.0

    def attach(self, world):
        self.world = world

    def now(self):
        return EPOCH + timedelta(seconds=self.world.now)

    def wish(self, agent, kind, *, cascades=None, front=False, confirms=False, expected=None, trigger=False):
        self.dirty = True
        old = self.requests.get((agent, kind))
        if trigger:
            if old and any(c.kind is CauseKind.TRIGGER for c in old.causes):
                cascades = frozenset()
            else:
                self.cascades += 1
                cascades = frozenset({self.cascades})
                self.cmap[self.cascades] = Cascade(id=self.cascades, cause=None, changed=EPOCH+timedelta(seconds=self.changed), opened=self.now())
        cause = Cause(kind=CauseKind.TRIGGER if trigger else CauseKind.SCHEDULE if kind == "FI" else CauseKind.RUN, text="", at=self.now())
        if old:
            new = replace(old, cascades=old.cascades | cascades, front=old.front or front, causes=(*old.causes, cause),
                          confirms=old.confirms or confirms, expected=expected if expected is not None else old.expected)
        else:
            self.serial += 1
            new = Request(id=self.serial, agent="e/" + agent, profile=kind, front=front, wished=self.now(), causes=(cause,),
                          cascades=cascades, confirms=confirms, expected=expected)
        self.requests[agent, kind] = new

    def fired(self, agent, changed):
        self.changed = changed; self.wish(agent, "DI", trigger=True)

    def full_import_due(self, agent):
        self.cascades += 1
        self.wish(agent, "FI", cascades=frozenset({self.cascades}))

    def ended(self, run):
        self.dirty = True
        core = self.going.pop(run.label)
        cas = core.cascades
        n = Counts(updates=len(run.carried))
        step = StepResult(kind=KINDS[run.kind], partition="default", status="success",
            staged=n if run.kind in {"DI", "FI"} else None, exported=n if run.kind == "EX" else None,
            outbound={"e/" + t: c for t, c in run.outbound.items()} if run.kind == "DS" else None)
        result = RunResult(handle=str(run.label), status="success", steps=(step,), started=core.started, ended=self.now())
        core = replace(core, state=RunState.ENDED, result=result, ended=self.now())
        key = (core.agent, core.profile)
        self.estimates[key] = learned(self.estimates.get(key), core)
        if run.kind in {"DI", "FI"} and run.carried:
            self.wish(run.agent, "DS", cascades=cas, front=True, expected=self.world.staged(run.agent))
        elif run.kind == "DS":
            for target in run.outbound:
                self.wish(target, "EX", cascades=cas, expected=self.world.pending(target))
        elif run.kind == "EX" and run.carried:
            self.wish(run.agent, "DI", cascades=cas, front=True, confirms=True)

    def candidate(self, r):
        k = PROFILES[r.profile]
        alone = self.engine.run_mode is RunMode.EXCLUSIVE or (self.engine.run_mode is RunMode.SUPPORTED and k.syncs)
        return Candidate(request=r, profile=k, locks=LockSet(agent=r.agent, sync=k.syncs, alone=alone), is_sync=k.syncs, alone=alone,
            imports=k.imports, exports=k.exports, waiting_since=r.wished, expected=r.expected)

    def settle(self):
        import time
        if not self.dirty:
            return
        self.dirty = False
        cands = [self.candidate(r) for r in self.requests.values()]
        if not cands:
            return
        going = []
        for run in self.going.values():
            c = self.candidate(run.request_as_started)
            going.append(Going(run=run, locks=c.locks, is_sync=c.is_sync, alone=c.alone))
        t = time.perf_counter()
        choice = self.choose(self.engine, cands, going, self.estimates, self.now(), self.cmap)
        self.slowest = max(self.slowest, time.perf_counter() - t)
        if choice.revisit:
            self.world.at((choice.revisit - EPOCH).total_seconds(), self.touch)
        byid = {r.id: key for key, r in self.requests.items()}
        for rid in choice.starts:
            key = byid[rid]
            r = self.requests.pop(key)
            self.serial += 1
            self.going[self.serial] = CoreRun(id=self.serial, agent=r.agent, profile=r.profile, state=RunState.RUNNING, started=self.now(),
                request=r.id, request_as_started=r, cascades=r.cascades, causes=r.causes)
            self.world.start(key[0], key[1], self.serial)

    def touch(self):
        self.dirty = True

    def is_idle(self):
        return not self.requests and not self.going
