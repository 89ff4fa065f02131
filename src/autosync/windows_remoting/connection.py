"""A connection with a server: pypsrp's WS-Management on AutoSync's transport."""

from datetime import datetime
from typing import Any, Final, cast

from pypsrp.exceptions import WinRMError
from pypsrp.wsman import WSMan

from autosync.windows_remoting.envelopes import IDENTIFY
from autosync.windows_remoting.failures import told
from autosync.windows_remoting.target import Target
from autosync.windows_remoting.transport import Transport

LARGEST_ENVELOPE: Final = 8 * 1024 * 1024
"""Asked for; the server gives what its ``MaxEnvelopeSizekb`` allows, 500 KB unless it was raised."""
_IDENTIFY_S: Final = 20.0


class Connection:
    """WS-Management with one server; for one thread. Nothing is opened before it is used."""

    def __init__(self, target: Target, *, largest: int = LARGEST_ENVELOPE, least_s: float = 0.0) -> None:
        self.target = target
        self._transport = Transport(target, least_s=least_s)
        # Its own transport is never used: nothing is connected before the first message.
        self.wsman = WSMan(target.host, port=target.port, max_envelope_size=largest)
        self.wsman.transport = cast("Any", self._transport)

    def identify(self) -> datetime | None:
        """Reach the server, sign in, and return its clock to the second, where it tells it. Raises ``RemotingFailed``."""
        try:
            self._transport.send(IDENTIFY, timeout=_IDENTIFY_S)
        except WinRMError as error:
            raise told(error, self.target) from None
        return self._transport.date

    @property
    def connections(self) -> int:
        """Return how many connections there were."""
        return self._transport.connections

    def abort(self) -> None:
        """Stop waiting, and send nothing more; from another thread."""
        self._transport.abort()

    def mend(self) -> None:
        """Allow a last word, such as letting go of what the server keeps."""
        self._transport.mend()

    def close(self) -> None:
        """Let go."""
        self._transport.close()
