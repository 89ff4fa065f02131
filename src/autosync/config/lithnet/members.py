"""The members of one serialized object, read in any order; what is unknown, twice or wrong is noted, never skipped silently."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from autosync.config.lithnet import xsd_values
from autosync.config.lithnet.elements import PRODUCT, Element
from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.predecessor import Password

T = TypeVar("T")


class Members:
    """Reads members by name. A missing one, and one that is nil, is what .NET assumes: false, 0, nothing."""

    def __init__(self, element: Element, known: Iterable[str], where: str, notes: Notes) -> None:
        self._where = where
        self._notes = notes
        self._found: dict[str, Element] = {}
        order = list(known)
        places = []
        for child in element.children:
            name = child.name
            if child.space != PRODUCT or name not in order:
                notes.look(where, f"the element {name} is unknown and was not taken over")
            elif name in self._found:
                notes.look(where, f"{name} is given twice; the first counts")
            else:
                self._found[name] = child
                places.append(order.index(name))
        if places != sorted(places):
            notes.look(
                where,
                "its elements are not in the order in which the predecessor wrote them: it skipped those out of place "
                "without a word; here all of them count",
            )

    def has(self, name: str) -> bool:
        """Return whether the member stands in the file and is not nil."""
        return name in self._found and not self._found[name].is_nil

    def child(self, name: str) -> Element | None:
        """Return the member's element, or None."""
        return self._found[name] if self.has(name) else None

    def text(self, name: str) -> str:
        """Return a text, empty where there is none."""
        return self._found[name].text if self.has(name) else ""

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        return self._read(name, xsd_values.flag, False)

    def whole(self, name: str) -> int:
        """Return a whole number."""
        return self._read(name, xsd_values.whole, 0)

    def duration(self, name: str) -> timedelta:
        """Return a length of time."""
        return self._read(name, xsd_values.duration, timedelta(0))

    def moment(self, name: str) -> datetime:
        """Return a moment."""
        return self._read(name, xsd_values.moment, xsd_values.EARLIEST)

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return the items of a list or set of texts; None where the whole list is missing."""
        holder = self.child(name)
        if holder is None:
            return None
        items = [child.text for child in holder.children if child.name == "string" and not child.is_nil]
        for child in holder.children:
            if child.name != "string":
                self._notes.look(self._where, f"the element {child.name} in {name} is unknown and was not taken over")
        return tuple(item for item in items if item)

    def items(self, name: str) -> Iterator[Element]:
        """Yield the elements of a list of objects."""
        holder = self.child(name)
        return iter(holder.children if holder is not None else ())

    def password(self, name: str) -> Password:
        """Return whether there is a password, and whether it could have been read; never the password."""
        element = self.child(name)
        if element is None or not element.text:
            return Password.NONE
        is_encrypted = element.attributes.get("is-encrypted", "").strip().lower() in {"true", "1"}
        return Password.ENCRYPTED if is_encrypted else Password.PLAIN

    def _read(self, name: str, read: Callable[[str], T], missing: T) -> T:
        text = self.text(name)
        if not text:
            return missing
        try:
            return read(text)
        except ValueError as error:
            self._notes.look(self._where, f"{name}: {text[:60]} is {error}; taken as missing")
            return missing
