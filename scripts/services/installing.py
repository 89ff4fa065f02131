"""Install servers from Debian's packages: as root, and only when asked."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from scripts.services.processes import ServiceFailed

PACKAGES: Final[Mapping[str, Sequence[str]]] = {
    "slapd": ("slapd", "ldap-utils", "openssl"),
    "samba": ("samba-ad-dc", "samba-ad-provision", "ldb-tools", "winbind", "krb5-user", "faketime", "openssl"),
    "kerberos": ("libkrb5-dev", "gcc", "libc6-dev"),
    "postgresql": ("postgresql",),
    "389-ds": ("389-ds-base",),
    "mono": ("mono-mcs", "mono-runtime", "libmono-system-ldap-protocols4.0-cil"),
}
"""What each server needs, by its name; ``kerberos`` is what the client's libraries are compiled with, ``mono`` compiles C#."""

_ANSWERS: Final = "slapd slapd/no_configuration boolean true\n"
"""Asks slapd's package for no directory of the system's own."""


def install(names: Sequence[str]) -> None:
    """Install the servers' packages without asking anything or starting anything; raise ``ServiceFailed``."""
    packages = sorted({package for name in names for package in PACKAGES[name]})
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    commands: list[tuple[list[str], str]] = [
        (["apt-get", "update", "-qq"], ""),
        (["debconf-set-selections"], _ANSWERS if "slapd" in names else ""),
        (["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], ""),
    ]
    for command, given in commands:
        try:
            answer = subprocess.run(
                command, input=given, capture_output=True, text=True, encoding="utf-8", env=environment, check=False,
                timeout=900,
            )  # fmt: skip
        except FileNotFoundError:
            raise ServiceFailed(f"{command[0]} is not there: this needs Debian or one of its relatives") from None
        if answer.returncode != 0:
            raise ServiceFailed(f"{' '.join(command)} failed:\n{(answer.stdout + answer.stderr)[-2000:]}")
