"""All sources of secrets of an installation behind one: ``env:NAME``, ``file:path`` and ``secret:name``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from autosync.adapters.secrets.environment import EnvironmentSecrets
from autosync.adapters.secrets.files import FileSecrets, NamedSecrets
from autosync.model.errors import ConfigError
from autosync.ports.secrets import Secret, SecretKind, SecretSource

CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what ``LoadCredential=`` names."""
FOLDER: Final = "secrets"
"""The folder beside the configuration file."""


class Secrets:
    """Finds secrets by their references' text (``str(SecretReference)``). Implements ``SecretSource``.

    ``folder`` is the configuration file's: relative paths and the folder ``secrets`` start there.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path | None = None) -> None:
        beside = folder or Path()
        credentials = environment.get(CREDENTIALS)
        named = [*([Path(credentials)] if credentials else []), beside / FOLDER]
        self._sources: Mapping[SecretKind, SecretSource] = {
            SecretKind.ENV: EnvironmentSecrets(environment),
            SecretKind.FILE: FileSecrets(beside),
            SecretKind.SECRET: NamedSecrets(named),
        }

    def find(self, reference: str) -> Secret:
        """Return the secret; raise ``ConfigError`` that names the reference, never the value."""
        kind, colon, name = reference.partition(":")
        if not colon or kind not in set(SecretKind) or not name:
            # What came is not repeated: it may be the secret itself.
            raise ConfigError("this is no reference to a secret: expected env:NAME, file:path or secret:name")
        return self._sources[SecretKind(kind)].find(name)
