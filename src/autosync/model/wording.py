"""Counted nouns as every text says them: the one place that knows about plurals."""


def number(count: int, one: str, many: str = "") -> str:
    """Return ``1 change``, ``1,200 changes``; ``many`` where the plural is more than an ``s``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
