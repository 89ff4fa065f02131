"""Being notified: a wake-up and nothing more. Notifications carry no cookie and are lost while nobody listens."""

import asyncio
from typing import Final

from autosync.directory.client import Directory
from autosync.directory.controls import notification, show_deleted
from autosync.directory.searching import Found, Scope, Search
from autosync.model.errors import TriggerFailed
from autosync.ports.clock import Clock

_ATTRIBUTES: Final = ("uSNChanged",)
_BEGIN_S: Final = 0.2
"""The first wait is short: what changed before the directory listened is found by asking once more."""


class Listener:
    """A search that never ends on a directory's partition. Deletions are seen because deleted objects are asked for."""

    def __init__(self, directory: Directory, context: str) -> None:
        search = Search(
            base=context,
            scope=Scope.SUBTREE,
            attributes=_ATTRIBUTES,
            page_size=0,
            controls=[notification(), show_deleted()],
        )
        self._found: Found = directory.search(search, timeout_s=None)
        self._began = False
        self.refusal = ""
        """Why it is not notified, in the server's words; empty while it is."""

    async def wait(self, seconds: float, gather: float, clock: Clock) -> None:
        """Wait for a notification, at most ``seconds``; then for those that follow within ``gather`` seconds."""
        if self.refusal:
            await clock.sleep(seconds)
            return
        begins, self._began = not self._began, True
        if not await self._notified(min(seconds, _BEGIN_S) if begins else seconds):
            return
        until = clock.elapsed() + gather
        while (left := until - clock.elapsed()) > 0 and await self._notified(left):
            continue

    def close(self) -> None:
        """Want no more notifications."""
        self._found.abandon()

    async def _notified(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                answer = await self._found.next()
        except TimeoutError:
            return False
        if answer is None:
            if self._found.result.succeeded:
                raise TriggerFailed("the directory ended the notifications; listening again")
            self.refusal = self._found.result.say()
            return False
        return True
