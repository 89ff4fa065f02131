"""A copy of pywin32 and of WMI's objects over a stand-in server: enough to keep a client of COM honest.

Objects belong to the thread that got them, threads must say that they share objects (MTA), names ignore case, and what
goes wrong is a ``com_error`` with the code inside, as WMI's automation objects raise it.
"""

import threading
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from autosync.testing.mim.provider import ACCOUNT, MimProvider, ProviderFault, Reason
from autosync.testing.mim.wql import query_of

MONIKER = (
    "winmgmts:{impersonationLevel=impersonate,authenticationLevel=pktPrivacy}!root\\MicrosoftIdentityIntegrationServer"
)
_CODES = {Reason.NOT_FOUND: 0x80041002, Reason.DENIED: 0x80041003, Reason.AWAY: 0x80041013, Reason.TOOLS: 0x80041013}
_GONE, _BROKEN, _WRONG_THREAD = 0x800706BA, 0x800706BE, 0x8001010E


class ComError(Exception):
    """``pywintypes.com_error``: HRESULT, text, exception information, argument."""

    def __init__(self, code: int, text: str, inside: bool = True) -> None:
        signed = code - 2**32
        info = (0, "SWbemServicesEx", text, None, 0, signed)
        super().__init__(*((-2147352567, "Exception occurred.", info, None) if inside else (signed, text, None, None)))


class FakeCom:
    """``pythoncom`` and ``win32com.client``."""

    COINIT_MULTITHREADED = 0
    com_error = ComError

    def __init__(self, provider: MimProvider) -> None:
        self._provider = provider
        self._here = threading.local()
        self.connections = 0

    def CoInitializeEx(self, mode: int) -> None:  # noqa: N802 (Microsoft's name)
        assert mode == self.COINIT_MULTITHREADED
        self._here.entered = True

    def CoUninitialize(self) -> None:  # noqa: N802 (Microsoft's name)
        assert self._here.entered
        self._here.entered = False

    def GetObject(self, moniker: str) -> "Services":  # noqa: N802 (Microsoft's name)
        assert moniker == MONIKER
        assert getattr(self._here, "entered", False), "CoInitialize has not been called"
        _reached(self._provider)
        self.connections += 1
        return Services(self._provider)

    def modules(self) -> Mapping[str, Any]:
        """Return what stands for pywin32's modules."""
        client = types.SimpleNamespace(GetObject=self.GetObject)
        return {"pythoncom": self, "win32com": types.SimpleNamespace(client=client), "win32com.client": client}


class _Owned:
    def __init__(self, provider: MimProvider) -> None:
        self._provider = provider
        self._thread = threading.get_ident()

    def _check(self) -> None:
        if threading.get_ident() != self._thread:
            raise ComError(_WRONG_THREAD, "marshalled for another thread", inside=False)
        _reached(self._provider)


class Services(_Owned):
    def ExecQuery(self, wql: str, language: str, flags: int) -> "Iterator[Instance]":  # noqa: N802 (Microsoft's name)
        assert (language, flags) == ("WQL", 0x30)
        self._check()
        query = query_of(wql)
        with _told():
            rows = list(_rows(self._provider, query.of))
        for row in rows:
            if query.test({name.casefold(): text for name, text in row.items()}):
                yield Instance(self._provider, query.of, row)


class Instance(_Owned):
    def __init__(self, provider: MimProvider, of: str, row: Mapping[str, str]) -> None:
        super().__init__(provider)
        self._of = of
        self.row = row
        self.Properties_ = Properties({name: text or None for name, text in row.items()})
        self.Methods_ = types.SimpleNamespace(Item=_method)

    def ExecMethod_(self, method: str, given: Any = None) -> Any:  # noqa: N802 (Microsoft's name)
        self._check()
        arguments = {each.Name: each.Value for each in given.Properties_} if given is not None else {}
        with _told():
            said = self._call(method, arguments)
        if self._provider.knobs.is_lost(method):
            raise ComError(_BROKEN, "The remote procedure call failed.", inside=False)
        return types.SimpleNamespace(Properties_=Properties({"ReturnValue": said}))

    def _call(self, method: str, arguments: Mapping[str, str]) -> str:
        if self._of == "MIIS_ManagementAgent":
            agent = self.row["Name"]
            if method == "Execute":
                return self._execute(agent, arguments["RunProfileName"])
            return self._provider.stop(agent) if method == "Stop" else self._provider.ask(agent, method)
        if self._of == "MIIS_RunHistory":
            return self._provider.details(self.row["Key"])
        return self._provider.clear_runs(arguments["EndingBefore"])

    def _execute(self, agent: str, profile: str) -> str:
        begun = self._provider.begin(agent, profile, ACCOUNT)
        if isinstance(begun, str) or self._provider.knobs.loses.get("Execute"):
            return begun if isinstance(begun, str) else ""
        until = monotonic() + 60
        while (said := self._provider.answer_of(begun)) is None and monotonic() < until:
            threading.Event().wait(0.01)
        return said or ""


class Properties:
    def __init__(self, values: Mapping[str, str | None]) -> None:
        self._all = {name.casefold(): types.SimpleNamespace(Name=name, Value=value) for name, value in values.items()}

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all.values())

    def Item(self, name: str) -> Any:  # noqa: N802 (Microsoft's name)
        return self._all[name.casefold()]


_INPUTS = {"Execute": {"RunProfileName": None}, "ClearRuns": {"EndingBefore": None}}


def _method(name: str) -> Any:
    def spawn() -> Any:
        return types.SimpleNamespace(Properties_=Properties(_INPUTS[name]))

    return types.SimpleNamespace(InParameters=types.SimpleNamespace(SpawnInstance_=spawn))


def _rows(provider: MimProvider, of: str) -> Iterator[Mapping[str, str]]:
    if of == "MIIS_ManagementAgent":
        for agent in provider.agents():
            yield {"Guid": agent.guid, "Name": agent.name, "Type": agent.type}
    elif of == "MIIS_RunHistory":
        for run in provider.runs():
            yield {
                "Key": run.key,
                "MaName": run.agent,
                "RunEndTime": run.ended,
                "RunNumber": run.number,
                "RunProfile": run.profile,
                "RunStartTime": run.started,
                "RunStatus": run.status,
            }
    else:
        yield {"Name": "MIIS_Server1"}


def _reached(provider: MimProvider) -> None:
    if not provider.knobs.reachable:
        raise ComError(_GONE, "The RPC server is unavailable.", inside=False)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except ProviderFault as fault:
        raise ComError(_CODES[fault.reason], str(fault)) from None
