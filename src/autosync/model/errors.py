"""The exception tree, split by who must act. Messages name the thing, the value and the way out; never a secret."""


class AutoSyncError(Exception):
    """Base of everything that AutoSync raises on purpose."""


class ConfigError(AutoSyncError):
    """The operator must act: the configuration is wrong."""


class Refused(AutoSyncError):
    """The caller asked for something that is not possible now, or not at all; the message says why."""


class NotFound(Refused):
    """The caller named a thing that does not exist; the message names the nearest that does."""


class EngineUnavailable(AutoSyncError):
    """The world must come back: the engine cannot be reached. Try again; nothing is known about what it does."""


class EngineRejected(AutoSyncError):
    """The engine said no. ``status`` is its own word."""

    def __init__(self, status: str, message: str = "") -> None:
        super().__init__(message or status)
        self.status = status


class TriggerFailed(AutoSyncError):
    """A trigger cannot watch now; the host restarts it with back-off."""


class TokenUnknown(TriggerFailed):
    """The connected system no longer knows the trigger's token: a full import must replace the lost delta."""


class ScriptFailed(AutoSyncError):
    """A user's script has an error, hangs or ended; the message has file and line where they are known."""


class StoreUnavailable(AutoSyncError):
    """The store cannot be written now (locked, disk full). Nothing was acknowledged; try again."""


class StoreDamaged(AutoSyncError):
    """The store cannot be read; the message says which file and how to go on."""


class IllegalTransition(AutoSyncError):
    """A bug: something happened that cannot happen in this state."""
