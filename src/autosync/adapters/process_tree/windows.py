"""A tree of processes as a job object that ends with its last handle: also when the service itself is killed."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _EXTENDED_LIMITS: Final = 9
    """JobObjectExtendedLimitInformation."""
    _KILL_ON_CLOSE: Final = 0x2000
    """JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE."""
    _SET_QUOTA_AND_TERMINATE: Final = 0x0100 | 0x0001
    """What AssignProcessToJobObject asks of the process handle."""

    class _BasicLimits(ctypes.Structure):
        _fields_ = (
            ("PerProcessUserTimeLimit", ctypes.c_int64),
            ("PerJobUserTimeLimit", ctypes.c_int64),
            ("LimitFlags", wintypes.DWORD),
            ("MinimumWorkingSetSize", ctypes.c_size_t),
            ("MaximumWorkingSetSize", ctypes.c_size_t),
            ("ActiveProcessLimit", wintypes.DWORD),
            ("Affinity", ctypes.c_size_t),
            ("PriorityClass", wintypes.DWORD),
            ("SchedulingClass", wintypes.DWORD),
        )

    class _ExtendedLimits(ctypes.Structure):
        _fields_ = (
            ("BasicLimitInformation", _BasicLimits),
            ("IoInfo", ctypes.c_uint64 * 6),
            ("ProcessMemoryLimit", ctypes.c_size_t),
            ("JobMemoryLimit", ctypes.c_size_t),
            ("PeakProcessMemoryUsed", ctypes.c_size_t),
            ("PeakJobMemoryUsed", ctypes.c_size_t),
        )

    def _kernel() -> ctypes.WinDLL:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
        kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, wintypes.LPVOID, wintypes.DWORD)
        kernel.OpenProcess.restype = wintypes.HANDLE
        kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        kernel.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
        kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
        return kernel

    class ProcessTree:
        """One child and what it starts. Jobs nest, so that a service wrapper's own job is no hindrance."""

        def __init__(self) -> None:
            self._kernel = _kernel()
            self._job: int | None = None

        @staticmethod
        def spawning() -> Mapping[str, Any]:
            """Return the arguments with which the child must be started: no window, and Ctrl+C is not for it."""
            return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}

        def adopt(self, pid: int) -> None:
            """Take in the child; called before it has started anything itself. Raises ``OSError``."""
            job = self._kernel.CreateJobObjectW(None, None)
            if not job:
                raise ctypes.WinError(ctypes.get_last_error())
            self._job = job
            limits = _ExtendedLimits()
            limits.BasicLimitInformation.LimitFlags = _KILL_ON_CLOSE
            self._check(
                self._kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits))
            )
            process = self._kernel.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, pid)
            self._check(process)
            try:
                self._check(self._kernel.AssignProcessToJobObject(job, process))
            finally:
                self._kernel.CloseHandle(process)

        def kill(self) -> None:
            """End all of it at once. Idempotent; what has ended already is no error."""
            if self._job is not None:
                self._kernel.TerminateJobObject(self._job, 1)

        def close(self) -> None:
            """Let the job go, which ends what may be left of it."""
            job, self._job = self._job, None
            if job is not None:
                self._kernel.CloseHandle(job)

        @staticmethod
        def _check(good: object) -> None:
            if not good:
                raise ctypes.WinError(ctypes.get_last_error())
