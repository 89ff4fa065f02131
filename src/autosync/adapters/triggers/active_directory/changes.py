"""The two ways to find out what changed: DirSync for all controllers, update sequence numbers for one."""

from dataclasses import dataclass, replace
from typing import Final

from autosync.adapters.triggers.active_directory.metadata import METADATA, changed_after
from autosync.adapters.triggers.active_directory.options import ActiveDirectoryOptions, Way
from autosync.adapters.triggers.active_directory.places import ReadTo
from autosync.adapters.triggers.active_directory.relevance import class_filter, counts, watched
from autosync.adapters.triggers.active_directory.survey import Survey
from autosync.directory.client import Directory
from autosync.directory.controls import DIR_SYNC, DirSyncFlag, dir_sync, dir_sync_state, show_deleted
from autosync.directory.errors import RequestFailed
from autosync.directory.filters import And, AtLeast, Equals, Filter
from autosync.directory.results import (
    INSUFFICIENT_ACCESS,
    UNAVAILABLE_CRITICAL_EXTENSION,
    UNWILLING_TO_PERFORM,
)
from autosync.directory.searching import Entry, Scope, Search
from autosync.model.errors import TokenUnknown

_NOTHING: Final = Equals("objectClass", "autosyncWantsNothing")
"""Matches no object: a first DirSync gives its cookie without reading the whole directory."""
_REFUSALS: Final = frozenset({INSUFFICIENT_ACCESS, UNAVAILABLE_CRITICAL_EXTENSION, UNWILLING_TO_PERFORM})
_USN_ATTRIBUTES: Final = ("uSNChanged", "isDeleted", "lastKnownParent", *METADATA)
_PIECE: Final = 1_000_000
"""Octets of one DirSync answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was found since a place, and the place reached. ``count`` are the objects that count."""

    place: ReadTo
    count: int = 0
    passed_over: int = 0
    sure: bool = True
    """False when it cannot be told whether something changed: another controller, never seen before."""


class Reader:
    """Finds changes on one controller."""

    def __init__(self, directory: Directory, found: Survey, options: ActiveDirectoryOptions) -> None:
        self._directory = directory
        self._survey = found
        self._way = options.way
        self._classes = class_filter(options.object_classes)
        self._wanted = options.attributes
        self._watched = watched(options, found.base_key)
        self.refusal = ""
        """Why DirSync is not used, in the server's words."""

    @property
    def way(self) -> Way:
        """Return the way in use."""
        return self._way

    async def read(self, place: ReadTo | None) -> Changes:
        """Return what changed since ``place``; without one, the place of this moment.

        Raises ``TokenUnknown`` when the directory no longer knows the place.
        """
        controller = self._survey.controller
        changes = await (self._by_usn(place) if self._way is Way.USN else self._by_dirsync(place))
        known = {**changes.place.invocations, controller.settings: controller.invocation}
        return replace(changes, place=replace(changes.place, invocations=known))

    async def _by_dirsync(self, place: ReadTo | None) -> Changes:
        cookie = b"" if place is None else place.cookie
        wanted = self._classes if cookie else _NOTHING
        count = passed_over = 0
        try:
            while True:
                entries, cookie, more = await self._piece(cookie, wanted)
                relevant = sum(counts(entry, entry.attributes.keys(), self._watched) for entry in entries)
                count, passed_over = count + relevant, passed_over + len(entries) - relevant
                if not more:
                    break
        except RequestFailed as error:
            return await self._refused(error, place)
        before = place or ReadTo()
        return Changes(
            place=replace(before, cookie=cookie),
            count=count,
            passed_over=passed_over,
            sure=place is not None and bool(place.cookie),
        )

    async def _refused(self, error: RequestFailed, place: ReadTo | None) -> Changes:
        if error.code == INSUFFICIENT_ACCESS or place is None or not place.cookie:
            if self._way is Way.AUTO and error.code in _REFUSALS:
                self.refusal, self._way = str(error), Way.USN
                return await self._by_usn(place)
            raise error
        raise TokenUnknown(f"{self._directory.server} no longer knows the place that was read to: {error}") from None

    async def _piece(self, cookie: bytes, wanted: Filter) -> tuple[list[Entry], bytes, bool]:
        attributes = (*self._wanted, "name", "parentGUID", "isDeleted", "lastKnownParent") if self._wanted else ()
        search = Search(
            base=self._survey.context,
            filter=wanted,
            attributes=attributes,
            page_size=0,
            controls=[dir_sync(cookie, flags=[DirSyncFlag.INCREMENTAL_VALUES], size=_PIECE)],
        )
        async with self._directory.search(search) as found:
            entries = [answer async for answer in found if isinstance(answer, Entry)]
            result = found.result.require("DirSync was refused")
        state = dir_sync_state(result.control(DIR_SYNC))
        return entries, state.cookie, state.more

    async def _by_usn(self, place: ReadTo | None) -> Changes:
        invocation = self._survey.controller.invocation
        before = place or ReadTo()
        last = before.usns.get(invocation)
        reached = await self._highest()
        usns = {**before.usns, invocation: reached}
        if last is None:
            return Changes(place=replace(before, usns=usns), sure=False)
        if reached < last:
            raise TokenUnknown(
                f"{self._directory.server} counts less than it did ({reached} after {last}): it was restored from a backup"
            )
        count = passed_over = 0
        if reached > last:
            async for entry in self._directory.entries(self._since(last)):
                relevant = counts(entry, changed_after(entry, last), self._watched)
                count, passed_over = count + relevant, passed_over + (not relevant)
        return Changes(place=replace(before, usns=usns), count=count, passed_over=passed_over)

    def _since(self, last: int) -> Search:
        return Search(
            base=self._survey.context,
            scope=Scope.SUBTREE,
            filter=And([AtLeast("uSNChanged", str(last + 1)), self._classes]),
            attributes=_USN_ATTRIBUTES,
            controls=[show_deleted()],
        )

    async def _highest(self) -> int:
        root = await self._directory.read("", ("highestCommittedUSN",))
        return int((root.text("highestCommittedUSN") if root else None) or 0)
