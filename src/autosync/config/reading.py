"""How values are read: where one stands, what was found wrong so far, and what the reading may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from autosync.config.mistakes import Path
from autosync.ports.registry import Registries


class Wrong(ValueError):
    """A value is wrong; the message is for the person who wrote it."""


class Spoilt(Wrong):
    """What should be built is wrong further inwards, and that is already noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake or a warning at a path; its place in the file is looked up at the end."""

    path: Path
    message: str
    on_key: bool = False
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What reading may ask beside the file itself."""

    folder: FilePath
    """Relative paths in the file start here."""
    registries: Registries
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value being read stands. All places of one reading share their findings."""

    context: Context
    path: Path = ()
    findings: list[Finding] = field(default_factory=list)

    def at(self, *keys: str | int) -> "Place":
        """Return the place further inwards."""
        return Place(self.context, (*self.path, *keys), self.findings)

    def wrong(self, message: str, *, on_key: bool = False) -> None:
        """Note a mistake here."""
        self.findings.append(Finding(path=self.path, message=message, on_key=on_key))

    def note(self, error: Wrong) -> None:
        """Note what was raised, unless it is already noted further inwards."""
        if not isinstance(error, Spoilt):
            self.wrong(str(error))

    @property
    def mistakes(self) -> int:
        """Return how many mistakes were noted so far, anywhere."""
        return sum(not found.warning for found in self.findings)

    def warn(self, message: str, *, on_key: bool = False) -> None:
        """Note something that is allowed, but probably not meant."""
        self.findings.append(Finding(path=self.path, message=message, on_key=on_key, warning=True))
