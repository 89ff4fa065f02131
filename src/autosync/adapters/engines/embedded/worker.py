"""The child process that carries the embedded engine: reads calls, answers them, ends when the service has gone."""

import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from autosync.adapters.clocks import SystemClock
from autosync.adapters.engines.embedded import translate
from autosync.adapters.engines.embedded.messages import Answer, Call, frame, read_call
from autosync.adapters.engines.embedded.running import Runs
from autosync.model.ids import EngineName
from autosync.syncengine.connectors.port import ConnectorError
from autosync.syncengine.connectors.registry import make_connector
from autosync.syncengine.connectors.settings_reading import SettingsError
from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.errors import EngineError, UnknownName
from autosync.syncengine.results import RunResult
from autosync.syncengine.spec.mistakes import SpecError
from autosync.syncengine.spec.parse import parse_spec

_CLOSE_LIMIT_S = 8.0
_SAMPLE = 20
_CLOCK = SystemClock()


class Rejected(Exception):
    """The engine's no: ``status`` in Microsoft's words."""

    def __init__(self, status: str, message: str = "") -> None:
        super().__init__(message or status)
        self.status = status


class Worker:
    """The methods that the service may call. Looking and running use the store each through a connection of their own."""

    def __init__(self, setup: Mapping[str, object]) -> None:
        data, folder = setup["data"], Path(str(setup["folder"]))
        assert isinstance(data, Mapping)
        self._name = EngineName(str(setup["engine"]))
        self._spec = parse_spec(data)
        self._store = Path(str(setup["store"]))
        self._store.parent.mkdir(parents=True, exist_ok=True)
        self._rules = (folder / str(data.get("rules", "rules.py"))).parent
        connectors = {name: make_connector(agent.connector, folder) for name, agent in self._spec.agents.items()}
        self._connectors = connectors
        self._engine = self._opened(for_running=True)
        self.runs = Runs(self._engine)
        self._look = self._opened(for_running=False)

    def close(self) -> None:
        """End after the batch that is being written. Whoever closes the store last leaves nothing but its one file."""
        self.runs.close()
        self._look.close()
        self._engine.close()

    def _opened(self, *, for_running: bool) -> SyncEngine:
        return SyncEngine.open(
            self._spec,
            self._store,
            self._connectors,
            clock=_CLOCK.now,
            rules_folder=self._rules,
            for_running=for_running,
        )

    def agents(self) -> object:
        """Return every agent."""
        return [translate.agent(self._name, found) for found in self._look.describe()]

    def start(self, agent: str, profile: str, label: str) -> object:
        """Accept a run."""
        known = {found.name: {each.name for each in found.profiles} for found in self._look.describe()}
        if agent not in known:
            raise Rejected("no-start-ma", f"there is no agent {agent} (any more)")
        if profile not in known[agent]:
            raise Rejected("no-start-unknown-profile-name", f"{agent} has no run profile {profile!r}")
        handle = self.runs.start(agent, profile, label)
        if handle is None:
            raise Rejected("no-start-ma-already-running")
        return handle

    def ended(self, agent: str, handle: str) -> object:
        """Return the result of a run that is not going on."""
        for run in reversed(self._look.history(agent, after_number=0, limit=2**31)):
            if translate.handle_of(run) == handle:
                return self.result(run)
        raise Rejected("no-such-run", f"the history of {agent} has no run {handle}")

    def result(self, run: RunResult) -> object:
        """Return a result in AutoSync's words."""
        return translate.run_result(self._name, run)

    def newest(self, agent: str) -> object:
        """Return a list with the newest run, or an empty one."""
        going = self.runs.going(agent)
        run = self._look.newest_run(agent)
        if going is not None and (run is None or run.run_id != going.handle):
            queued = RunResult(
                run_number=0,
                agent=agent,
                profile=going.profile,
                status="in-progress",
                started=_CLOCK.now(),
                run_id=going.handle,
            )
            return [translate.sighting(self._name, queued)]
        return [] if run is None else [translate.sighting(self._name, run)]

    def stop(self, agent: str) -> object:
        """Stop the agent's run."""
        self.runs.stop(agent)
        return None

    def pending(self, agent: str) -> object:
        """Return what waits."""
        look = self._look
        prints = (look.fingerprint_pending_imports(agent), look.fingerprint_pending_exports(agent))
        return translate.pending(self._name, agent, look.pending(agent), prints, look.sample_pending(agent, _SAMPLE))

    def clear_history(self, before: str) -> object:
        """Delete old runs."""
        return self._look.clear_history(datetime.fromisoformat(before))


class Desk:
    """Takes calls, has them answered by the right thread, and writes the answers."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._writing = threading.Lock()
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._worker: Worker | None = None

    def serve(self, calls: BinaryIO) -> None:
        """Answer until the service has gone; then close, or end the process when that takes longer than eight seconds."""
        while (call := read_call(calls)) is not None:
            self._looking.submit(self._answer, call)
        timer = threading.Timer(_CLOSE_LIMIT_S, os._exit, args=(0,))
        timer.daemon = True
        timer.start()
        self._looking.shutdown(wait=True, cancel_futures=True)
        if self._worker is not None:
            self._worker.close()

    def _answer(self, call: Call) -> None:
        try:
            if call.method == "open":
                self._worker = Worker(call.arguments)
                self._write(Answer(call.number))
            elif call.method == "wait":
                self._wait(call)
            else:
                self._write(Answer(call.number, self._method(call.method)(**call.arguments)))
        except Rejected as no:
            self._write(Answer(call.number, error=no.status, message=str(no)))
        except UnknownName as no:
            self._write(Answer(call.number, error="no-start-ma", message=str(no)))
        except (EngineError, SpecError, SettingsError, ConnectorError, OSError) as error:
            self._write(Answer(call.number, error="unavailable", message=str(error)))
        except Exception as error:  # noqa: BLE001 - the border to the service: record, contain, carry on
            self._write(Answer(call.number, error="unavailable", message=f"the engine failed: {error!r}"))

    def _method(self, name: str) -> Callable[..., object]:
        if self._worker is None:
            raise Rejected("unavailable", "the engine is not open")
        method: Callable[..., object] = getattr(self._worker, name)
        return method

    def _wait(self, call: Call) -> None:
        worker = self._worker
        if worker is None:
            raise Rejected("unavailable", "the engine is not open")
        agent, handle = str(call.arguments["agent"]), str(call.arguments["handle"])
        told = worker.runs.tell_end(agent, handle, lambda run: self._write(Answer(call.number, worker.result(run))))
        if not told:
            self._write(Answer(call.number, worker.ended(agent, handle)))

    def _write(self, answer: Answer) -> None:
        body = frame(answer)
        with self._writing:
            try:
                self._out.write(body)
                self._out.flush()
            except (BrokenPipeError, OSError):
                pass  # the service has gone; its end of the calls tells the main thread


def main() -> None:
    """Serve on standard input and output."""
    faulthandler.enable()
    # Ctrl+C at the terminal, and a system that ends every process of a service at once (systemd's KillMode), mean the
    # service: it lets the worker end its batch, and the worker ends with it in any case.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a rule's function prints must not break the frames
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there alone

        for stream in (sys.stdin.fileno(), out.fileno()):
            msvcrt.setmode(stream, os.O_BINARY)
    Desk(out).serve(sys.stdin.buffer)
    os._exit(0)


if __name__ == "__main__":
    main()
