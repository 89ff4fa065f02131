"""What the methods of the engine answer: a status, a number, XML, or a word that says why there is none of these."""

from dataclasses import dataclass
from typing import Final

from autosync.adapters.engines.mim.reading import statuses
from autosync.adapters.engines.mim.reading.values import whole
from autosync.model.errors import EngineRejected, EngineUnavailable

_AWAY: Final = "connection-failure"
_HELP: Final = {
    "access-denied": "the account is in none of the engine's groups that may do this (Operators at least)",
    _AWAY: "the service stopped, or the account lost its group",
    "call-failure": "an unexpected error inside the engine; its event log tells more",
    "no-start-unknown-profile-name": "the agent has no such run profile; it may have been renamed",
    "no-start-ma-already-running": "the agent is running a profile",
    "no-start-ma-update-in-progress": "the agent is being created, changed or deleted",
}
_UNDECIDED: Final = ("call-failure", _AWAY, "sql-deadlock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """What ``Execute`` answered. ``began`` is None when only the run history can tell; so is an unknown status."""

    status: str
    began: bool | None
    is_running: bool
    is_known: bool


def executed(answer: str) -> Executed:
    """Return what the answer of ``Execute`` means. It may be transitional: then the run goes on."""
    status = answer.strip()
    word = _word(status)
    is_known = statuses.is_known(status)
    began: bool | None = None
    if word == "access-denied" or word.startswith("no-start-") or word == "missing-partition-for-run-step":
        began = False
    elif is_known and word not in _UNDECIDED:
        began = True
    return Executed(status=status, began=began, is_running=statuses.is_transitional(status), is_known=is_known)


def stopped(answer: str) -> bool:
    """Return whether ``Stop`` stopped something; False when nothing ran. Raises like ``said_no``."""
    word = _word(answer)
    if word == "success":
        return True
    if word == "ma-not-running":
        return False
    raise said_no(answer)


def history_text(answer: str) -> str:
    """Return the XML that ``RunDetails`` gave. Raises like ``said_no`` when it gave a word instead."""
    if answer.lstrip("\ufeff \t\r\n").startswith("<"):
        return answer
    raise said_no(answer)


def counted(answer: str) -> int:
    """Return the number that a counting method gave. Raises like ``said_no`` when it gave a word instead."""
    number = whole(answer)
    if number is None:
        raise said_no(answer)
    return number


def said_no(answer: str) -> EngineUnavailable | EngineRejected:
    """Return the error for an answer that is no result: ``EngineUnavailable`` where it may be better later."""
    status = " ".join(answer.split())[:200]
    if not status:
        return EngineUnavailable("the engine answered nothing; trying again")
    said = f"the engine answered {status}: {_HELP.get(_word(status), 'not a word that is documented for this call')}"
    if _word(status) in {_AWAY, "call-failure"}:
        return EngineUnavailable(said)
    return EngineRejected(status, said)


def _word(answer: str) -> str:
    """Return an answer in lower case, without the code behind ``call-failure:0x80230405``."""
    return answer.strip().lower().partition(":")[0]
