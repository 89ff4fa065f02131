"""Writes the reference of every key, with those of all kinds, into a page: ``python -m autosync.bootstrap.reference PAGE``."""

import sys
from pathlib import Path

from autosync.bootstrap.kinds import KINDS
from autosync.config.reference import inserted


def main(arguments: list[str]) -> int:
    """Write the reference into the page that the only argument names."""
    page = Path(arguments[0])
    page.write_text(inserted(page.read_text(encoding="utf-8"), KINDS), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
