"""How the bridge program is started for a script in Python."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from autosync.model.errors import ScriptFailed
from autosync.options.script import ScriptOptions

BRIDGE: Final = Path(__file__).with_name("bridge.py")


def command(options: ScriptOptions) -> Sequence[str]:
    """Return the program with its arguments; without ``executable`` the Python that AutoSync itself runs in.

    ``-I``: neither variables nor the user's own packages change what is imported. Raises ``ScriptFailed``.
    """
    program = sys.executable
    if options.executable is not None:
        found = shutil.which(options.executable)
        if found is None:
            raise ScriptFailed(
                f"there is no program {options.executable}; executable must name a Python of 3.9 or newer"
            )
        program = found
    return [program, "-I", "-X", "utf8", "-u", str(BRIDGE)]
