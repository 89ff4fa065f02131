"""Values in the query language of WMI, and in XML: what a name holds cannot change what is asked."""

import re
from typing import Final

from autosync.windows_remoting.failures import Cause, RemotingFailed

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def quoted(value: str) -> str:
    r"""Return a text as WQL takes it: in quotes, ``\`` and ``'`` escaped. Raises ``RemotingFailed`` like ``legal``."""
    escaped = legal(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def legal(value: str) -> str:
    """Return a text that can be sent. Raises ``RemotingFailed`` for what cannot stand in XML: it is no name of anything."""
    if _NO_XML.search(value):
        raise RemotingFailed(Cause.NOT_FOUND, "a name with control characters is not asked for")
    return value
