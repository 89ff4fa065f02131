"""Who may call, and what is kept of it; and how that is written in the configuration."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place
from autosync.options.shapes import choice, duration, flag, maybe, secret
from autosync.ports.secrets import SecretReference


class Proof(StrEnum):
    """How a caller shows that it may call."""

    SIGNATURE = "signature"
    """Headers of Standard Webhooks: an HMAC-SHA256 of id, time and body."""
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    """``Authorization: Bearer``, over TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOptions:
    """Options of ``type: webhook``."""

    secret: SecretReference
    proof: Proof = Proof.SIGNATURE
    tolerance: timedelta = timedelta(minutes=5)
    """How far the time in a signed delivery may be from now."""
    keep_body: bool = True
    """Whether the journal keeps the body, shortened and with what looks like a secret masked."""


_SECRET: Final = maybe(secret())

SECRET: Final = Key("secret", _SECRET, None, "Where the secret is kept that the caller knows, too.", required=True)
PROOF: Final = Key(
    "proof",
    choice(Proof),
    Proof.SIGNATURE,
    "How a caller proves that it knows the secret. signature: HMAC-SHA256, as in Standard Webhooks; token: the secret "
    "itself as Authorization: Bearer.",
)
TOLERANCE: Final = Key(
    "tolerance",
    duration(timedelta(seconds=1), timedelta(hours=1)),
    timedelta(minutes=5),
    "How far the time of a signed delivery may be from now; an older one may be a replay.",
)
KEEP_BODY: Final = Key(
    "keep-body",
    flag(),
    True,
    "Whether the journal keeps the body as evidence: its first 4,000 characters, with what looks like a secret masked.",
)


def _options(values: Values, _: Place) -> WebhookOptions:
    known = values[SECRET]
    assert known is not None
    return WebhookOptions(secret=known, proof=values[PROOF], tolerance=values[TOLERANCE], keep_body=values[KEEP_BODY])


SHAPE: Final = Built(
    block=Block(doc="Fires when another program calls.", keys=(SECRET, PROOF, TOLERANCE, KEEP_BODY)), build=_options
)
