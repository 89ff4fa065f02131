"""How values are read: where one stands, what was found wrong so far, and what the reading may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final

from autosync.ports.registry import OptionPath, Registries


class Wrong(ValueError):
    """A value is wrong; the message is for the person who wrote it."""


class Spoilt(Wrong):
    """What should be built is wrong further inwards, and that is already noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake or a warning at a path; its place in the file is looked up at the end."""

    path: OptionPath
    message: str
    on_key: bool = False
    warning: bool = False


MOST_MISTAKES: Final = 200
"""Nobody reads more, and a file with more is of another kind."""


class Enough(Exception):
    """So many mistakes that reading on tells nothing."""


class Findings:
    """All that was found in one reading."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.mistakes = 0

    def add(self, finding: Finding) -> None:
        """Note a finding; raise ``Enough`` after the last that is worth it."""
        self.found.append(finding)
        self.mistakes += not finding.warning
        if len(self.found) >= MOST_MISTAKES:
            raise Enough


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
    path: OptionPath = ()
    findings: Findings = field(default_factory=Findings)

    def at(self, *keys: str | int) -> "Place":
        """Return the place further inwards."""
        return Place(self.context, (*self.path, *keys), self.findings)

    def wrong(self, message: str, *, on_key: bool = False) -> None:
        """Note a mistake here."""
        self.findings.add(Finding(path=self.path, message=message, on_key=on_key))

    def note(self, error: Wrong) -> None:
        """Note what was raised, unless it is already noted further inwards."""
        if not isinstance(error, Spoilt):
            self.wrong(str(error))

    @property
    def mistakes(self) -> int:
        """Return how many mistakes were noted so far, anywhere."""
        return self.findings.mistakes

    def warn(self, message: str, *, on_key: bool = False) -> None:
        """Note something that is allowed, but probably not meant."""
        self.findings.add(Finding(path=self.path, message=message, on_key=on_key, warning=True))
