"""The stand-in server of the demonstration, in this process and in real time."""

from autosync.adapters.clocks import SystemClock
from autosync.testing.mim.plan import company
from autosync.testing.mim.provider import MimProvider
from autosync.testing.mim.server import MimStandIn


def stand_in(password: str, account: str) -> MimStandIn:
    """Return a server with a small company, not started yet, that lets one account in."""
    return MimStandIn(MimProvider(company(), SystemClock()), passwords={account: password})
