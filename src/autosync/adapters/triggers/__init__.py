"""Triggers that watch connected systems, and the words by which the configuration asks for them."""

from collections.abc import Mapping
from typing import Final, Protocol

from autosync.adapters.triggers.file import FileKind
from autosync.ports.clock import Clock
from autosync.ports.registry import OptionKind
from autosync.ports.trigger import Trigger


class TriggerKind(OptionKind, Protocol):
    """A type of trigger: what the configuration must know of it, and how one is made."""

    def build(self, options: object, clock: Clock) -> Trigger:
        """Return a trigger of the options that ``parse`` made."""
        ...


KINDS: Final[Mapping[str, TriggerKind]] = {"file": FileKind()}
"""By the word under ``type``. Interval and schedule are not here: the core decides them."""
