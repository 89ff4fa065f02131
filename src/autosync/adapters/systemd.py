"""Tells systemd how the service does (``sd_notify``); does nothing where there is no systemd.

The protocol is one datagram of ``KEY=value`` lines to the socket that the environment names; see sd_notify(3).
"""

import os
import socket
from collections.abc import Mapping

_ABSTRACT = "@"


def notify(word: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send ``word`` (``READY=1``, ``STOPPING=1``, ``STATUS=…``); return whether somebody was there to be told."""
    place = environment.get("NOTIFY_SOCKET", "")
    family = getattr(socket, "AF_UNIX", None)
    if not place or family is None:
        return False
    address = "\0" + place[1:] if place.startswith(_ABSTRACT) else place
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as out:
            out.connect(address)
            out.sendall(word.encode())
    except OSError:
        return False  # a service manager that does not listen is no reason to fail
    return True
