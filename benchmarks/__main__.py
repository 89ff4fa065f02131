"""All benchmarks in their quick form, one after the other: ``make bench``. Each alone: ``python -m benchmarks.NAME --help``."""

import subprocess
import sys

QUICK = {
    "orchestrator in simulated time": ("benchmarks.orchestrator", "--quick"),
    "orchestrator in real time": ("benchmarks.runtime", "--quick"),
    "embedded engine": ("benchmarks.engine", "--objects", "20000"),
    "directories": ("benchmarks.directory", "--entries", "20000", "--adds", "2000", "--rounds", "1"),
    "triggers": ("benchmarks.triggers", "--quick"),
}


def main() -> int:
    """Run them all; return 1 if one failed."""
    failed = False
    for title, (module, *options) in QUICK.items():
        print(f"\n== {title}: python -m {' '.join([module, *options])}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", module, *options], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
