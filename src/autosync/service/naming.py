"""What people call things, and which thing they mean: exact names first, then any writing that fits only one thing."""

import re
from collections.abc import Collection

from autosync.model.errors import NotFound
from autosync.model.ids import AgentId, HoldId, RequestId, name_of

_NUMBERED = re.compile(r"([a-z]+)-?(\d+)", re.IGNORECASE)


def hold_name(hold: HoldId) -> str:
    """Return what people call a hold: ``H-7``."""
    return f"H-{hold}"


def find_agent(written: str, agents: Collection[AgentId]) -> AgentId:
    """Return the agent that ``written`` means: its id, or its own name in any case where only one agent has it.

    Raises ``NotFound`` with the candidates, or with the nearest names.
    """
    if written in agents:
        return AgentId(written)
    folded = written.casefold()
    for fits in (
        [agent for agent in agents if agent.casefold() == folded],
        [agent for agent in agents if name_of(agent).casefold() == folded],
        [agent for agent in agents if name_of(agent).casefold().startswith(folded) and folded],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            raise NotFound(f'"{written}" could be {_listed(sorted(fits))}: write the whole name')
    raise NotFound(f'no agent "{written}"{_nearest(written, agents)}')


def find_hold(written: str) -> HoldId:
    """Return the number in ``H-7``, ``h7`` or ``7``; raise ``NotFound`` for anything else."""
    number = numbered(written, "h")
    if number is None and written.isdecimal():
        number = int(written)
    if number is None:
        raise NotFound(f'"{written}" is no hold; holds are named like H-7')
    return HoldId(number)


def find_request(written: str) -> RequestId | None:
    """Return the number in ``R-12``, or None where ``written`` does not name a request."""
    number = numbered(written, "r")
    return None if number is None else RequestId(number)


def numbered(written: str, letter: str) -> int | None:
    """Return the number behind ``letter`` (``H-7``: 7), or None where ``written`` looks different."""
    match = _NUMBERED.fullmatch(written.strip())
    if match is None or match[1].casefold() != letter:
        return None
    return int(match[2])


def nearest_of(written: str, names: Collection[str]) -> list[str]:
    """Return at most three of ``names`` that are written much like ``written``, best first."""
    import difflib  # noqa: PLC0415 - only needed to explain a mistake

    by_folded = {name.casefold(): name for name in names}
    folded = difflib.get_close_matches(written.casefold(), list(by_folded), n=3, cutoff=0.5)
    return [by_folded[name] for name in folded]


def _nearest(written: str, agents: Collection[AgentId]) -> str:
    if not agents:
        return ": no engine has told of any agent yet"
    by_name = {name_of(agent): agent for agent in agents}
    near = nearest_of(written, agents) or [by_name[name] for name in nearest_of(written, by_name)]
    return f" (did you mean {_listed(near)}?)" if near else f"; there are {_listed(sorted(agents)[:5])}"


def _listed(names: list[AgentId] | list[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)
