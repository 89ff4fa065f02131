"""Secrets in environment variables: ``{env: NAME}``."""

from collections.abc import Mapping
from dataclasses import dataclass

from autosync.model.errors import ConfigError
from autosync.ports.secrets import Secret


@dataclass(frozen=True, slots=True)
class EnvironmentSecrets:
    """Finds secrets in the variables of the service."""

    variables: Mapping[str, str]

    def find(self, reference: str) -> Secret:
        """Return the variable's value as it is; raise ``ConfigError`` when it is not set or empty."""
        value = self.variables.get(reference, "")
        if not value:
            state = "empty" if reference in self.variables else "not set"
            raise ConfigError(
                f"the environment variable {reference} is {state}; the configuration takes a secret from it"
            )
        return Secret(value)
