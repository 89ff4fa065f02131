"""Windows sign-in over HTTP (Negotiate: Kerberos or NTLM), for a client with a single connection: NTLM signs in connections."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpx

from autosync import kerberos
from autosync.model.errors import TriggerFailed
from autosync.windows_sign_in import Exchange, Wanted, authorization, certificate_of, scheme_among, token_among

_MOST_ROUNDS: Final = 5
_SERVICE: Final = "HTTP"
_SCHEMES: Final = ("Negotiate", "NTLM")
"""The stronger first."""


class NegotiateAuth(httpx.Auth):
    """Answers a server's challenge, tied to the connection by its TLS. Without a user the service's own account signs in."""

    requires_response_body = True

    def __init__(self, host: str, user: str | None, password: str | None) -> None:
        self._host = host
        self._user = user
        self._password = password

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request; when it is refused, sign in and send it again."""
        response = yield request
        scheme = scheme_among(_challenges(response), _SCHEMES)
        if response.status_code != httpx.codes.UNAUTHORIZED or scheme is None:
            return
        exchange = self._exchange(scheme, response)
        token: bytes | None = None
        for _round in range(_MOST_ROUNDS):
            with self._own_errors():
                answer = exchange.step(token)
            if not answer:
                return
            request.headers["Authorization"] = authorization(scheme, answer)
            response = yield request
            with self._own_errors():
                token = token_among(_challenges(response), scheme)
            if response.status_code != httpx.codes.UNAUTHORIZED or token is None:
                return

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 (Kerberos libraries raise errors of their own)
            known = kerberos.reason(error, account=self._user or "", service=f"{_SERVICE}/{self._host}")
            words = known or " ".join(str(error).split())[:300]
            raise TriggerFailed(f"sign-in to {self._host} failed: {words}") from None

    def _exchange(self, scheme: str, response: httpx.Response) -> Exchange:
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("ssl_object") if stream is not None else None
        return Exchange(
            Wanted(
                user=self._user,
                password=self._password,
                service=_SERVICE,
                host=self._host,
                protocol="ntlm" if scheme == "NTLM" else "negotiate",
                certificate=certificate_of(connection),
            )
        )


def _challenges(response: httpx.Response) -> Sequence[str]:
    return response.headers.get_list("www-authenticate")
