"""Pin and hash every requirement: pyproject.toml -> requirements/*.txt.

The files agree with each other, hold for every platform, and name no package registry.
Run ``make lock`` after changing a dependency; ``make lock ARGS=--upgrade`` takes the newest versions.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.*"
UV_VENV = ROOT / ".cache" / "uv"
FLAGS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-header",
    "--quiet",
)
# Each file is held to the pins of those before it, so that one environment can take them all.
FILES: dict[str, tuple[str, ...]] = {
    "runtime": ("pyproject.toml",),
    "build": ("--group=build",),
    "dev": ("pyproject.toml", "--group=dev"),
    "docs": ("pyproject.toml", "--group=docs"),
    "kerberos-build": ("--group=kerberos-build",),
    "kerberos": ("pyproject.toml", "--extra=kerberos"),
}


def uv() -> str:
    """Return the path of a uv of our own, installing it at the first call."""
    program = UV_VENV / ("Scripts/uv.exe" if os.name == "nt" else "bin/uv")
    if not program.exists():
        venv.create(UV_VENV, with_pip=True)
        python = program.with_name("python.exe" if os.name == "nt" else "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", UV], check=True)
    return str(program)


def main(arguments: list[str]) -> int:
    """Write the files; ``arguments`` go to uv as they are."""
    program = uv()
    done: list[str] = []
    for name, sources in FILES.items():
        target = f"requirements/{name}.txt"
        constraints = [f"--constraint={earlier}" for earlier in done]
        command = [program, "pip", "compile", *sources, *FLAGS, *constraints, f"--output-file={target}", *arguments]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        done.append(target)
        print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
