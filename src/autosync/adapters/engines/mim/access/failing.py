"""What ways in raise, as the port says it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from autosync.model.errors import EngineRejected, EngineUnavailable
from autosync.windows_remoting.failures import Cause, RemotingFailed
from autosync.windows_remoting.workers import WorkersBusy, WorkersClosed, WorkTimedOut

NO_OBJECT: Final = "no-such-object"
NOT_INSTALLED: Final = (
    "has no Synchronization Service: its WMI namespace root\\MicrosoftIdentityIntegrationServer is missing. Is this the "
    "synchronization server, and not the portal's?"
)


@contextmanager
def port_errors(server: str) -> Iterator[None]:
    """Raise the port's errors for those of remoting."""
    try:
        yield
    except RemotingFailed as failed:
        if failed.cause is Cause.NOT_FOUND:
            raise EngineRejected(NO_OBJECT, str(failed)) from None
        if failed.cause is Cause.MISSING:
            raise EngineUnavailable(f"{server} {NOT_INSTALLED}") from None
        raise EngineUnavailable(str(failed)) from None
    except WorkersBusy as busy:
        raise EngineUnavailable(f"{server} was not asked: {busy}; earlier calls wait for their answers") from None
    except WorkTimedOut as late:
        raise EngineUnavailable(f"{server} gave no answer: {late}; it is asked again") from None
    except WorkersClosed:
        raise EngineUnavailable(f"{server} was not asked: AutoSync lets go of it") from None
