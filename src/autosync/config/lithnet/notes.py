"""What became of everything that stood in the predecessor's configuration: nothing is dropped silently."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from autosync.model.errors import ConfigError
from autosync.options.words import on_one_line


class Fate(StrEnum):
    """What happened to a setting."""

    TAKEN = "Taken over"
    BETTER = "Better now"
    AGAIN = "To be entered again"
    LOOK = "To be looked at"


_MEANING: Final = {
    Fate.TAKEN: "These settings stand in the new configuration.",
    Fate.BETTER: "These settings are not needed any more, or mean more than they did.",
    Fate.AGAIN: "Secrets are never copied. Put each into the environment variable that autosync.yaml names.",
    Fate.LOOK: "A person should decide about these before AutoSync is started.",
}
_ORDER: Final = (Fate.AGAIN, Fate.LOOK, Fate.BETTER, Fate.TAKEN)


class ImportRefused(ConfigError):
    """The file cannot be taken over at all; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line of the report. Never holds a secret."""

    fate: Fate
    where: str
    text: str


@dataclass(slots=True)
class Notes:
    """Collects the lines of the report."""

    all: list[Note] = field(default_factory=list)

    def taken(self, where: str, text: str) -> None:
        """Note what was taken over."""
        self._note(Fate.TAKEN, where, text)

    def better(self, where: str, text: str) -> None:
        """Note what is better now, and what the predecessor did."""
        self._note(Fate.BETTER, where, text)

    def again(self, where: str, text: str) -> None:
        """Note what must be entered again."""
        self._note(Fate.AGAIN, where, text)

    def look(self, where: str, text: str) -> None:
        """Note what a person should decide."""
        self._note(Fate.LOOK, where, text)

    def _note(self, fate: Fate, where: str, text: str) -> None:
        note = Note(fate=fate, where=on_one_line(where), text=on_one_line(text))
        if note not in self.all:
            self.all.append(note)


def report_text(notes: Notes, source: str) -> str:
    """Return the report: what must be done first, what was taken over last."""
    lines = [f"# Report on taking over {source}", ""]
    for fate in _ORDER:
        found = [note for note in notes.all if note.fate is fate]
        if not found:
            continue
        lines += [f"## {fate.value} ({len(found)})", "", _MEANING[fate], ""]
        lines += [f"- {note.where}: {note.text}" for note in found]
        lines.append("")
    return "\n".join(lines)
