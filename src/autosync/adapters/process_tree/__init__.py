"""A child process and everything that it starts, ended together: a process group on POSIX, a job object on Windows."""

import sys

if sys.platform == "win32":
    from autosync.adapters.process_tree.windows import ProcessTree
else:
    from autosync.adapters.process_tree.posix import ProcessTree

__all__ = ["ProcessTree"]
