"""Make ``.venv`` ready: pinned, hashed requirements and AutoSync itself, in editable form.

    python scripts/bootstrap.py [run | dev | docs | kerberos]

Needs nothing but Python. A second call finds its stamp and does nothing. Nothing unpinned is ever fetched: what must
be built finds its build backend installed. Old Pythons can still read this file, so they get a sentence.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "autosync-stamp.json"
OLDEST = (3, 11)

# What each level installs, after the build backends. `dev` and `docs` hold everything that `run` does.
# `kerberos` compiles on Linux, with the system's libkrb5-dev and a C compiler.
LEVELS = {
    "run": ("runtime.txt",),
    "dev": ("dev.txt",),
    "docs": ("docs.txt",),
    "kerberos": ("kerberos-build.txt", "kerberos.txt"),
}
INCLUDED_IN = {"run": ("run", "dev", "docs", "kerberos"), "dev": ("dev",), "docs": ("docs",), "kerberos": ("kerberos",)}

PIP_INSTALL = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "--no-deps")
FROM_PINS = ("--no-build-isolation", "--require-hashes", "--prefer-binary", "-r")


class Trouble(Exception):
    """What stands in the way, in one sentence."""


def main(arguments: list[str]) -> int:
    """Bring ``.venv`` to the asked level; return the exit status."""
    level = arguments[0] if arguments else "run"
    if sys.version_info < OLDEST:
        here = "{} is {}.{}".format(sys.executable, *sys.version_info[:2])
        return complain(f"AutoSync needs Python 3.11 or newer; {here}. Name another: make demo PYTHON=python3.12")
    if level not in LEVELS:
        return complain(f"usage: bootstrap.py [{' | '.join(LEVELS)}]")
    try:
        prepare(level)
    except Trouble as trouble:
        return complain(str(trouble))
    except KeyboardInterrupt:
        return complain("\ninterrupted; the next call goes on from here")
    return 0


def prepare(level: str) -> None:
    """Create or complete the environment, unless it is as the checkout asks for."""
    done = installed_levels()
    if done is not None and any(done.get(other) == digest(other) for other in INCLUDED_IN[level]):
        return
    begin = time.monotonic()
    if sys.stdout.isatty():
        print("preparing the environment (once) ...", end="\r", flush=True)
    if done is None:
        create()
        done = {}
    done.pop(level, None)
    write_stamp(done)
    install(level)
    write_stamp({**done, level: digest(level)})
    ready = f"{tick()} environment ready ({time.monotonic() - begin:.0f} s)"
    print(f"{ready:36}" if sys.stdout.isatty() else ready, flush=True)


def create() -> None:
    """Make an empty environment, in place of a broken one."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Trouble("this Python comes without its venv module. On Debian and Ubuntu: sudo apt install python3-venv")
    run([sys.executable, "-m", "venv", "--clear", str(VENV)], "could not make .venv")


def install(level: str) -> None:
    """Install the build backends, then what the level pins, then AutoSync itself."""
    pip = [str(PYTHON), *PIP_INSTALL]
    for name in ("build.txt", *LEVELS[level]):
        run([*pip, *FROM_PINS, f"requirements/{name}"], f"could not install requirements/{name} (see above)")
    run([*pip, "--no-build-isolation", "--editable", "."], "could not install AutoSync itself (see above)")


def installed_levels() -> dict[str, str] | None:
    """Return the fingerprint of each installed level; None if there is no environment, or it is another's."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(stamp, dict) and all(stamp.get(key) == value for key, value in identity().items())
    return dict(stamp["levels"]) if is_ours and PYTHON.exists() else None


def write_stamp(levels: dict[str, str]) -> None:
    """Record what is installed."""
    STAMP.write_text(json.dumps({**identity(), "levels": levels}, indent=2), encoding="utf-8")


def identity() -> dict[str, str]:
    """Return what an environment does not survive a change of."""
    return {"path": str(VENV), "python": "{}.{}".format(*sys.version_info[:2])}


def digest(level: str) -> str:
    """Return the fingerprint of everything that decides what ``level`` installs."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # The tools' settings are in the same file, and install nothing.
    deciding = [project["build-system"], project["project"], project["tool"]["hatch"]]
    seal = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode())
    for name in ("build.txt", *LEVELS[level]):
        seal.update((ROOT / "requirements" / name).read_bytes())
    return seal.hexdigest()


def run(command: list[str], otherwise: str) -> None:
    """Run ``command`` silently; if it fails, show what it said and raise ``otherwise``."""
    answer = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if answer.returncode != 0:
        sys.stderr.write("\n" + (answer.stdout + answer.stderr).decode(errors="replace"))
        raise Trouble(otherwise)


def complain(sentence: str) -> int:
    """Say what stands in the way; return the exit status for that."""
    sys.stderr.write(sentence + "\n")
    return 1


def tick() -> str:
    """Return a tick that this terminal can show."""
    try:
        "✓".encode(sys.stdout.encoding or "ascii")
    except UnicodeError:
        return "ok:"
    return "✓"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
