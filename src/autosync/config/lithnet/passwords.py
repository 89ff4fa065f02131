"""Where passwords go: into environment variables with telling names, entered by a person; never into the file or the report."""

import re
from typing import Final

from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.predecessor import Password

_NOT_IN_NAMES: Final = re.compile(r"[^A-Z0-9]+")


class Passwords:
    """Gives each password a variable, and notes that it must be entered again."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._given: set[str] = set()

    def variable(self, owner: str, where: str, password: Password) -> str:
        """Return the name of an environment variable that no other password has."""
        stem = f"AUTOSYNC_{_NOT_IN_NAMES.sub('_', owner.upper()).strip('_') or 'TRIGGER'}_PASSWORD"
        name, number = stem, 1
        while name in self._given:
            number += 1
            name = f"{stem}_{number}"
        self._given.add(name)
        self._notes.again(where, f"put its password into the environment variable {name}: {_why(password)}")
        return name


def _why(password: Password) -> str:
    match password:
        case Password.ENCRYPTED:
            return "it is encrypted for the account and the machine of the old service, and nobody else can read it"
        case Password.PLAIN:
            return "it stands readable in config.xml and was not copied; delete that file afterwards, and change the password"
        case Password.NONE:
            return "there is a user name but no password in config.xml"
