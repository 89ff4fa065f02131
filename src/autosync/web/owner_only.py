"""Files for their owner alone, on the platform where the mode given at their making does not say so."""

import getpass
import subprocess
import sys
from pathlib import Path

_TIMEOUT_S = 10


def keep_to_owner(path: Path, *, platform: str = sys.platform) -> bool:
    """Take inherited rights off a file on Windows; return whether its owner alone can read it now, as far as is known.

    Best effort: the folder's own rights protect it where ``icacls`` is not there.
    """
    if platform != "win32":
        return True
    command = ["icacls", str(path), "/inheritance:r", "/grant:r", f"{getpass.getuser()}:F"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
