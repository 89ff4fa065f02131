"""The namespace of a synchronization server by local COM. A thread that enters owns all objects that it gets (MTA).

Never run on Windows by those who wrote it: it keeps the contract on a copy of WMI's objects.
"""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from autosync.adapters.engines.mim.access.rows import NAMESPACE
from autosync.windows_remoting.failures import Cause, RemotingFailed, by_code
from autosync.windows_remoting.wql import quoted

_MONIKER: Final = "winmgmts:{impersonationLevel=impersonate,authenticationLevel=pktPrivacy}!" + NAMESPACE.replace(
    "/", "\\"
)
"""The provider refuses callers that do not protect their packets."""
_WHERE: Final = "this machine"
_FORWARD_ONLY: Final = 0x30
"""Return at once, and read each instance once: long histories are not kept in memory."""
_CODES: Final = 0xFFFFFFFF
_NOT_DONE: Final = frozenset({0x800706BA, 0x800706BF})
"""The server of the objects is away, and the call never reached it."""
_LOST: Final = _NOT_DONE | {0x800706BE, 0x80010108, 0x80010007}
"""It went away: WMI or the service restarted."""


class ComDoor:
    """Implements ``Door``. Made, used and closed by one thread."""

    def __init__(self) -> None:
        self._com, self._client = _pywin32()
        self._com.CoInitializeEx(self._com.COINIT_MULTITHREADED)
        self._services: Any = None

    def enter(self) -> datetime | None:
        """Reach the namespace. The clock is this machine's own."""
        with self._told():
            self._opened()
        return None

    def instance(self, of: str, keys: Mapping[str, str], *, limit_s: float) -> Mapping[str, str]:
        """Query it by its keys."""
        del limit_s  # nothing ends a call of COM
        with self._told():
            return _properties(self._found(of, keys))

    def query(self, wql: str, *, limit_s: float) -> Iterator[Mapping[str, str]]:
        """Run the query."""
        del limit_s
        with self._told():
            for each in self._opened().ExecQuery(wql, "WQL", _FORWARD_ONLY):
                yield _properties(each)

    def call(
        self, of: str, keys: Mapping[str, str], method: str, arguments: Mapping[str, str], *, limit_s: float
    ) -> str:
        """Call it; ``Execute`` returns when the run has ended, however long that takes."""
        del limit_s
        with self._told():
            found = self._found(of, keys)
            if arguments:
                given = found.Methods_.Item(method).InParameters.SpawnInstance_()
                for name, value in arguments.items():
                    given.Properties_.Item(name).Value = value
                answer = found.ExecMethod_(method, given)
            else:
                answer = found.ExecMethod_(method)
            return _text(answer.Properties_.Item("ReturnValue").Value)

    def abort(self) -> None:
        """Do nothing: a call of COM cannot be broken off; the thread is left to itself."""

    def close(self) -> None:
        """Let go of the objects, and of COM."""
        self._services = None
        self._com.CoUninitialize()

    def _opened(self) -> Any:
        if self._services is None:
            self._services = self._client.GetObject(_MONIKER)
        return self._services

    def _found(self, of: str, keys: Mapping[str, str]) -> Any:
        where = " AND ".join(f"{name} = {quoted(value)}" for name, value in keys.items())
        wql = f"SELECT * FROM {of} WHERE {where}"  # noqa: S608 (WQL; every value is quoted)
        for found in self._opened().ExecQuery(wql, "WQL", _FORWARD_ONLY):
            return found
        raise RemotingFailed(Cause.NOT_FOUND, f"{_WHERE} has no {of} {', '.join(keys.values())}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._com.com_error as error:
            code, said = _meant(error)
            if code in _LOST:
                self._services = None
                carried_out = code not in _NOT_DONE
                raise RemotingFailed(Cause.LOST, f"WMI is away: {said}", carried_out=carried_out) from None
            raise by_code(code, said, _WHERE) from None


def _pywin32() -> tuple[Any, Any]:
    """Return pywin32's modules, with threads that share objects: it reads that when it is imported for the first time."""
    if "pythoncom" not in sys.modules:
        sys.coinit_flags = 0  # type: ignore[attr-defined]
    try:
        return importlib.import_module("pythoncom"), importlib.import_module("win32com.client")
    except ModuleNotFoundError as missing:
        raise RemotingFailed(
            Cause.NOT_REACHED,
            f"local: true needs Windows and pywin32 ({missing.name} is missing): pip install autosync[windows]; elsewhere "
            "give server:",
        ) from None


def _meant(error: Any) -> tuple[int, str]:
    """Return the code and what it says: WMI's own stand inside, behind "Exception occurred"."""
    code, said = int(error.args[0]), str(error.args[1] or "")
    inner = error.args[2] if len(error.args) > 2 else None
    if inner and len(inner) > 5 and inner[5]:
        code, said = int(inner[5]), str(inner[2] or said)
    return code & _CODES, " ".join(said.split())


def _properties(found: Any) -> dict[str, str]:
    return {str(each.Name): _text(each.Value) for each in found.Properties_}


def _text(value: object) -> str:
    return "" if value is None else str(value)
