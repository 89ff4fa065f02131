"""A tree of processes as a process group of its own."""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

if sys.platform != "win32":

    class ProcessTree:
        """One child and what it starts. A process that makes itself a session of its own leaves the tree."""

        def __init__(self) -> None:
            self._group: int | None = None

        @staticmethod
        def spawning() -> Mapping[str, Any]:
            """Return the arguments with which the child must be started; Ctrl+C at the terminal is then not for it."""
            return {"start_new_session": True}

        def adopt(self, pid: int) -> None:
            """Take in the child; called before it has started anything itself."""
            self._group = pid

        def kill(self) -> None:
            """End all of it at once. Idempotent; what has ended already is no error."""
            if self._group is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._group, signal.SIGKILL)

        def close(self) -> None:
            """End what may be left of it, and forget it: its number may be given to others."""
            self.kill()
            self._group = None
