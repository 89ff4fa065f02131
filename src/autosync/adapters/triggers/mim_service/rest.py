"""The Lithnet REST service in front of a MIM Service: resources by XPath, as JSON."""

import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from autosync.adapters.triggers.mim_service.options import MimServiceOptions
from autosync.adapters.triggers.mim_service.requests import Answer, plain_id
from autosync.adapters.triggers.mim_service.sign_in import NegotiateAuth
from autosync.model.errors import TriggerFailed
from autosync.ports.clock import Clock
from autosync.ports.secrets import SecretSource

_PAGE: Final = 200
_LARGEST: Final = 4 * 1024 * 1024
_MEANINGS: Final = {
    401: "sign-in was refused: check user and password, and that the address is allowed to use Windows sign-in",
    403: "the account may not read requests: give it a management policy rule for msidmCompletedTime of all requests",
    404: "there is no such service here: check the address and its version, such as …/v2",
}


class RestHistory:
    """Implements ``RequestHistory``."""

    def __init__(self, options: MimServiceOptions, clock: Clock, secrets: SecretSource) -> None:
        address = httpx.URL(options.rest)
        sign_in = options.sign_in
        password = None if sign_in is None else secrets.find(str(sign_in.password)).reveal()
        self._clock = clock
        self._address = options.rest
        self._client = httpx.AsyncClient(
            auth=NegotiateAuth(address.host, None if sign_in is None else sign_in.user, password),
            limits=httpx.Limits(max_connections=1),
            timeout=options.time_limit.total_seconds(),
            verify=True if options.ca is None else _trusting(options.ca),
            follow_redirects=False,
        )

    async def asked(self, path: str) -> Answer:
        """Return what an XPath filter finds, at most 200."""
        query = {"filter": path, "attributes": "ObjectID,msidmCompletedTime", "pageSize": str(_PAGE)}
        try:
            response = await self._client.get(f"{self._address}/resources/", params=query)
        except httpx.HTTPError as error:
            raise TriggerFailed(f"{self._address} cannot be reached: {str(error) or type(error).__name__}") from None
        if response.status_code != httpx.codes.OK:
            raise TriggerFailed(f"{self._address} answered {response.status_code}: {_meaning(response)}")
        found = _results(response)
        times = [moment for each in found if (moment := _moment(each.get("msidmCompletedTime"))) is not None]
        ids = tuple(plain_id(str(each.get("ObjectID"))) for each in found if each.get("ObjectID"))
        return Answer(ids=ids, at=self._server_time(response), newest=max(times, default=None))

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

    def _server_time(self, response: httpx.Response) -> datetime:
        """Return the server's clock: filters compare with times that it wrote."""
        try:
            return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
        except (KeyError, ValueError):
            return self._clock.now()


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise TriggerFailed(f"the certificates in {ca} cannot be read: {error.strerror or error}") from None


def _meaning(response: httpx.Response) -> str:
    known = _MEANINGS.get(response.status_code)
    try:
        said = str(response.json()["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        said = ""
    return known or said or "not what was expected"


def _results(response: httpx.Response) -> list[Mapping[str, object]]:
    if len(response.content) > _LARGEST:
        raise TriggerFailed("the REST service's answer is larger than 4 MB; is the address right?")
    try:
        results = json.loads(response.content)["Results"]
    except (ValueError, KeyError, TypeError):
        raise TriggerFailed(
            "the REST service's answer is not what its version 2 gives; is the address right?"
        ) from None
    if not isinstance(results, list):
        raise TriggerFailed("the REST service's answer has no list of results; is the address right?")
    return [each for each in results if isinstance(each, dict)]


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
