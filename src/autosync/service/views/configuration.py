"""The configuration: mistakes, plans, revisions."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeView:
    """One mistake in a configuration, as ``file:line:column  path: message``."""

    file: str
    line: int | None
    column: int | None
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One line of a plan: ``change`` is ``add``, ``remove`` or ``change``."""

    change: str
    path: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What a configuration text would change. It can be applied when there are no mistakes."""

    revision: int
    """The revision that it is compared with: the running one."""
    mistakes: tuple[MistakeView, ...]
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A configuration that was, or is, in force. Secrets in ``text`` are references; it is empty in lists."""

    number: int
    applied: datetime
    by: str
    reason: str
    text: str = ""
