import os
from pathlib import Path

import pytest

from autosync.adapters.secrets.files import LARGEST
from autosync.adapters.secrets.sources import Secrets
from autosync.model.errors import ConfigError
from autosync.ports.secrets import Secret, SecretKind, SecretReference, secret_reference

posix = pytest.mark.skipif(os.name == "nt", reason="who may read a file is said by its access list there")


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hunter2")

    assert f"{secret} {secret!r} {[secret]}" == "Secret(***) Secret(***) [Secret(***)]"
    assert secret.reveal() == "hunter2"


def test_references_are_read_and_shown_without_the_secret() -> None:
    assert secret_reference({"env": "NAME"}) == SecretReference(kind=SecretKind.ENV, name="NAME")
    assert str(secret_reference({"file": "a/b"})) == "file:a/b"


@pytest.mark.parametrize(
    "data", ["hunter2", 5, None, ["hunter2"], {}, {"hunter2": "x"}, {"env": ""}, {"env": 5}, {"env": "a", "file": "b"}]
)
def test_what_is_no_reference_is_refused_without_repeating_it(data: object) -> None:
    with pytest.raises(ValueError, match=r"write \{env: NAME\}") as caught:
        secret_reference(data)

    assert "hunter2" not in str(caught.value)


def test_a_variable_holds_a_secret() -> None:
    assert Secrets({"A": " x "}).find("env:A").reveal() == " x "


@pytest.mark.parametrize(("variables", "state"), [({}, "not set"), ({"A": ""}, "empty")])
def test_a_variable_without_a_secret_is_named(variables: dict[str, str], state: str) -> None:
    with pytest.raises(ConfigError, match=f"environment variable A is {state}"):
        Secrets(variables).find("env:A")


def test_a_file_beside_the_configuration_holds_a_secret(tmp_path: Path) -> None:
    written(tmp_path / "pw", b"\xef\xbb\xbfhunter2\r\n")

    assert Secrets({}, tmp_path).find("file:pw").reveal() == "hunter2"
    assert Secrets({}).find(f"file:{tmp_path / 'pw'}").reveal() == "hunter2"


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_can_read_or_write_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / "pw", b"hunter2", mode)

    with pytest.raises(ConfigError, match=f"can be read by others: chmod 600 {path}") as caught:
        Secrets({}, tmp_path).find("file:pw")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter2\xff", "is not UTF-8 text"),
        (b"x" * (LARGEST + 1), "more than 64 KB"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    written(tmp_path / "pw", content)

    with pytest.raises(ConfigError, match=message) as caught:
        Secrets({}, tmp_path).find("file:pw")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="pw cannot be read"):
        Secrets({}, tmp_path).find("file:pw")


def test_a_named_secret_is_found_among_systemds_credentials_first(tmp_path: Path) -> None:
    written(tmp_path / "credentials" / "hr-db", b"one")
    written(tmp_path / "secrets" / "hr-db", b"two")
    written(tmp_path / "secrets" / "other", b"three")
    secrets = Secrets({"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}, tmp_path)

    assert secrets.find("secret:hr-db").reveal() == "one"
    assert secrets.find("secret:other").reveal() == "three"


def test_a_named_secret_that_is_nowhere_tells_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no secret x: put it into a file of that name") as caught:
        Secrets({}, tmp_path).find("secret:x")

    assert str(tmp_path / "secrets") in str(caught.value)


@pytest.mark.parametrize("name", ["../pw", "a/b", "..", "", "/etc/passwd", "a b"])
def test_a_name_leads_to_no_other_folder(tmp_path: Path, name: str) -> None:
    written(tmp_path / "pw", b"x")

    with pytest.raises(ConfigError):
        Secrets({}, tmp_path).find(f"secret:{name}")


@pytest.mark.parametrize("reference", ["hunter2", "pw:hunter2", "env:", ""])
def test_what_is_no_reference_is_not_repeated(reference: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Secrets({}).find(reference)

    assert "hunter2" not in str(caught.value)
