"""Mistakes in the rules, each with its place, all of them at once."""

from autosync.syncengine.connectors.settings_reading import Mistake, Path


class SpecError(ValueError):
    """Rules with mistakes. ``path`` and ``message`` are those of the first, ``mistakes`` holds all.

    A path leads from the engine's section inwards: ``("agents", "hr", "person", "import", "title")``.
    """

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("; ".join(f"{' › '.join(map(str, each.path))}: {each.message}" for each in mistakes))
        self.mistakes = mistakes

    @property
    def path(self) -> Path:
        """Return the place of the first mistake."""
        return self.mistakes[0].path

    @property
    def message(self) -> str:
        """Return the first mistake."""
        return self.mistakes[0].message
