"""The stand-in as people start it."""

import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from pypsrp.wsman import WSMan

from autosync.testing.clock import FixedClock
from autosync.testing.mim.__main__ import Life
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.server import MimStandIn
from tests.unit.mim_stand_in.raw import execute, get


def test_changes_happen_at_their_time_and_runs_are_told_from_begin_to_end() -> None:
    clock = FixedClock()
    provider = MimProvider(company(), clock)
    life = Life(provider, Random(1), 10)
    first, nothing = list(life.go_on()), list(life.go_on())
    provider.begin("HR", "DI")
    began = list(life.go_on())
    clock.move(timedelta(seconds=10))
    later = list(life.go_on())

    assert (len(first), nothing, began) == (1, [], ["HR: DI (run 1) in-progress"])
    assert "somebody made a change" in later[0]
    assert later[1:] == ["HR: DI (run 1) success"]
    assert list(life.go_on()) == []


def test_it_says_where_it_listens_and_where_the_password_is(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autosync.testing.mim", "--quick", "--password-file", str(tmp_path / "password")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)/wsman", process.stdout.readline())
        assert found is not None
        assert str(tmp_path) in process.stdout.readline()
        password = (tmp_path / "password").read_text(encoding="utf-8").strip()
        client = WSMan("127.0.0.1", port=int(found[1]), username=ACCOUNT, password=password, ssl=False, auth="ntlm")
        named, said = get(client, "MIIS_ManagementAgent", Name="AD")["Name"], execute(client, "HR", "DI")
        client.close()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()

    assert (named, said) == ("AD", "success")
    assert process.returncode in {0, 1, -signal.SIGTERM}


def test_without_what_it_needs_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("psrpcore", "psrpcore.types"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("commands", "shell", "pipelines"):
        monkeypatch.delitem(sys.modules, f"autosync.testing.mim.{module}", raising=False)
    with pytest.raises(RuntimeError, match="pip install psrpcore"):
        MimStandIn(MimProvider(company(), FixedClock()))
