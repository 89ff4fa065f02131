"""What a controller says about itself: its partitions, its database, and how far it has counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from autosync.adapters.triggers.active_directory.places import Controller
from autosync.directory.client import Directory
from autosync.directory.names import is_within, same_name_key
from autosync.directory.searching import NO_ATTRIBUTES, Entry
from autosync.model.errors import TriggerFailed

_ROOT = ("namingContexts", "defaultNamingContext", "dsServiceName", "highestCommittedUSN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Where to look, and at whom."""

    base: str
    context: str
    """The root of the partition that holds the base: DirSync and notifications work there alone."""
    controller: Controller
    highest: int
    """The update sequence number up to which everything is committed."""

    @property
    def base_key(self) -> str:
        """Return the base as names are compared."""
        return same_name_key(self.base)


async def survey(directory: Directory, base: str | None) -> Survey:
    """Return what is known about the controller; raise ``TriggerFailed`` for a base that it does not have."""
    root = await directory.read("", _ROOT)
    if root is None or root.text("dsServiceName") is None:
        raise TriggerFailed(f"{directory.server} is no Active Directory; use type: ldap for other directories")
    where = base or root.text("defaultNamingContext")
    if where is None:
        raise TriggerFailed(f"{directory.server} has no default partition (AD LDS); name base, the DN to watch")
    if await directory.read(where, NO_ATTRIBUTES) is None:
        raise TriggerFailed(f"{where} does not exist on {directory.server}, or {directory.server} hides it; check base")
    return Survey(
        base=where,
        context=_context(root, where),
        controller=await _controller(directory, root),
        highest=int(root.text("highestCommittedUSN") or 0),
    )


def _context(root: Entry, base: str) -> str:
    contexts: Sequence[str] = [each.decode("utf-8", "replace") for each in root.values("namingContexts")]
    key = same_name_key(base)
    holding = [each for each in contexts if is_within(key, same_name_key(each))]
    if not holding:
        raise TriggerFailed(f"{base} lies in no partition of this controller; it has {', '.join(contexts)}")
    return max(holding, key=len)


async def _controller(directory: Directory, root: Entry) -> Controller:
    settings = root.text("dsServiceName") or ""
    entry = await directory.read(settings, ("invocationId",))
    ids = () if entry is None else entry.values("invocationId")
    return Controller(settings=settings, invocation=ids[0].hex() if ids else "")
