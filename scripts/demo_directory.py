"""The demo with a real directory: HR file, embedded engine, OpenLDAP. ``make demo-directory``.

OpenLDAP runs on a free port of the loopback address while the demo lasts, with its data in a folder that goes with it.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from autosync.cli.demo.folder import RealDirectory
from autosync.cli.demo.show import show_demo
from autosync.cli.exits import Exit
from autosync.cli.terminal import Terminal
from scripts.services.processes import ServiceMissing, run
from scripts.services.slapd import Slapd, running_slapd

SECRET = "DEMO_DIRECTORY_PASSWORD"  # noqa: S105 - the name of an environment variable


def main() -> int:
    """Show the demo; return its exit status."""
    parser = argparse.ArgumentParser(prog="make demo-directory", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo"))
    parser.add_argument("--stay", action=argparse.BooleanOptionalAction, default=None)
    asked = parser.parse_args()
    terminal = Terminal()
    stay = terminal.is_terminal if asked.stay is None else asked.stay
    try:
        with running_slapd(suffix="dc=example") as slapd:
            os.environ[SECRET] = slapd.password
            shown = show_demo(asked.folder, terminal, stay=stay, directory=described(slapd))
            if shown is Exit.OK:
                tell(slapd, terminal)
    except ServiceMissing as error:
        terminal.line(f"The demo needs OpenLDAP: {error}. Without it: make demo")
        return 1
    return int(shown)


def described(slapd: Slapd) -> RealDirectory:
    """Return the directory as the demo's configuration names it."""
    connector = (
        f'{{type: ldap, server: "{slapd.url}", user: "{slapd.admin}", password: {{env: {SECRET}}}, '
        f'base: "ou=people,{slapd.suffix}"}}'
    )
    return RealDirectory(name=f"OpenLDAP on {slapd.url}", connector=connector)


def tell(slapd: Slapd, terminal: Terminal) -> None:
    """Show with OpenLDAP's own tool what has arrived."""
    base = f"ou=people,{slapd.suffix}"
    found = run(
        [
            "ldapsearch",
            "-x",
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-H",
            slapd.url,
            "-b",
            base,
            "(sn=Lamarr)",
            "employeeNumber",
            "sn",
        ]
    )
    terminal.line()
    terminal.line("What OpenLDAP says about the one who changed her name:")
    for line in found.strip().splitlines():
        terminal.line(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
