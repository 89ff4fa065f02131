"""What to do when the file changed while the service runs: take it over whole, or keep the last good configuration."""

from dataclasses import dataclass
from typing import Final

from autosync.config.load import Loaded
from autosync.config.mistakes import Mistake
from autosync.config.plan import Plan, plan

HALF: Final = (
    "the file ends in the middle: it is the beginning of the running configuration and nothing else, as after an interrupted "
    "save. If the rest was deleted on purpose, end the file with a line of three dots (...)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What is in force after an edit: ``loaded`` is the edited file, or the running one when the edit has mistakes."""

    loaded: Loaded
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()
    plan: Plan | None = None
    """What changes; None when nothing is taken over."""

    @property
    def is_taken_over(self) -> bool:
        """Return whether the edit comes into force and changes anything."""
        return self.plan is not None and not self.plan.is_empty


def after_edit(running: Loaded, edited: Loaded) -> Reloaded:
    """Return what is in force now. An edit with mistakes changes nothing, a half-written file either (W53, #185).

    ``running`` must be good: it is in force.
    """
    old = running.required()
    if edited.configuration is None:
        return Reloaded(loaded=running, mistakes=edited.mistakes, warnings=edited.warnings)
    if _is_half(running.text, edited.text):
        return Reloaded(loaded=running, mistakes=(_at_end(edited),), warnings=edited.warnings)
    return Reloaded(loaded=edited, warnings=edited.warnings, plan=plan(old, edited.configuration))


def _is_half(running: str, edited: str) -> bool:
    whole, part = running.rstrip(), edited.rstrip()
    return len(part) < len(whole) and whole.startswith(part) and not part.endswith("\n...")


def _at_end(edited: Loaded) -> Mistake:
    lines = edited.text.rstrip().splitlines()
    return Mistake(file=edited.document.file, line=len(lines), column=len(lines[-1]) + 1, path=(), message=HALF)
