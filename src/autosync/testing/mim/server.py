"""The stand-in server whole: WS-Management and PowerShell remoting in front of a ``MimProvider``.

With ``MimStandIn(provider) as server``, it listens on ``server.url`` until the end of the block.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from autosync.testing.mim.cim import AnswerLost, Cim
from autosync.testing.mim.listener import Dropped, LineKnobs, Listener, Place
from autosync.testing.mim.provider import ACCOUNT, MimProvider
from autosync.testing.mim.sign_in import Users
from autosync.testing.mim.soap import TRANSFER, Faulted, Request, Trouble, answer, fault, identity, request_of

if TYPE_CHECKING:
    from autosync.testing.mim.commands import Commands
    from autosync.testing.mim.shell import Shells

PASSWORD: Final = "stand-in"  # noqa: S105 (nothing real is behind it, and it listens on loopback)
_CONFIG: Final = "http://schemas.microsoft.com/wbem/wsman/1/config"
_LEAST: Final = 8192


class Area(StrEnum):
    """What an account may lack the right to use."""

    WINRM = "winrm"
    """Remote Management Users."""
    WMI = "wmi"
    """Remote Enable on the namespace."""
    POWERSHELL = "powershell"
    """The session configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was understood."""

    account: str
    action: str
    """Without the address of its specification: ``Get``, ``Enumerate``, ``Execute``, ``Receive``."""
    of: str
    """The class, or the kind of shell."""
    selectors: Mapping[str, str]
    detail: str = ""
    """The query, where there is one."""


class MimStandIn:
    """A server of its own. All knobs may be turned while it runs."""

    def __init__(
        self, provider: MimProvider, *, place: Place | None = None, passwords: Mapping[str, str] | None = None
    ) -> None:
        self.provider = provider
        self.calls: list[Call] = []
        """Every request, in the order in which they came."""
        self.envelope_kb = 500
        """``MaxEnvelopeSizekb``."""
        self.config_is_readable = True
        """Whether the account may read the configuration of WinRM, as administrators may."""
        self.commands, self.shells = _shells(provider)
        self.denies: set[Area] = set()
        """Where the account has no right, although it may sign in."""
        self._place = place or Place()
        self._users = Users(passwords or {ACCOUNT: PASSWORD}, self._place.keytab)
        try:
            self._listener = Listener(self, self._users, provider.knobs, self._place)
        except OSError:
            self._users.close()
            raise
        self.cim = Cim(provider, self._listener.stopping)

    @property
    def line(self) -> LineKnobs:
        """Return the knobs of connections."""
        return self._listener.line

    @property
    def port(self) -> int:
        """Return where it listens."""
        return self._listener.port

    @property
    def host(self) -> str:
        """Return on which address it listens."""
        return self._place.host

    @property
    def url(self) -> str:
        """Return its address."""
        scheme = "https" if self._place.tls is not None else "http"
        return f"{scheme}://{self.host}:{self.port}/wsman"

    @property
    def connections(self) -> int:
        """Return how many connections there were."""
        return self._listener.connections

    def start(self) -> None:
        """Listen from now on."""
        self._listener.start()

    def close(self) -> None:
        """End everything; runs in the provider go on."""
        self._listener.close()
        self.shells.close()
        self._users.close()

    def break_connections(self) -> None:
        """Break every connection that is open."""
        self._listener.break_all()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def now(self) -> datetime:
        """Return the server's time."""
        return self.provider.time()

    def handle(self, message: bytes, account: str) -> tuple[int, bytes]:
        """Return an HTTP status and an envelope. Raises ``Dropped``."""
        request: Request | None = None
        try:
            request = request_of(message)
            return 200, self._identify(account) if request is None else self._admit(request, account)
        except Faulted as faulted:
            return 500, fault(request, faulted, self.provider.name)
        except AnswerLost:
            raise Dropped from None

    def _identify(self, account: str) -> bytes:
        """Say what it is: to anybody who does not sign in, and to accounts that are let in."""
        if account and Area.WINRM in self.denies:
            raise Faulted(Trouble.ACCESS_DENIED)
        return identity()

    def _admit(self, request: Request, account: str) -> bytes:
        if not account or Area.WINRM in self.denies:
            raise Faulted(Trouble.ACCESS_DENIED)
        if request.largest < _LEAST:
            raise Faulted(Trouble.TOO_LARGE, f"MaxEnvelopeSize must be {_LEAST} at least")
        self.calls.append(_call(request, account))
        return self._answer(replace(request, largest=min(request.largest, self.envelope_kb * 1024)), account)

    def _answer(self, request: Request, account: str) -> bytes:
        if self.cim.knows(request):
            if Area.WMI in self.denies:
                raise Faulted(Trouble.WMI_DENIED)
            return self.cim.answer(request, account)
        if self.shells.knows(request):
            if Area.POWERSHELL in self.denies:
                raise Faulted(Trouble.ACCESS_DENIED)
            return self.shells.answer(request, account)
        if request.resource == _CONFIG and request.action == f"{TRANSFER}/Get":
            return self._config(request)
        raise Faulted(Trouble.NOT_FOUND, f"no resource {request.resource}")

    def _config(self, request: Request) -> bytes:
        if not self.config_is_readable:
            raise Faulted(Trouble.ACCESS_DENIED)
        limit = int(self.provider.knobs.time_limit_s * 1000)
        return answer(
            request,
            f'<cfg:Config xmlns:cfg="{_CONFIG}"><cfg:MaxEnvelopeSizekb>{self.envelope_kb}</cfg:MaxEnvelopeSizekb>'
            f"<cfg:MaxTimeoutms>{limit}</cfg:MaxTimeoutms></cfg:Config>",
        )


def _call(request: Request, account: str) -> Call:
    query = next((each.text or "" for each in _all(request.body) if each.tag.endswith("}Filter")), "")
    return Call(
        account=account,
        action=request.action.rpartition("/")[2],
        of=request.resource.rpartition("/")[2],
        selectors=request.selectors,
        detail=query,
    )


def _all(body: ET.Element | None) -> list[ET.Element]:
    return list(body) if body is not None else []


def _shells(provider: MimProvider) -> "tuple[Commands, Shells]":
    try:
        from autosync.testing.mim.commands import Commands  # noqa: PLC0415 (psrpcore is for tests)
        from autosync.testing.mim.shell import Shells  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise RuntimeError(
            f"the stand-in server needs {missing.name}: install it with `pip install psrpcore`"
        ) from None
    commands = Commands(provider)
    return commands, Shells(commands.run)
