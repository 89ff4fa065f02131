"""What can go wrong beside the rules. A failed run is a status, and a failed object an error record, not an exception."""


class EngineError(Exception):
    """The engine cannot do what it was asked; the message says why and what to do."""


class StoreInUse(EngineError):
    """Another process has the store open for running."""


class StoreTooNew(EngineError):
    """The store was written by a newer version of the engine."""


class StoreDamaged(EngineError):
    """The store's file is no store, or cannot be opened."""


class UnknownName(EngineError):
    """There is no such agent, profile, partition, object or attribute."""


class FlowError(Exception):
    """One object cannot be carried: Microsoft's ``error_type`` and ``algorithm_step``; the message holds no value."""

    def __init__(self, error_type: str, algorithm_step: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.algorithm_step = algorithm_step
