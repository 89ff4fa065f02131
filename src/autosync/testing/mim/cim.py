"""The WMI classes of the stand-in over WS-Management: Get, Enumerate, Pull and methods, as MS-WSMV and DSP0226 say.

Strict where clients could be wrong: the namespace of a method's input, the dialect of a filter, keys as selectors.
"""

import itertools
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from autosync.testing.mim.provider import MimProvider, ProviderFault, Reason
from autosync.testing.mim.runs import MimRun
from autosync.testing.mim.soap import ENUMERATION, TRANSFER, WSMAN, Faulted, Request, Trouble, answer
from autosync.testing.mim.wql import NotUnderstood, Query, query_of

WMI: Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
ENGINE: Final = "root/microsoftidentityintegrationserver"
SYSTEM: Final = "root/cimv2"
_WQL: Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
_GRANULE_S: Final = 0.02
"""How often a waiting ``Execute`` looks whether somebody stopped its run."""
_TROUBLE: Final = {
    Reason.NOT_FOUND: Trouble.NOT_FOUND,
    Reason.DENIED: Trouble.PROVIDER_DENIED,
    Reason.AWAY: Trouble.PROVIDER,
    Reason.TOOLS: Trouble.PROVIDER,
}


class AnswerLost(Exception):
    """The request was carried out, and the connection breaks before the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """An instance of a class, by the names of its properties as the class writes them."""

    uri: str
    properties: Mapping[str, str]

    def row(self) -> dict[str, str]:
        return {name.casefold(): text for name, text in self.properties.items()}


class Cim:
    """Answers what is asked of WMI. ``stopping`` ends waits."""

    def __init__(self, provider: MimProvider, stopping: threading.Event) -> None:
        self._provider = provider
        self._stopping = stopping
        self._contexts: dict[str, list[str]] = {}
        self._numbers = itertools.count(1)
        self.most_elements = 20
        """How many instances one answer holds at most, whatever the client asks for."""
        self.writes_nil = True
        """Whether a property without a value is written as such, and not as an empty text."""
        self.namespaces = set(_CLASSES)
        """Without ``ENGINE``: no synchronization server."""

    def knows(self, request: Request) -> bool:
        """Return whether the request is about WMI."""
        return request.resource.casefold().startswith(WMI.casefold())

    def answer(self, request: Request, account: str) -> bytes:
        """Return the answer. Raises ``Faulted`` and ``AnswerLost``."""
        try:
            if request.action == f"{TRANSFER}/Get":
                return answer(request, _written(self._instance(request), None, nil=self.writes_nil))
            if request.action == f"{ENUMERATION}/Enumerate":
                return self._enumerate(request)
            if request.action == f"{ENUMERATION}/Pull":
                return self._pull(request)
            if request.action == f"{ENUMERATION}/Release":
                self._contexts.pop(_text(request.body, f"{{{ENUMERATION}}}EnumerationContext"), None)
                return answer(request, "")
            return self._invoke(request, account)
        except ProviderFault as error:
            raise Faulted(_TROUBLE[error.reason], str(error)) from None

    # Instances

    def _items(self, uri: str, of: str) -> Iterator[_Item]:
        namespace = uri.removeprefix(WMI).rpartition("/")[0].casefold()
        classes = _CLASSES.get(namespace) if namespace in self.namespaces else None
        if classes is None:
            raise Faulted(Trouble.NO_NAMESPACE)
        if of.casefold() not in classes:
            raise Faulted(Trouble.NOT_FOUND, f"WMI has no class {of} in {namespace}")
        name, read = classes[of.casefold()]
        for properties in read(self._provider):
            yield _Item(uri=f"{uri.rpartition('/')[0]}/{name}", properties=properties)

    def _instance(self, request: Request) -> _Item:
        of = request.resource.rpartition("/")[2]
        for item in self._items(request.resource, of):
            row = item.row()
            if all(row.get(name, "").casefold() == text.casefold() for name, text in request.selectors.items()):
                return item
        raise Faulted(Trouble.NOT_FOUND)

    def _enumerate(self, request: Request) -> bytes:
        query = _query(request)
        items = [
            _written(item, query if query.names else None, nil=self.writes_nil)
            for item in self._items(request.resource, query.of)
            if query.test(item.row())
        ]
        body = request.body
        if body is None or body.find(f"{{{WSMAN}}}OptimizeEnumeration") is None:
            context = self._keep(items)
            return answer(request, f"<n:EnumerateResponse>{context}</n:EnumerateResponse>")
        wanted = _text(body, f"{{{WSMAN}}}MaxElements") or "1"
        part, end = self._part(items, int(wanted), request.largest)
        context = "<n:EnumerationContext/>" if end else self._keep(items[len(part) :])
        finished = "<w:EndOfSequence/>" if end else ""
        return answer(
            request,
            f"<n:EnumerateResponse>{context}<w:Items>{''.join(part)}</w:Items>{finished}</n:EnumerateResponse>",
        )

    def _pull(self, request: Request) -> bytes:
        key = _text(request.body, f"{{{ENUMERATION}}}EnumerationContext")
        items = self._contexts.pop(key, None)
        if items is None:
            raise Faulted(Trouble.BAD_CONTEXT)
        wanted = _text(request.body, f"{{{ENUMERATION}}}MaxElements") or "1"
        part, end = self._part(items, int(wanted), request.largest)
        context = "" if end else self._keep(items[len(part) :])
        finished = "<n:EndOfSequence/>" if end else ""
        return answer(
            request, f"<n:PullResponse>{context}<n:Items>{''.join(part)}</n:Items>{finished}</n:PullResponse>"
        )

    def _part(self, items: list[str], wanted: int, largest: int) -> tuple[list[str], bool]:
        """Return as many items as asked for, as the server gives at once, and as fit; and whether these are all."""
        part: list[str] = []
        room = largest - 2000
        for item in items[: min(wanted, self.most_elements)]:
            room -= len(item.encode())
            if part and room < 0:
                break
            part.append(item)
        return part, len(part) == len(items)

    def _keep(self, items: list[str]) -> str:
        key = f"uuid:context-{next(self._numbers)}"
        self._contexts[key] = items
        return f"<n:EnumerationContext>{key}</n:EnumerationContext>"

    # Methods

    def _invoke(self, request: Request, account: str) -> bytes:
        uri, _, method = request.action.rpartition("/")
        if uri != request.resource:
            raise Faulted(Trouble.BAD_ACTION)
        arguments = _arguments(request, method)
        space, _, of = uri.removeprefix(WMI).casefold().rpartition("/")
        if space != ENGINE or ENGINE not in self.namespaces:
            raise Faulted(Trouble.NO_NAMESPACE)
        said = self._call(of, method, request, arguments, account)
        if self._provider.knobs.is_lost(method):
            raise AnswerLost
        return answer(
            request,
            f'<p:{method}_OUTPUT xmlns:p="{escape(uri)}"><p:ReturnValue>{escape(said)}</p:ReturnValue></p:{method}_OUTPUT>',
            action=f"{request.action}Response",
        )

    def _call(self, of: str, method: str, request: Request, arguments: Mapping[str, str], account: str) -> str:
        if of == "miis_managementagent":
            agent = request.selectors.get("name", "")
            if method == "Execute":
                return self._execute(request, agent, arguments.get("RunProfileName", ""), account)
            return self._provider.stop(agent) if method == "Stop" else self._provider.ask(agent, method)
        if of == "miis_runhistory" and method == "RunDetails":
            return self._provider.details(request.selectors.get("key", ""))
        if of == "miis_server" and method == "ClearRuns" and request.selectors.get("name") == "MIIS_Server1":
            return self._provider.clear_runs(arguments.get("EndingBefore", ""))
        raise Faulted(Trouble.BAD_ACTION, f"{of} has no method {method}")

    def _execute(self, request: Request, agent: str, profile: str, account: str) -> str:
        """Wait for the end of the run, but no longer than the client and the server's limit let it."""
        begun = self._provider.begin(agent, profile, account)
        if self._provider.knobs.is_lost("Execute"):
            raise AnswerLost
        if isinstance(begun, str):
            return begun
        return self._wait(begun, min(request.timeout_s or 60.0, self._provider.knobs.time_limit_s))

    def _wait(self, run: MimRun, seconds: float) -> str:
        clock = self._provider.clock
        until = clock.elapsed() + seconds
        while (said := self._provider.answer_of(run)) is None:
            now = clock.elapsed()
            left = min(self._provider.next_at(run) - now, until - now, _GRANULE_S)
            if self._stopping.wait(max(0.001, left)):
                raise AnswerLost
            if clock.elapsed() >= until:
                self._provider.timed_out(run)
                raise Faulted(Trouble.TIMED_OUT)
        return said


