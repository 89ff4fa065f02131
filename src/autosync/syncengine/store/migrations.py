"""How an older store becomes a newer one: SQL by the version that it starts from."""

from collections.abc import Mapping
from typing import Final

MIGRATIONS: Final[Mapping[int, str]] = {}
"""Version 1 is the first. ``{1: "ALTER TABLE …;"}`` leads from schema 1 to 2."""
