"""A Kerberos realm (Samba's) for a test: what this machine must know of it, and the ways to prove who one is."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path

from scripts.services.samba import Samba

ACCOUNT = "Administrator@LAB.TEST"
SERVICE = "host/127.0.0.1"
"""Whom tickets for the stand-in of WinRM are for."""


class Proof(Enum):
    """How an account proves itself."""

    PASSWORD = "password"
    KEYTAB = "keytab"
    TICKET = "ticket"


class Realm:
    """The realm of a domain controller."""

    def __init__(self, samba: Samba, environment: Callable[[str, str], None]) -> None:
        self.samba = samba
        self._environment = environment

    def prove(self, proof: Proof, folder: Path) -> str | None:
        """Give the account its keytab or ticket; return its password where that is the proof."""
        match proof:
            case Proof.PASSWORD:
                return self.samba.password
            case Proof.KEYTAB:
                self._environment("KRB5_CLIENT_KTNAME", f"FILE:{self.samba.keytab('Administrator')}")
                self._environment("KRB5CCNAME", f"FILE:{folder / 'tickets'}")
            case Proof.TICKET:
                self._environment("KRB5CCNAME", f"FILE:{folder / 'tickets'}")
                password = f"{self.samba.password}\n"
                subprocess.run(["kinit", ACCOUNT], input=password, text=True, check=True, capture_output=True)
        return None

    def with_clock(self, minutes: int, script: str, arguments: Sequence[str]) -> str:
        """Return what a script prints in a process whose clock is so far ahead."""
        command = ["faketime", "-f", f"+{minutes}m", sys.executable, "-c", script, *arguments]
        environment = {**os.environ, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )
        return done.stdout + done.stderr
