"""The shells of the stand-in: PowerShell remoting over WS-Management, as MS-PSRP section 3.1.4 and MS-WSMV say."""

import base64
import binascii
import threading
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Final

from autosync.testing.mim.pipelines import Invocation, Pool
from autosync.testing.mim.soap import ENUMERATION, SHELL, TRANSFER, WSMAN, Faulted, Request, Trouble, answer

POWERSHELL: Final = "http://schemas.microsoft.com/powershell"
DEFAULT: Final = "Microsoft.PowerShell"
_SHELL_URI: Final = SHELL
_TERMINATE: Final = f"{SHELL}/signal/Terminate"
_LEAST_ROOM: Final = 1024
_AROUND: Final = 4096
"""Bytes of an answer that are not output."""
_MOST_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shell:
    id: str
    resource: str
    account: str
    pool: Pool


class Shells:
    """Answers what is asked of shells. ``run`` is called for each pipeline."""

    def __init__(self, run: Callable[[Invocation], None]) -> None:
        self._run = run
        self._shells: dict[str, _Shell] = {}
        self._lock = threading.Lock()
        self.most_shells = 30
        """How many one account may have (``MaxShellsPerUser``)."""
        self.configurations: dict[str, tuple[str, ...]] = {DEFAULT: ()}
        """Session configurations by name, and what their runspaces know from the start: ``bridge``, for example."""

    @property
    def count(self) -> int:
        """Return how many shells are open."""
        return len(self._shells)

    def knows(self, request: Request) -> bool:
        """Return whether the request is about shells."""
        return request.resource.startswith((POWERSHELL, _SHELL_URI))

    def close(self) -> None:
        """End all shells, as a restart of WinRM does."""
        for shell in tuple(self._shells.values()):
            shell.pool.close()
        self._shells.clear()

    def answer(self, request: Request, account: str) -> bytes:
        """Return the answer. Raises ``Faulted``."""
        action = request.action
        if action == f"{TRANSFER}/Create":
            return self._create(request, account)
        if action == f"{ENUMERATION}/Enumerate":
            return self._enumerate(request, account)
        act = _ACTS.get(action)
        if act is None:
            raise Faulted(Trouble.BAD_ACTION, action)
        shell = self._shells.get(request.selectors.get("shellid", "").upper())
        if shell is not None and shell.pool.is_closed:  # its process has ended
            self._shells.pop(shell.id, None)
            shell = None
        if shell is None or shell.account != account:
            raise Faulted(Trouble.NO_SHELL)
        if action == f"{TRANSFER}/Delete":
            self._shells.pop(shell.id, None)
        return act(shell, request)

    def _create(self, request: Request, account: str) -> bytes:
        body = request.body
        loaded = self.configurations.get(request.resource.removeprefix(f"{POWERSHELL}/"))
        if body is None:
            raise Faulted(Trouble.BAD_BODY)
        if loaded is None:
            raise Faulted(Trouble.NO_RESOURCE, f"the resource URI {request.resource} was not found")
        key = str(_id(body.get("ShellId"))).upper()
        shell = _Shell(id=key, resource=request.resource, account=account, pool=Pool(self._run, loaded))
        with self._lock:
            if sum(1 for each in self._shells.values() if each.account == account) >= self.most_shells:
                raise Faulted(Trouble.TOO_MANY_SHELLS)
            self._shells[key] = shell
        shell.pool.receive(_decoded(body.findtext(f"{{{POWERSHELL}}}creationXml")))
        selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{key}</w:Selector></w:SelectorSet>'
        return answer(
            request,
            f"<x:ResourceCreated><a:Address>http://stand-in/wsman</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{escape(shell.resource)}</w:ResourceURI>{selectors}</a:ReferenceParameters>"
            f"</x:ResourceCreated>{_described(shell)}",
        )

    def _enumerate(self, request: Request, account: str) -> bytes:
        mine = [each for each in self._shells.values() if each.account == account]
        if request.resource == f"{_SHELL_URI}/Command":
            items = "".join(
                f"<rsp:Command><rsp:CommandId>{str(pipeline).upper()}</rsp:CommandId></rsp:Command>"
                for each in mine
                if each.id == _filtered(request)
                for pipeline in each.pool.pipelines
            )
        else:
            items = "".join(_described(each) for each in mine)
        return answer(
            request,
            f"<n:EnumerateResponse><n:EnumerationContext/><w:Items>{items}</w:Items><w:EndOfSequence/>"
            "</n:EnumerateResponse>",
        )