def _query(request: Request) -> Query:
    found = request.body.find(f"{{{WSMAN}}}Filter") if request.body is not None else None
    if found is None:
        of = request.resource.rpartition("/")[2]
        return Query(names=(), of=of, test=lambda _: True)
    if found.get("Dialect") != _WQL or not request.resource.endswith("/*"):
        raise Faulted(Trouble.BAD_FILTER, "a WQL filter needs the dialect of WQL and a resource that ends in /*")
    try:
        return query_of(found.text or "")
    except NotUnderstood as error:
        raise Faulted(Trouble.BAD_FILTER, str(error)) from None


def _arguments(request: Request, method: str) -> dict[str, str]:
    """Return the arguments, which must be in the namespace of the class."""
    space = f"{{{request.resource}}}"
    if request.body is None or request.body.tag != f"{space}{method}_INPUT":
        raise Faulted(Trouble.BAD_BODY, f"{method}_INPUT in the namespace of the resource is missing")
    return {each.tag.removeprefix(space): each.text or "" for each in request.body if each.tag.startswith(space)}


def _text(body: ET.Element | None, path: str) -> str:
    return (body.findtext(path) or "").strip() if body is not None else ""


def _written(item: _Item, query: Query | None, *, nil: bool) -> str:
    """Return an instance; with a query the properties that it wants, as a fragment, as real servers do."""
    uri, name = escape(item.uri), item.uri.rpartition("/")[2]
    properties = "".join(
        _property(key, text, nil=nil) for key, text in item.properties.items() if query is None or query.wants(key)
    )
    if query is not None:
        return f'<w:XmlFragment xmlns:p="{uri}">{properties}</w:XmlFragment>'
    return f'<p:{name} xmlns:p="{uri}" xsi:type="p:{name}_Type">{properties}</p:{name}>'


