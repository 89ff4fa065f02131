"""What the connected systems have said about themselves, remembered for when they cannot be reached."""

import msgspec

from autosync.syncengine.connectors.port import Description
from autosync.syncengine.store.port import Store

# A driver hands out names of a text class of its own: what is no plain value is taken as text.
_encode = msgspec.msgpack.Encoder(enc_hook=str).encode
_decode = msgspec.msgpack.Decoder(Description).decode


def remembered(store: Store, agent: str) -> Description | None:
    """Return what the agent's connected system said last; None when it never said anything."""
    blob = store.fact(f"description {agent}")
    return None if blob is None else _decode(blob)


def described(store: Store, agent: str, found: Description, known: dict[str, Description]) -> bool:
    """Take note of what a connected system says; return whether it is anything new."""
    blob = _encode(found)
    if agent in known and _encode(known[agent]) == blob:
        return False
    store.remember(f"description {agent}", blob)
    known[agent] = _decode(blob)
    return True
