"""Windows sign-in over HTTP (Negotiate: Kerberos or NTLM), for a client with a single connection: NTLM signs in connections."""

import base64
from collections.abc import Generator

import httpx
import spnego
from spnego.exceptions import SpnegoError

from autosync.model.errors import TriggerFailed

_MOST_ROUNDS = 5


class NegotiateAuth(httpx.Auth):
    """Answers a server's challenge. Without a user it signs in as the service's own account."""

    requires_response_body = True

    def __init__(self, host: str, user: str | None, password: str | None) -> None:
        self._host = host
        self._user = user
        self._password = password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request; when it is refused, sign in and send it again."""
        response = yield request
        scheme = _offered(response)
        if response.status_code != httpx.codes.UNAUTHORIZED or scheme is None:
            return
        context = spnego.client(
            self._user,
            self._password,
            hostname=self._host,
            service="HTTP",
            protocol="ntlm" if scheme == "NTLM" else "negotiate",
        )
        token: bytes | None = None
        for _round in range(_MOST_ROUNDS):
            try:
                answer = context.step(token)
            except SpnegoError as error:
                raise TriggerFailed(f"sign-in to {self._host} failed: {error.message}") from None
            if not answer:
                return
            request.headers["Authorization"] = f"{scheme} {base64.b64encode(answer).decode('ascii')}"
            response = yield request
            token = _challenge(response, scheme)
            if response.status_code != httpx.codes.UNAUTHORIZED or token is None:
                return


def _offered(response: httpx.Response) -> str | None:
    """Return the scheme that a server offers, the stronger first."""
    offers = {each.strip().partition(" ")[0].casefold() for each in response.headers.get_list("www-authenticate", True)}
    return next((scheme for scheme in ("Negotiate", "NTLM") if scheme.casefold() in offers), None)


def _challenge(response: httpx.Response, scheme: str) -> bytes | None:
    for offer in response.headers.get_list("www-authenticate", True):
        name, _, value = offer.strip().partition(" ")
        if name.casefold() == scheme.casefold() and value:
            return base64.b64decode(value)
    return None