def _property(name: str, text: str, *, nil: bool) -> str:
    if name == "LocalDateTime":
        common = "http://schemas.dmtf.org/wbem/wscim/1/common"
        return f'<p:{name}><cim:Datetime xmlns:cim="{common}">{text}</cim:Datetime></p:{name}>'
    return f"<p:{name}>{escape(text)}</p:{name}>" if text or not nil else f'<p:{name} xsi:nil="true"/>'


def _agents(provider: MimProvider) -> Iterator[Mapping[str, str]]:
    for agent in provider.agents():
        yield {"Guid": agent.guid, "Name": agent.name, "Type": agent.type}


def _history(provider: MimProvider) -> Iterator[Mapping[str, str]]:
    for run in provider.runs():
        yield {
            "Key": run.key,
            "MaGuid": run.key.rpartition("-")[0],
            "MaName": run.agent,
            "RunEndTime": run.ended,
            "RunNumber": run.number,
            "RunProfile": run.profile,
            "RunStartTime": run.started,
            "RunStatus": run.status,
        }


def _system(provider: MimProvider) -> Iterator[Mapping[str, str]]:
    yield {"CSName": provider.name, "LocalDateTime": provider.time().isoformat()}


def _server(_: MimProvider) -> Iterator[Mapping[str, str]]:
    yield {"Name": "MIIS_Server1"}


_Read = Callable[[MimProvider], Iterator[Mapping[str, str]]]
_CLASSES: Final[Mapping[str, Mapping[str, tuple[str, _Read]]]] = {
    ENGINE: {
        "miis_managementagent": ("MIIS_ManagementAgent", _agents),
        "miis_runhistory": ("MIIS_RunHistory", _history),
        "miis_server": ("MIIS_Server", _server),
    },
    SYSTEM: {"win32_operatingsystem": ("Win32_OperatingSystem", _system)},
}
