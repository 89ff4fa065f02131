"""Asks the service's API, and turns each of its refusals into a sentence and an exit code.

The standard library's client: it starts in a fraction of the time of a richer one, and one local request needs no more.
"""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

from autosync.cli.exits import Exit, Failure, exit_for
from autosync.cli.place import Place

PREFIX: Final = "/api/v1"
TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """The way to one service. ``OSError`` means that it could not be reached."""

    def send(self, call: Call) -> Answer:
        """Send and return the whole answer."""
        ...

    def lines(self, call: Call) -> Iterator[bytes]:
        """Send and yield the answer's lines as they come; a status other than 200 raises ``Rejected``."""
        ...


class Rejected(Exception):
    """The service answered a stream with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


class HttpTransport:
    """The way over HTTP, never through a proxy."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)

    def send(self, call: Call) -> Answer:
        connection = self._connection(TIMEOUT_S)
        try:
            return _whole(self._response(connection, call))
        finally:
            connection.close()

    def lines(self, call: Call) -> Iterator[bytes]:
        connection = self._connection(TIMEOUT_S)
        try:
            response = self._response(connection, call)
            if response.status != 200:
                raise Rejected(_whole(response))
            while line := response.readline():
                yield line.rstrip(b"\r\n")
        except http.client.HTTPException as error:
            raise ConnectionError(f"the stream broke off: {error!r}") from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "127.0.0.1", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def _response(self, connection: http.client.HTTPConnection, call: Call) -> http.client.HTTPResponse:
        try:
            connection.request(call.method, self._parts.path + call.path, body=call.body, headers=dict(call.headers))
            return connection.getresponse()
        except http.client.HTTPException as error:
            raise ConnectionError(f"no HTTP service: {error!r}") from error


class Client:
    """The API in Python's words: paths in, JSON out, ``Failure`` where it says no."""

    def __init__(self, place: Place, transport: Transport, person: str = "") -> None:
        self.place = place
        self._transport = transport
        self._person = person

    def get(self, path: str, **query: object) -> Any:
        """Return the JSON at ``path``; parameters that are None or empty are left out."""
        return self._json(self._send("GET", path + _query(query)))

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Send a wish and return what was recorded."""
        return self._json(self._send("POST", path, body))

    def delete(self, path: str, **query: object) -> Any:
        """Take something back and return what was recorded."""
        return self._json(self._send("DELETE", path + _query(query)))

    def events(self, after: int | None) -> Iterator[dict[str, Any]]:
        """Yield events as they are recorded, until the service ends the stream."""
        call = Call(method="GET", path=PREFIX + "/events" + _query({"after": after}), headers=self._headers())
        try:
            for line in self._transport.lines(call):
                if line.startswith(b"data: "):
                    yield json.loads(line[6:])
        except Rejected as rejected:
            self._json(rejected.answer)
        except OSError as error:
            raise self._unreachable(error) from error

    def running_revision(self) -> int | None:
        """Return the revision of the service's configuration; None where no service answers."""
        try:
            return int(self.get("/status")["revision"])
        except Failure:
            return None

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        headers = self._headers() | ({} if body is None else {"Content-Type": "application/json"})
        try:
            return self._transport.send(Call(method=method, path=PREFIX + path, headers=headers, body=content))
        except OSError as error:
            raise self._unreachable(error) from error

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "AutoSync-Person": quote(self._person)}
        token = self.place.token()
        return headers | ({} if token is None else {"Authorization": f"Bearer {token}"})

    def _unreachable(self, error: OSError) -> Failure:
        why = error.strerror or str(error) or type(error).__name__
        return Failure(
            Exit.NOT_REACHABLE,
            f"AutoSync does not answer at {self.place.url}: {why.lower()}. "
            "Start it with: autosync run. Another address: --url, or AUTOSYNC_URL",
        )

    def _json(self, answer: Answer) -> Any:
        try:
            said = json.loads(answer.body)
        except ValueError as error:
            raise Failure(
                Exit.FAILED, f"{self.place.url} answers ({answer.status}), but not as AutoSync does: check the address"
            ) from error
        if answer.status < 400:
            return said
        raise self._refusal(answer.status, said)

    def _refusal(self, status: int, said: Any) -> Failure:
        error = said.get("error") if isinstance(said, dict) else None
        if not isinstance(error, dict) or "code" not in error:
            return Failure(Exit.FAILED, f"{self.place.url} answers {status}, but not as AutoSync does")
        message = str(error.get("message", ""))
        if error["code"] == "unauthorized":
            file = self.place.token_file
            known = "its token is not this service's" if file.exists() else "there is no such file"
            message = f"not allowed: token file {file}: {known}. Another one: --token-file, or AUTOSYNC_TOKEN_FILE"
        elif exit_for(error["code"]) is Exit.HELD:
            message = f"refused: {message}"
        return Failure(exit_for(error["code"]), message, kind=error["code"])


def in_path(name: str) -> str:
    """Return a name as a part of a path; slashes stay, as agents have them."""
    return quote(name, safe="/")


def _whole(response: http.client.HTTPResponse) -> Answer:
    return Answer(status=response.status, headers=dict(response.getheaders()), body=response.read())


def _query(query: Mapping[str, object]) -> str:
    given = {key: value for key, value in query.items() if value is not None and value != ""}
    pairs = {key: str(value).lower() if isinstance(value, bool) else value for key, value in given.items()}
    return "?" + urlencode(pairs, doseq=True) if pairs else ""
