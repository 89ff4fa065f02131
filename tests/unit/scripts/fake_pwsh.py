"""A stand-in for PowerShell: takes the real command line, speaks the bridge's protocol, and does what comments tell it.

It finds the functions of the real script by their words; what each does stands in a comment of the script:
``#fake Get-It => {"outputs": ["DI"]}``; with words before the arrow for calls whose arguments have these words. What
PowerShell itself would do is not tested with it. ``FakeShell`` is the same for any way of speaking with it.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SWITCHES = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]


class FakeShell:
    """The inside: one script, and what it keeps. The arguments are how it speaks with the world."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        leave: Callable[[int], None],
        sleep: Callable[[float], bool],
        hang: Callable[[], None],
    ) -> None:
        self.write = write
        self.leave = leave
        self.sleep = sleep
        """Waits; returns whether it was stopped."""
        self.hang = hang
        self.credential = ("", "")
        self.started: list[subprocess.Popen[bytes]] = []
        self._count = 0
        self._fakes: list[tuple[str, str, dict[str, Any]]] = []
        self._lines: dict[str, int] = {}
        self._script = ""

    def send(self, **fields: object) -> None:
        self.write(json.dumps(fields))

    def answer(self, request: dict[str, Any]) -> None:
        match request["op"]:
            case "ping":
                self.send(pong=True)
            case "credential":
                self.credential = (unmarked(request["username"]), unmarked(request["password"]))
            case "load":
                self._load(request)
            case _:
                self._call(request)

    def _load(self, request: dict[str, Any]) -> None:
        path = Path(request["path"])
        text = unmarked(request["text"]) if "text" in request else path.read_text(encoding="utf-8-sig")
        number = request["id"]
        code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        if code.count("{") != code.count("}"):
            error = {"message": "syntax error: Missing closing '}'", "file": path.name, "line": text.count("\n")}
            self.send(id=number, ok=False, error=error)
            return
        self._script = path.name
        fakes = re.finditer(r"#fake ([\w-]+) ?(.*?) => (.*)", text)
        self._fakes = [(m[1], m[2], json.loads(m[3])) for m in fakes]
        begins = re.finditer(r"^function ([\w-]+)", text, re.MULTILINE)
        self._lines = {m[1]: text[: m.start()].count("\n") + 1 for m in begins}
        self.send(id=number, ok=True, functions=functions(text))

    def _call(self, request: dict[str, Any]) -> None:
        number, name = request["id"], request["function"]
        fake = self._fake_for(request)
        self._say(fake)
        for value in self._values(fake, request):
            self.send(id=number, value=value)
        if fake.get("hang"):
            self.hang()
        if "exit" in fake:
            self.leave(fake["exit"])
        elif "sleep" in fake and self.sleep(fake["sleep"]):
            self.send(id=number, ok=False, error={"message": "was stopped"})
        elif "unexpected" in fake:
            self.send(id=number, ok=False, error={"message": fake.get("message", ""), "stops_all": fake["unexpected"]})
        elif "error" in fake:
            error = {"message": fake["error"], "file": self._script, "line": self._lines[name] + 1}
            self.send(id=number, ok=False, error=error)
        else:
            self.send(id=number, ok=True)

    def _fake_for(self, request: dict[str, Any]) -> dict[str, Any]:
        arguments = json.dumps(request["arguments"])
        fitting = (fake for name, words, fake in self._fakes if name == request["function"] and words in arguments)
        return next(fitting, {})

    def _say(self, fake: dict[str, Any]) -> None:
        for line in fake.get("noise", []):
            self.write(line)
        for line in fake.get("warnings", []):
            self.send(stream="warning", data=line)
        if fake.get("leak"):
            self.send(stream="warning", data=f"the password is {self.credential[1]}")

    def _values(self, fake: dict[str, Any], request: dict[str, Any]) -> Iterator[object]:
        if fake.get("count"):
            self._count += 1
            yield self._count
        if fake.get("first"):
            self._count += 1
            yield self._count == 1
        if fake.get("echo"):
            named = {name: unmarked(value) for name, value in request["named"].items()}
            yield {"named": named, "positional": [unmarked(each) for each in request["arguments"]]}
        if fake.get("credential") and request["credentials"]:
            user, password = self.credential
            yield f"{user} {len(password)}"
        yield from fake.get("outputs", [])
        if fake.get("grandchild"):
            self.started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))
            yield self.started[-1].pid


def unmarked(marked: str) -> str:
    assert marked.startswith("="), marked
    return marked[1:]


def functions(code: str) -> list[dict[str, object]]:
    found = []
    for match in re.finditer(
        r"^function\s+([\w-]+)\s*\{?(?:\s*param\s*\((.*?)\)\s*;?)?", code, re.MULTILINE | re.DOTALL
    ):
        names = re.findall(r"\$(\w+)", match[2] or "")
        found.append({"name": match[1], "parameters": names})
    return found


def main() -> None:
    *switches, bridge = sys.argv[1:]
    assert switches == SWITCHES, switches
    assert bridge.endswith("bridge.ps1"), bridge
    assert Path(bridge).is_file(), bridge
    writing, stopped = threading.Lock(), threading.Event()

    def write(line: str) -> None:
        with writing:
            sys.stdout.buffer.write(line.encode() + b"\n")
            sys.stdout.buffer.flush()

    shell = FakeShell(write, leave=os._exit, sleep=stopped.wait, hang=lambda: time.sleep(600))
    shell.send(ready=True, protocol=1, pid=os.getpid(), version="fake")
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["op"] == "stop":
            stopped.set()
        elif request["op"] == "call":
            stopped.clear()
            threading.Thread(target=shell.answer, args=(request,), daemon=True).start()
        else:
            shell.answer(request)
    os._exit(0)


if __name__ == "__main__":
    main()
