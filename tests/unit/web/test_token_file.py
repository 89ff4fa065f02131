import stat
import sys
from pathlib import Path

import pytest

from autosync.model.errors import ConfigError
from autosync.web.owner_only import keep_to_owner
from autosync.web.token_file import ensure_token

posix = pytest.mark.skipif(sys.platform == "win32", reason="rights are of another kind there")


def test_a_token_is_made_once_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "state" / "autosync.token"

    first = ensure_token(file)

    assert len(first.reveal()) >= 40
    assert ensure_token(file).reveal() == first.reveal()
    assert first.reveal() not in repr(first)


def test_two_services_have_two_tokens(tmp_path: Path) -> None:
    assert ensure_token(tmp_path / "a").reveal() != ensure_token(tmp_path / "b").reveal()


@posix
def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    file = tmp_path / "autosync.token"

    ensure_token(file)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "autosync.token"
    token = ensure_token(file)
    file.chmod(mode)

    with pytest.raises(ConfigError, match="chmod 600") as told:
        ensure_token(file)

    assert token.reveal() not in str(told.value)


@pytest.mark.parametrize("content", ["", "short", "é" * 40])
def test_a_file_without_a_token_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "autosync.token"
    ensure_token(file)
    file.write_text(content, encoding="utf-8")

    if "é" in content:
        file.write_bytes(b"\xff" * 10)
    with pytest.raises(ConfigError, match="holds no token"):
        ensure_token(file)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(ConfigError, match="cannot"):
        ensure_token(tmp_path / "file" / "autosync.token")


def test_where_rights_are_given_at_the_making_nothing_more_is_done(tmp_path: Path) -> None:
    assert keep_to_owner(tmp_path, platform="linux")


def test_without_the_program_that_sets_rights_the_folder_protects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not keep_to_owner(tmp_path / "token", platform="win32")
