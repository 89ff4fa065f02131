"""Whether a delivery is from somebody who knows the secret, and from now. Pure: the time is an argument.

Signatures are those of Standard Webhooks: ``webhook-signature`` holds ``v1,`` and the base64 of an HMAC-SHA256 over
``<webhook-id>.<webhook-timestamp>.<body>``; several, while a sender changes its secret. Comparisons take equally long for
every wrong answer.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from autosync.adapters.triggers.webhook.options import Proof, WebhookOptions
from autosync.ports.webhook import Answer, Delivery, Reception

LARGEST: Final = 1024 * 1024
"""Bytes of a body."""
ID: Final = "webhook-id"
TIME: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
_PREFIX: Final = "whsec_"
_LONGEST_ID: Final = 200
_MOST_SIGNATURES: Final = 10


def refusal(delivery: Delivery, options: WebhookOptions, secret: str, now: datetime) -> Answer | None:
    """Return why the delivery is refused; None where it is good."""
    if len(delivery.body) > LARGEST:
        return Answer(reception=Reception.TOO_LARGE, text=f"more than {LARGEST:,} bytes are not taken")
    if len(delivery.headers.get(ID, "")) > _LONGEST_ID:
        return Answer(reception=Reception.NOT_AUTHENTIC, text=f"{ID} has at most {_LONGEST_ID} characters")
    if options.proof is Proof.TOKEN:
        return None if _has_token(delivery, secret) else _wrong("send the secret: Authorization: Bearer …")
    if not _is_signed(delivery, secret):
        return _wrong(f"sign {ID}.{TIME}.body with HMAC-SHA256: {SIGNATURE}: v1,<base64>")
    moment = _moment(delivery.headers.get(TIME, ""))
    if moment is None or abs(now - moment) > options.tolerance:
        return Answer(reception=Reception.STALE, text=_too_far(now, options.tolerance))
    return None


def sign(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a delivery, as it stands in its header."""
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_key(secret), content, hashlib.sha256).digest()).decode("ascii")


def _is_signed(delivery: Delivery, secret: str) -> bool:
    headers = delivery.headers
    if not headers.get(ID):
        return False
    right = sign(secret, headers[ID], headers.get(TIME, ""), delivery.body).encode()
    given = headers.get(SIGNATURE, "").split()[:_MOST_SIGNATURES]
    return any(hmac.compare_digest(right, each.encode()) for each in given)


def _has_token(delivery: Delivery, secret: str) -> bool:
    scheme, _, given = delivery.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), secret.encode())
    return same and scheme.casefold() == "bearer"


def _key(secret: str) -> bytes:
    """Return the bytes of the secret: base64 behind ``whsec_``, as senders show it, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _moment(text: str) -> datetime | None:
    if not text.isdecimal() or not text.isascii() or len(text) > 12:
        return None
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _wrong(way_out: str) -> Answer:
    return Answer(reception=Reception.NOT_AUTHENTIC, text=f"this is not from somebody who knows the secret; {way_out}")


def _too_far(now: datetime, tolerance: timedelta) -> str:
    seconds = f"{tolerance.total_seconds():g} s"
    return f"{TIME} must be within {seconds} of now ({int(now.timestamp())}); is the sender's clock right?"
