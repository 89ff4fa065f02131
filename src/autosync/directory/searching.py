"""Searches and what they find: entries, references, and what the server says in between."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from autosync.directory.codec import Control, Message, Operation
from autosync.directory.connection import Connection, Exchange
from autosync.directory.controls import PAGED, next_page, paged
from autosync.directory.errors import BadMessage
from autosync.directory.filters import ANYTHING, Filter, for_codec
from autosync.directory.results import Result, result_of

OPERATIONAL: Final = ("*", "+")
"""Every attribute, the server's own ones included (RFC 3673)."""

NO_ATTRIBUTES: Final = ("1.1",)


class Scope(IntEnum):
    """How far a search goes."""

    BASE = 0
    ONE = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for. Without ``attributes`` all that users see come; ``page_size`` 0 means no pages.

    ``size_limit`` (entries) and ``time_limit_s`` are the server's to keep; 0 means its own.
    """

    base: str
    scope: Scope = Scope.SUBTREE
    filter: Filter = ANYTHING
    attributes: Sequence[str] = ()
    page_size: int = 1000
    controls: Sequence[Control] = ()
    size_limit: int = 0
    time_limit_s: int = 0

    def operation(self) -> Operation:
        """Return the request in the codec's shape."""
        fields = {
            "baseObject": self.base.encode("utf-8"),
            "scope": int(self.scope),
            "derefAliases": 0,
            "sizeLimit": self.size_limit,
            "timeLimit": self.time_limit_s,
            "typesOnly": False,
            "filter": for_codec(self.filter),
            "attributes": [name.encode("ascii") for name in self.attributes],
        }
        return ("searchRequest", fields)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. Attributes are spelt as the server spells them; values are octets, in the server's order."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]
    message: Message | None = None
    """The answer that it came in, for its controls."""

    def values(self, attribute: str) -> Sequence[bytes]:
        """Return the values of an attribute, however it is spelt; none where it is absent."""
        found = self.attributes.get(attribute)
        if found is None:
            wanted = attribute.lower()
            found = next((values for name, values in self.attributes.items() if name.lower() == wanted), ())
        return found

    def text(self, attribute: str) -> str | None:
        """Return the first value as text; None where there is none."""
        values = self.values(attribute)
        return values[0].decode("utf-8", "replace") if values else None


@dataclass(frozen=True, slots=True)
class Reference:
    """The server says that more is to be found elsewhere (RFC 4511 section 4.5.3)."""

    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """What the server says in between (RFC 4511 section 4.13), in the codec's shape."""

    content: Mapping[str, Any]


Answer: TypeAlias = Entry | Reference | Between


class Found:
    """The answers of one search, page after page. Iterate, or ``take``; then ``result`` says how it ended.

    A result that is no success does not raise: what it means depends on the search (``result.require``). Use it as a context:
    leaving it before the end abandons the search.
    """

    def __init__(self, connection: Connection, search: Search, timeout_s: float | None) -> None:
        self._connection = connection
        self._search = search
        self._timeout_s = timeout_s
        self._exchange: Exchange | None = None
        self._cookie = b""
        self._result: Result | None = None

    @property
    def result(self) -> Result:
        """Return how the search ended; only after the last answer."""
        assert self._result is not None, "the search has been read to its end"
        return self._result

    @property
    def ended(self) -> bool:
        """Return whether the last answer has been read."""
        return self._result is not None

    @property
    def has_more(self) -> bool:
        """Return whether an answer has come that was not yet taken."""
        return self._exchange is not None and self._exchange.has_more

    async def next(self) -> Answer | None:
        """Return the next answer; None at the end. Raise ``ServerUnreachable`` or ``BadMessage``."""
        while self._result is None:
            exchange = self._exchange or await self.start()
            message = await exchange.next(self._timeout_s)
            match message.kind:
                case "searchEntry":
                    return self._entry(message)
                case "searchDone":
                    self._end_page(result_of(message.content, message.controls))
                case "searchReference":
                    return Reference(tuple(url.decode("utf-8", "replace") for url in message.content))
                case "intermediate":
                    return Between(message.content)
                case _:
                    raise self._broken(f"the directory answered a search with {message.kind}")
        return None

    async def take(self, most: int) -> list[Answer]:
        """Return up to ``most`` answers; fewer only at the end."""
        answers: deque[Answer] = deque()
        while len(answers) < most and (answer := await self.next()) is not None:
            answers.append(answer)
        return list(answers)

    def abandon(self) -> None:
        """Want nothing more of this search."""
        if self._exchange is not None:
            self._exchange.abandon()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Answer:
        answer = await self.next()
        if answer is None:
            raise StopAsyncIteration
        return answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    async def start(self) -> Exchange:
        """Send the request now instead of with the first look at the answers: several searches on their way at once."""
        search = self._search
        controls = list(search.controls)
        if search.page_size:
            controls.append(paged(search.page_size, self._cookie))
        self._exchange = await self._connection.request(search.operation(), controls)
        return self._exchange

    def _end_page(self, result: Result) -> None:
        self._exchange = None
        self._cookie = next_page(result.control(PAGED)) if result.succeeded else b""
        if not self._cookie:
            self._result = result

    def _entry(self, message: Message) -> Entry:
        content = message.content
        try:
            attributes = {each["type"].decode("ascii"): each["vals"] for each in content["attributes"]}
            return Entry(content["objectName"].decode("utf-8"), attributes, message if message.controls else None)
        except UnicodeDecodeError:
            raise self._broken("the directory sent an entry whose name or attribute is no text") from None

    def _broken(self, reason: str) -> BadMessage:
        error = BadMessage(reason)
        self._connection.abort(error)
        return error


def only_base(search: Search, dn: str, attributes: Sequence[str]) -> Search:
    """Return a search for one entry with the controls of another."""
    return replace(
        search, base=dn, scope=Scope.BASE, filter=ANYTHING, attributes=tuple(attributes), page_size=0, size_limit=0
    )
