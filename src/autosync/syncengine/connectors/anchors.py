"""How several columns make one anchor."""

from collections.abc import Sequence

_BETWEEN = "|"
_ESCAPE = "\\"


def join_anchor(parts: Sequence[str]) -> str:
    """Return one anchor for ``parts``: a single part as it is, several joined so that no two lists look alike."""
    if len(parts) == 1:
        return parts[0]
    return _BETWEEN.join(part.replace(_ESCAPE, _ESCAPE * 2).replace(_BETWEEN, _ESCAPE + _BETWEEN) for part in parts)


def split_anchor(anchor: str, count: int) -> list[str]:
    """Return the ``count`` parts of an anchor; raise ``ValueError`` when it has another number of them."""
    if count == 1:
        return [anchor]
    parts, part, letters = [], "", iter(anchor)
    for letter in letters:
        if letter == _ESCAPE:
            part += next(letters, "")
        elif letter == _BETWEEN:
            parts.append(part)
            part = ""
        else:
            part += letter
    parts.append(part)
    if len(parts) != count:
        raise ValueError(f"the anchor {anchor!r} has {len(parts)} parts instead of {count}")
    return parts
