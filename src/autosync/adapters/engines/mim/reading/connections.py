"""What a step's connection log says, as lines for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from autosync.adapters.engines.mim.reading.object_errors import coded
from autosync.untrusted_xml import Node

MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that happened to the connection with the connected system."""

    text: str
    is_failure: bool


def incidents(step: Node) -> tuple[Incident, ...]:
    """Return what happened to the connection, in order, at most the last twenty.

    The log may hold several incidents, which the published schema does not allow but real servers write.
    """
    connection = step.at("ma-connection") or step
    log = connection.at("connection-log")
    nodes = list(log.all("incident")) if log is not None else []
    found = [incident for node in nodes if (incident := _incident(node)) is not None]
    if not found and (alone := _incident(connection)) is not None:
        found = [alone]
    return tuple(found[-MOST:])


def _incident(node: Node) -> Incident | None:
    result = node.words("connection-result")
    if not result:
        return None
    when, server = node.words("date"), node.words("server")
    place = " ".join(part for part in (f"{when} UTC" if when else "", server) if part)
    said = " ".join((result, *_error(node)))
    return Incident(text=f"{place}: {said}" if place else said, is_failure=result != "success")


def _error(node: Node) -> Iterator[str]:
    error = node.at("cd-error")
    if error is None:
        return
    if literal := coded(error):
        yield literal
    if detail := " ".join(error.words("server-error-detail").split()):
        yield f"[{detail[:300]}]"
