"""The way in for programs that call triggers: no token of the API, but whatever the trigger itself asks for as a proof."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from autosync.ports.webhook import Delivery, Reception, Webhook
from autosync.web.errors import Code, answer

PREFIX: Final = "/hooks/"

FindWebhook: TypeAlias = Callable[[str], Webhook | None]
"""From the address behind the prefix (``home/hr/webhook``) to a trigger."""

router = APIRouter()

_REFUSALS: Final[Mapping[Reception, tuple[int, Code]]] = {
    Reception.NOT_AUTHENTIC: (401, Code.UNAUTHORIZED),
    Reception.STALE: (401, Code.UNAUTHORIZED),
    Reception.TOO_LARGE: (413, Code.TOO_LARGE),
    Reception.NOT_NOW: (503, Code.UNAVAILABLE),
}
_RETRY_S: Final = "10"


@router.post(
    PREFIX + "{address:path}",
    status_code=202,
    responses={401: {"description": "No proof, or an old one."}, 503: {"description": "Not recorded: send it again."}},
)
async def call_trigger(request: Request, address: str) -> Response:
    """Call a trigger of type `webhook`: `/hooks/<engine>/<agent>/<name>`. 202 once what came is durable."""
    find: FindWebhook = request.app.state.find_webhook
    webhook = find(address)
    if webhook is None:
        return answer(404, Code.NOT_FOUND, f"no trigger of type webhook is called at {PREFIX}{address}")
    said = await webhook.receive(Delivery(headers=dict(request.headers), body=await request.body()))
    if said.reception in _REFUSALS:
        refusal = answer(*_REFUSALS[said.reception], said.text)
        if said.reception is Reception.NOT_NOW:
            refusal.headers["Retry-After"] = _RETRY_S
        return refusal
    return JSONResponse({"status": said.reception}, status_code=202)
