"""The channel that is always there: messages become log lines."""

from collections.abc import Mapping
from pathlib import Path

import structlog

from autosync.ports.registry import OptionMistake, Parsed, Surroundings


class LogNotifier:
    """Writes each message as one structured line; never fails."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("autosync.notice")

    async def send(self, body: Mapping[str, object]) -> None:
        """Write the message."""
        # A body may hold the logger's own words; they get a prefix instead of a quarrel.
        self._log.warning("notice", **{f"_{key}" if key in {"event", "level"} else key: body[key] for key in body})


class LogKind:
    """``type: log`` has no options."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:  # noqa: ARG002 - the port's signature
        """Return no options, and a mistake for each key."""
        message = "the log channel has no options"
        return Parsed(options=None, mistakes=tuple(OptionMistake(path=(key,), message=message) for key in data))

    def json_schema(self) -> Mapping[str, object]:
        """Return the schema of an empty mapping."""
        return {"type": "object", "description": "Writes messages into the service's log.", "properties": {}}

    def build(self, options: object, around: Surroundings) -> LogNotifier:  # noqa: ARG002 - the port's signature
        """Return the channel."""
        return LogNotifier()
