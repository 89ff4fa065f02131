"""Follow names through a log of changes that tells names only: what an object was called before, and what it is called now.

A name says nothing by itself: what was deleted may have a successor of the same name, and what was renamed left its name to
another. So each row moves names, and in the end every object that was touched is known by its name before and its name now.
"""

from dataclasses import dataclass, field

from autosync.directory.errors import BadName
from autosync.directory.names import ancestors, is_within, same_name_key


@dataclass(slots=True)
class Whereabouts:
    """The names below one base."""

    base: str
    gone: dict[str, None] = field(default_factory=dict)
    """Names before of what was deleted, or moved away from the base."""
    left: dict[str, None] = field(default_factory=dict)
    """Names before of what is called otherwise now."""
    moved: dict[str, str] = field(default_factory=dict)
    """Names now of what was renamed, by key: what is below was renamed with it. Also names out of the base."""
    _touched: dict[str, str] = field(default_factory=dict)
    _before: dict[str, str | None] = field(default_factory=dict)
    """The name before by the key of the name now; None for what is new."""

    def touched(self) -> dict[str, str | None]:
        """Return the names now of what was touched, and the name of each before: None for what is new."""
        return {name: self.before(name) for key, name in self._touched.items() if self._is_ours(key)}

    def is_ours(self, name: str) -> bool:
        """Return whether a name lies below the base."""
        return self._is_ours(_key(name))

    def before(self, name: str) -> str | None:
        """Return what was called before what is called so now; None for what is new."""
        key = _key(name)
        if key in self._before:
            return self._before[key]
        for above in ancestors(key):
            if above in self._before:
                was = self._before[above]
                own = name[: len(name) - len(above)] if name.lower().endswith(above) else key[: len(key) - len(above)]
                return None if was is None else own + was
        return name

    def changed(self, name: str) -> None:
        """Take note of a change of attributes."""
        self._touched[_key(name)] = name

    def added(self, name: str) -> None:
        """Take note of a new object."""
        self._before[_key(name)] = None
        self.changed(name)

    def deleted(self, name: str) -> None:
        """Take note of an end."""
        self._end(self.before(name))
        self._forget(_key(name))
        self._before[_key(name)] = None

    def renamed(self, name: str, new: str) -> None:
        """Take note of another name, or another place."""
        key, new_key, was = _key(name), _key(new), self.before(name)
        below = {each: text for each, text in self._touched.items() if each != key and is_within(each, key)}
        befores = [each for each in self._before if each != key and is_within(each, key)]
        self._forget(key)
        self._before[key] = None
        for each in befores:
            self._before[each[: -len(key)] + new_key] = self._before.pop(each)
        for each, text in below.items():
            self._touched[each[: -len(key)] + new_key] = text[: -len(name)] + new
        self._before[new_key] = was
        self.moved[new_key] = new
        self.changed(new)
        if was is not None and self._is_ours(_key(was)):
            self.left[was] = None

    def settle(self) -> None:
        """Count what was moved away from the base with what is gone."""
        for key, name in self._touched.items():
            if key in self.moved and not self._is_ours(key):
                self._end(self.before(name))

    def _end(self, was: str | None) -> None:
        if was is not None and self._is_ours(_key(was)):
            self.left.pop(was, None)
            self.gone[was] = None

    def _forget(self, key: str) -> None:
        for each in [each for each in self._touched if is_within(each, key)]:
            del self._touched[each]
        for each in [each for each in self.moved if is_within(each, key)]:
            del self.moved[each]

    def _is_ours(self, key: str) -> bool:
        return is_within(key, _key(self.base))


def _key(name: str) -> str:
    try:
        return same_name_key(name)
    except BadName:
        return name.lower()
