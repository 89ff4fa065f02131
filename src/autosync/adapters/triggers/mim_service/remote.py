"""A MIM Service through PowerShell remoting: the FIMAutomation snap-in on its own server, which needs nothing else there."""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Final

from autosync.adapters.triggers.mim_service.options import MimServiceOptions
from autosync.adapters.triggers.mim_service.requests import Answer, plain_id
from autosync.model.errors import AutoSyncError, TriggerFailed
from autosync.ports.secrets import SecretSource
from autosync.windows_remoting.plain import Plain
from autosync.windows_remoting.powershell import Command, CommandFailed, Credential
from autosync.windows_remoting.scripts import RemoteScript
from autosync.windows_remoting.target import DEFAULT_SESSION

_HELP: Final[Mapping[str, str]] = {
    "NoSnapIn": "the FIMAutomation snap-in is not there, or not for this PowerShell: host must be the server of the MIM "
    "Service, and session-configuration Windows PowerShell 5.1",
    "NotAnswered": "on that server: Get-Service FIMService; is service: its address, and may the account read requests? With "
    "sign-in an account of its own asks",
    "CommandNotFoundException": "the session configuration does not have the functions of AutoSync's requests.ps1",
}


def script() -> str:
    """Return the script that is loaded into the session."""
    return resources.files(__package__).joinpath("requests.ps1").read_text(encoding="utf-8")


class RemoteHistory:
    """Implements ``RequestHistory``. Raises ``ConfigError`` for a secret that is not there."""

    def __init__(self, options: MimServiceOptions, secrets: SecretSource) -> None:
        assert options.host is not None
        self._options = options
        self._name = f"the MIM Service on {options.host.server}"
        # A session configuration of the customer's own brings the function with it, and may allow nothing else.
        text = script() if options.host.session == DEFAULT_SESSION else ""
        self._script = RemoteScript(options.host.target(secrets), text, name=f"mim-service {options.host.server}")
        sign_in = options.sign_in
        self._credential = (
            None if sign_in is None else Credential(user=sign_in.user, password=secrets.find(str(sign_in.password)))
        )

    async def asked(self, path: str) -> Answer:
        """Return what an XPath filter finds, at most 200."""
        parameters = {"Filter": path, "Service": self._options.service, "Credential": self._credential}
        command = Command(text="Find-CompletedRequest", parameters=parameters)
        try:
            answer = await self._script.call(command, limit_s=self._options.time_limit.total_seconds())
        except CommandFailed as failed:
            help_text = _HELP.get(failed.error_id, "")
            raise TriggerFailed(f"{self._name}: {failed}{'; ' if help_text else ''}{help_text}") from None
        except AutoSyncError as error:
            raise TriggerFailed(f"{self._name} cannot be asked: {error}") from error
        at, *ids = answer.values or ("",)
        return Answer(ids=tuple(plain_id(str(each)) for each in ids), at=self._moment(at))

    async def close(self) -> None:
        """Delete the session."""
        await self._script.close()

    def _moment(self, said: Plain) -> datetime:
        try:
            moment = datetime.fromisoformat(str(said))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise TriggerFailed(f"{self._name} did not say when it was asked: something else answered on that server")
        return moment.astimezone(UTC)
