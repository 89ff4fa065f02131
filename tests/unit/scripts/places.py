"""Where the scripts of the tests run: Python for real, PowerShell's stand-in here and on another machine, real PowerShell."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from autosync.adapters.scripts.life import Patience
from autosync.model.errors import ConfigError
from autosync.options.account import Account
from autosync.options.script import Edition, Language, ScriptOptions
from autosync.ports.secrets import Secret, SecretKind, SecretReference
from autosync.testing.mim.server import MimStandIn
from tests.unit.scripts.remote_pwsh import HOST_PASSWORD, script_server, windows_host

QUICK = Patience(start=30.0, stop=0.3, look=0.05, beat=0.1, deaf=30.0)
PASSWORD = "Sésame-öffne-dich"
SIGN_IN = Account(user="CORP\\svc-sync", password=SecretReference(kind=SecretKind.ENV, name="SCRIPT_PASSWORD"))
FAKE = Path(__file__).with_name("fake_pwsh.py")
REAL = next((found for name in ("pwsh", "powershell") if (found := shutil.which(name))), None)

HOSTS = [
    pytest.param("python", id="python"),
    pytest.param(
        "fake pwsh",
        id="fake-pwsh",
        marks=pytest.mark.skipif(os.name == "nt", reason="the stand-in is started by its first line"),
    ),
    pytest.param("remote", id="remote"),
    pytest.param(
        "pwsh",
        id="pwsh",
        marks=[pytest.mark.pwsh, pytest.mark.skipif(REAL is None, reason="there is no PowerShell on this machine")],
    ),
]


class OneSecret:
    """Knows the script's password, and that of the machine on which it may run."""

    def find(self, reference: str) -> Secret:
        known = {"env:SCRIPT_PASSWORD": PASSWORD, "env:HOST_PASSWORD": HOST_PASSWORD}
        if reference not in known:
            raise ConfigError(f"{reference} is not set")
        return Secret(known[reference])


@contextmanager
def machine(host: str) -> Iterator[MimStandIn | None]:
    """Let there be the machine on which scripts of this host run, where it is not this one, until the end of the block."""
    if host != "remote":
        yield None
        return
    with script_server() as server:
        yield server


def language_of(host: str) -> Language:
    return Language.PYTHON if host == "python" else Language.POWERSHELL


def script_options(
    host: str,
    folder: Path,
    text: str,
    limit_s: float | None = None,
    *,
    signs_in: bool = False,
    server: MimStandIn | None = None,
) -> ScriptOptions:
    """Write the script, and return how it is run by ``host``; ``server`` is its ``machine``."""
    language = language_of(host)
    path = folder / ("script.py" if language is Language.PYTHON else "script.ps1")
    path.write_text(text, encoding="utf-8")
    return ScriptOptions(
        language=language,
        path=path,
        time_limit=None if limit_s is None else timedelta(seconds=limit_s),
        sign_in=SIGN_IN if signs_in else None,
        host=None if server is None else windows_host(server),
        executable={"fake pwsh": str(fake_pwsh(folder)), "pwsh": REAL}.get(host),
        edition=Edition.CORE if language is Language.POWERSHELL else None,
    )


def fake_pwsh(folder: Path) -> Path:
    """Return the stand-in as a program."""
    program = folder / "pwsh"
    if not program.exists():
        program.write_text(
            f"#!{sys.executable}\nimport runpy\nrunpy.run_path({str(FAKE)!r}, run_name='__main__')\n", encoding="utf-8"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program
