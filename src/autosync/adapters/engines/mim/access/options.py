"""How a synchronization server is reached, as the configuration says it."""

from dataclasses import dataclass, replace
from typing import Any, Final

from autosync.options import windows_host
from autosync.options.blocks import Key, Values
from autosync.options.reading import Place
from autosync.options.shapes import flag
from autosync.options.windows_host import SERVER, SESSION, WindowsHost, host_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    """How to reach one server."""

    host: WindowsHost | None = None
    """None: AutoSync runs on the server itself and asks it by COM."""
    tools: bool = True


LOCAL: Final = Key(
    "local", flag(), False, "AutoSync runs on the synchronization server itself and asks it by COM; Windows only."
)
TOOLS: Final = Key(
    "command-line-tools",
    flag(),
    True,
    "Whether maexport and csexport are used. Without them, run profiles are learned from the run history, and pending changes "
    "are counted by agent, not by partition.",
)
_DOCS: Final = {
    SERVER.name: "The synchronization server, as its certificate and Kerberos name it.",
    SESSION.name: "The PowerShell session configuration for maexport and csexport. One of your own must have the functions of "
    "AutoSync's bridge.ps1.",
}
_HOST_KEYS: Final[tuple[Key[Any], ...]] = tuple(
    replace(key, doc=_DOCS.get(key.name, key.doc)) for key in windows_host.KEYS
)
KEYS: Final[tuple[Key[Any], ...]] = (_HOST_KEYS[0], LOCAL, *_HOST_KEYS[1:], TOOLS)
"""The keys, for the engine's own block."""


def access_of(values: Values, at: Place) -> AccessOptions:
    """Return the options of a block that has ``KEYS``, and note what does not fit together."""
    if values[LOCAL]:
        for key in _HOST_KEYS:
            if values.has(key):
                at.at(key.name).wrong("with local: true AutoSync asks its own machine, as its own account", on_key=True)
        return AccessOptions(tools=values[TOOLS])
    if not values[SERVER]:
        at.wrong("server is missing: its name; or local: true where AutoSync runs on the server itself")
    return AccessOptions(host=host_of(values, at), tools=values[TOOLS])
