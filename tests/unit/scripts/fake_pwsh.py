"""A stand-in for PowerShell: takes the real command line, speaks the bridge's protocol, and does what comments tell it.

It finds the functions of the real script by their words; what each does stands in a comment of the script:
``#fake Get-It => {"outputs": ["DI"]}``; with words before the arrow for calls whose arguments have these words. What
PowerShell itself would do is not tested with it.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SWITCHES = ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]

writing = threading.Lock()
stopped = threading.Event()
state: dict[str, Any] = {"count": 0, "credential": None, "fakes": [], "script": ""}


def send(**fields: object) -> None:
    with writing:
        sys.stdout.buffer.write(json.dumps(fields).encode("ascii") + b"\n")
        sys.stdout.buffer.flush()


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


def load(request: dict[str, Any]) -> None:
    path = Path(request["path"])
    text = path.read_text(encoding="utf-8-sig")
    number = request["id"]
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    if code.count("{") != code.count("}"):
        error = {"message": "syntax error: Missing closing '}'", "file": path.name, "line": text.count("\n")}
        send(id=number, ok=False, error=error)
        return
    state["script"] = path.name
    fakes = re.finditer(r"#fake ([\w-]+) ?(.*?) => (.*)", text)
    state["fakes"] = [(m[1], m[2], json.loads(m[3])) for m in fakes]
    begins = re.finditer(r"^function ([\w-]+)", text, re.MULTILINE)
    state["lines"] = {m[1]: text[: m.start()].count("\n") + 1 for m in begins}
    send(id=number, ok=True, functions=functions(text))


def call(request: dict[str, Any]) -> None:
    number, name = request["id"], request["function"]
    fake = fake_for(request)
    say(fake)
    for value in values(fake, request):
        send(id=number, value=value)
    if fake.get("hang"):
        time.sleep(600)
    if "exit" in fake:
        os._exit(fake["exit"])
    if "sleep" in fake and stopped.wait(fake["sleep"]):
        send(id=number, ok=False, error={"message": "was stopped"})
    elif "unexpected" in fake:
        send(id=number, ok=False, error={"message": fake.get("message", ""), "stops_all": fake["unexpected"]})
    elif "error" in fake:
        error = {"message": fake["error"], "file": state["script"], "line": state["lines"][name] + 1}
        send(id=number, ok=False, error=error)
    else:
        send(id=number, ok=True)


def fake_for(request: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(request["arguments"])
    fitting = (fake for name, words, fake in state["fakes"] if name == request["function"] and words in arguments)
    return next(fitting, {})


def say(fake: dict[str, Any]) -> None:
    with writing:
        sys.stdout.buffer.write("".join(f"{line}\n" for line in fake.get("noise", [])).encode())
    for line in fake.get("warnings", []):
        send(stream="warning", data=line)
    if fake.get("leak"):
        send(stream="warning", data=f"the password is {state['credential'][1]}")


def values(fake: dict[str, Any], request: dict[str, Any]) -> Iterator[object]:
    if fake.get("count"):
        state["count"] += 1
        yield state["count"]
    if fake.get("first"):
        state["count"] += 1
        yield state["count"] == 1
    if fake.get("echo"):
        named = {name: unmarked(value) for name, value in request["named"].items()}
        yield {"named": named, "positional": [unmarked(each) for each in request["arguments"]]}
    if fake.get("credential") and request["credentials"]:
        user, password = state["credential"]
        yield f"{user} {len(password)}"
    yield from fake.get("outputs", [])
    if fake.get("grandchild"):
        yield subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid


def answer(request: dict[str, Any]) -> None:
    if request["op"] == "load":
        load(request)
    else:
        call(request)


def main() -> None:
    *switches, bridge = sys.argv[1:]
    assert switches == SWITCHES, switches
    assert bridge.endswith("bridge.ps1"), bridge
    assert Path(bridge).is_file(), bridge
    send(ready=True, protocol=1, pid=os.getpid(), version="fake")
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if request["op"] == "ping":
            send(pong=True)
        elif request["op"] == "stop":
            stopped.set()
        elif request["op"] == "credential":
            state["credential"] = (unmarked(request["username"]), unmarked(request["password"]))
        else:
            stopped.clear()
            threading.Thread(target=answer, args=(request,), daemon=True).start() if request[
                "op"
            ] == "call" else answer(request)
    os._exit(0)


if __name__ == "__main__":
    main()
