"""A Windows server for scripts: the stand-in of PowerShell behind real PowerShell remoting, with NTLM, on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from autosync.options.windows_host import SignInOptions, Transport, WindowsHost
from autosync.ports.secrets import SecretKind, SecretReference
from autosync.testing.mim.pipelines import Called, Invocation, Stopped
from autosync.testing.mim.provider import ACCOUNT
from autosync.testing.mim.server import PASSWORD, MimStandIn
from autosync.windows_remoting.target import Method
from tests.contracts.mim_remote import stand_in
from tests.unit.scripts.fake_pwsh import FakeShell

BRIDGE = "script bridge"
HOST_PASSWORD = PASSWORD


@contextmanager
def script_server() -> Iterator[MimStandIn]:
    """Listen until the end of the block; every session gets a stand-in for PowerShell of its own."""
    with stand_in() as server:
        server.commands.known |= {
            "open-autosyncbridge": _open,
            "set-autosynccredential": _credential,
            "invoke-autosyncrequest": _request,
        }
        yield server


def windows_host(server: MimStandIn) -> WindowsHost:
    """Return how the server is reached."""
    reference = SecretReference(kind=SecretKind.ENV, name="HOST_PASSWORD")
    sign_in = SignInOptions(method=Method.NTLM, user=ACCOUNT, password=reference)
    return WindowsHost(server=server.host, port=server.port, transport=Transport.HTTP, sign_in=sign_in)


def _open(invocation: Invocation, _: Called) -> None:
    assert BRIDGE in invocation.loaded
    shell = FakeShell(lambda _: None, leave=lambda _: None, sleep=lambda _: False, hang=lambda: None)
    invocation.memory["shell"] = shell
    _lend(invocation, shell).send(ready=True, protocol=1, pid=1, version="fake")


def _credential(invocation: Invocation, called: Called) -> None:
    given = called.parameters["Credential"]
    _shell(invocation).credential = (given.UserName, given.Password.decrypt())


def _request(invocation: Invocation, called: Called) -> None:
    shell = _lend(invocation, _shell(invocation))
    try:
        shell.answer(json.loads(called.parameters["Request"]))
    finally:
        if invocation.is_gone:  # Windows ends what a session started, when it deletes it
            for each in shell.started:
                each.kill()
                each.wait()


def _shell(invocation: Invocation) -> FakeShell:
    found = invocation.memory["shell"]
    assert isinstance(found, FakeShell)
    return found


def _lend(invocation: Invocation, shell: FakeShell) -> FakeShell:
    """Let the shell speak through this pipeline."""

    def hang() -> None:
        while not invocation.is_gone:
            invocation.wait_gone(0.02)
        raise Stopped

    def sleep(seconds: float) -> bool:
        try:
            invocation.sleep(seconds)
        except Stopped:
            return True
        return False

    def leave(_: int) -> None:
        invocation.leave()

    shell.write, shell.hang, shell.sleep, shell.leave = invocation.write, hang, sleep, leave
    return shell