def _described(shell: _Shell) -> str:
    state = "Disconnected" if shell.pool.is_disconnected else "Connected"
    return (
        f"<rsp:Shell><rsp:ShellId>{shell.id}</rsp:ShellId><rsp:ResourceUri>{escape(shell.resource)}</rsp:ResourceUri>"
        f"<rsp:Owner>{escape(shell.account)}</rsp:Owner><rsp:ClientIP>127.0.0.1</rsp:ClientIP>"
        f"<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut><rsp:InputStreams>stdin pr</rsp:InputStreams>"
        f"<rsp:OutputStreams>stdout</rsp:OutputStreams><rsp:State>{state}</rsp:State></rsp:Shell>"
    )


def _filtered(request: Request) -> str:
    selector = request.body.find(f".//{{{WSMAN}}}Selector") if request.body is not None else None
    return (selector.text or "").upper() if selector is not None else ""


def _command(shell: _Shell, request: Request) -> bytes:
    body = _body(request)
    key = _id(body.get("CommandId"))
    first = body.findtext(f"{{{SHELL}}}Arguments")
    shell.pool.receive(_decoded(first), key)
    return answer(
        request, f"<rsp:CommandResponse><rsp:CommandId>{str(key).upper()}</rsp:CommandId></rsp:CommandResponse>"
    )


def _send(shell: _Shell, request: Request) -> bytes:
    for stream in _body(request).iterfind(f"{{{SHELL}}}Stream"):
        named = stream.get("CommandId")
        shell.pool.receive(_decoded(stream.text), _id(named) if named else None)
    return answer(request, "<rsp:SendResponse/>")


def _receive(shell: _Shell, request: Request) -> bytes:
    wanted = _body(request).find(f"{{{SHELL}}}DesiredStream")
    named = wanted.get("CommandId") if wanted is not None else None
    key = _id(named) if named else None
    room = max(_LEAST_ROOM, (request.largest - _AROUND) * 3 // 4)
    taken = shell.pool.take(key, min(request.timeout_s or _MOST_WAIT_S, _MOST_WAIT_S), room)
    if taken is None:
        raise Faulted(Trouble.TIMED_OUT)
    data, done = taken
    about = f' CommandId="{str(key).upper()}"' if key else ""
    state = f'<rsp:CommandState{about} State="{SHELL}/CommandState/{"Done" if done else "Running"}"/>' if key else ""
    return answer(
        request,
        f'<rsp:ReceiveResponse><rsp:Stream Name="stdout"{about}>{base64.b64encode(data).decode()}</rsp:Stream>'
        f"{state}</rsp:ReceiveResponse>",
    )


def _signal(shell: _Shell, request: Request) -> bytes:
    body = _body(request)
    key = _id(body.get("CommandId"))
    if body.findtext(f"{{{SHELL}}}Code") == _TERMINATE:
        shell.pool.forget(key)
    else:
        shell.pool.stop(key)
    return answer(request, "<rsp:SignalResponse/>")


def _delete(shell: _Shell, request: Request) -> bytes:
    shell.pool.close()
    return answer(request, "")


def _disconnect(shell: _Shell, request: Request) -> bytes:
    shell.pool.disconnect()
    return answer(request, "<rsp:DisconnectResponse/>")


def _reconnect(shell: _Shell, request: Request) -> bytes:
    shell.pool.reconnect()
    return answer(request, "<rsp:ReconnectResponse/>")


def _connect(shell: _Shell, request: Request) -> bytes:
    body = _body(request)
    if body.get("CommandId"):
        return answer(request, "<rsp:ConnectResponse/>")
    said = shell.pool.connect(_decoded(body.findtext(f"{{{POWERSHELL}}}connectXml")))
    return answer(
        request,
        f'<rsp:ConnectResponse><pwsh:connectResponseXml xmlns:pwsh="{POWERSHELL}">{base64.b64encode(said).decode()}'
        "</pwsh:connectResponseXml></rsp:ConnectResponse>",
    )


def _get(shell: _Shell, request: Request) -> bytes:
    return answer(request, _described(shell))


_ACTS: Final = {
    f"{SHELL}/Command": _command,
    f"{SHELL}/Send": _send,
    f"{SHELL}/Receive": _receive,
    f"{SHELL}/Signal": _signal,
    f"{SHELL}/Disconnect": _disconnect,
    f"{SHELL}/Reconnect": _reconnect,
    f"{SHELL}/Connect": _connect,
    f"{TRANSFER}/Delete": _delete,
    f"{TRANSFER}/Get": _get,
}


def _body(request: Request) -> ET.Element:
    if request.body is None:
        raise Faulted(Trouble.BAD_BODY)
    return request.body


def _id(text: str | None) -> uuid.UUID:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        raise Faulted(Trouble.BAD_BODY, f"{text} is no id of a command") from None


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error:
        raise Faulted(Trouble.BAD_BODY, "the content is not encoded in base64") from None
