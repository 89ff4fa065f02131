"""The first command that a newcomer runs: it says in a sentence what is wrong, and does nothing twice."""

import importlib.util
import io
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script, pointed at a checkout of its own, with a list of the commands it would run."""
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements").mkdir()
    for name in ("build", "runtime", "dev", "docs"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("one==1\n", encoding="utf-8")
    project = '[build-system]\n[project]\nname = "x"\n[tool.hatch]\n[tool.ruff]\nline-length = 1\n'
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    venv = tmp_path / ".venv"
    commands: list[list[str]] = []

    def run(command: list[str], otherwise: str) -> None:
        commands.append(command)
        venv.mkdir(exist_ok=True)
        (venv / "python").touch()

    replacements = {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "python",
        "STAMP": venv / "stamp.json",
        "run": run,
        "commands": commands,
    }
    for name, value in replacements.items():
        monkeypatch.setattr(module, name, value, raising=False)
    return module


def test_it_installs_once(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert [bootstrap.main(["dev"]), bootstrap.main(["dev"]), bootstrap.main(["run"])] == [0, 0, 0]

    assert len(bootstrap.commands) == 4  # the environment, the build backends, the requirements, AutoSync
    assert "environment ready" in capsys.readouterr().out


def test_everything_is_hashed_and_nothing_is_fetched_to_build(bootstrap: ModuleType) -> None:
    bootstrap.main(["dev"])

    installs = [command for command in bootstrap.commands if "install" in command]
    assert len(installs) == 3
    assert all("--no-build-isolation" in command and "--no-deps" in command for command in installs)
    assert all("--require-hashes" in command for command in installs if "-r" in command)


def test_a_changed_pin_installs_again_into_the_same_environment(bootstrap: ModuleType, tmp_path: Path) -> None:
    bootstrap.main(["dev"])
    bootstrap.commands.clear()
    (tmp_path / "requirements" / "dev.txt").write_text("one==2\n", encoding="utf-8")

    bootstrap.main(["dev"])

    assert not [command for command in bootstrap.commands if "venv" in command]
    assert len(bootstrap.commands) == 3


def test_a_changed_tool_setting_installs_nothing(bootstrap: ModuleType, tmp_path: Path) -> None:
    bootstrap.main(["dev"])
    bootstrap.commands.clear()
    project = tmp_path / "pyproject.toml"
    project.write_text(project.read_text(encoding="utf-8").replace("= 1", "= 2"), encoding="utf-8")

    bootstrap.main(["dev"])

    assert bootstrap.commands == []


@pytest.mark.parametrize(("key", "value"), [("path", "/elsewhere"), ("python", "3.2")])
def test_an_environment_that_moved_is_made_anew(bootstrap: ModuleType, key: str, value: str) -> None:
    bootstrap.main(["dev"])
    bootstrap.commands.clear()
    stamp = json.loads(bootstrap.STAMP.read_text(encoding="utf-8"))
    bootstrap.STAMP.write_text(json.dumps({**stamp, key: value}), encoding="utf-8")

    bootstrap.main(["dev"])

    assert "--clear" in bootstrap.commands[0]


def test_what_failed_half_way_goes_on_from_there(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    run = bootstrap.run

    def fails_at_requirements(command: list[str], otherwise: str) -> None:
        if any("dev.txt" in word for word in command):
            raise bootstrap.Trouble(otherwise)
        run(command, otherwise)

    monkeypatch.setattr(bootstrap, "run", fails_at_requirements)
    assert bootstrap.main(["dev"]) == 1
    bootstrap.commands.clear()
    monkeypatch.setattr(bootstrap, "run", run)

    assert bootstrap.main(["dev"]) == 0
    assert len(bootstrap.commands) == 3


def test_an_old_python_gets_a_sentence(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))

    status = bootstrap.main(["dev"])

    assert (status, bootstrap.commands) == (1, [])
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


def test_a_missing_venv_module_names_the_package(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    assert bootstrap.main(["dev"]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


@pytest.mark.parametrize(("encoding", "tick"), [("utf-8", "✓"), ("cp1252", "ok:"), ("ascii", "ok:")])
def test_the_tick_is_one_that_the_terminal_can_show(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, encoding: str, tick: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))

    assert bootstrap.tick() == tick
