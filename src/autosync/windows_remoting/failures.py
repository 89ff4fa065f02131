"""What goes wrong between here and a Windows server, each told apart: what it is, and the way out.

Codes of faults are those of ``wsmerror.h``, of Windows (5) and of WMI (``0x8004…``).
"""

import re
import socket
import ssl
from enum import Enum
from typing import Final

from pypsrp.exceptions import WinRMError, WSManFaultError

from autosync import kerberos
from autosync.model.errors import AutoSyncError
from autosync.windows_remoting.target import SERVICE, Method, Target

TIMED_OUT: Final = 2150858793
"""The server's own time limit. pypsrp takes this one as "nothing yet" where it waits for output."""

_NOT_FOUND: Final = frozenset({2150858752, 0x80041002})
_MISSING: Final = frozenset({0x8004100E, 0x80041010})
"""No such namespace, no such class."""
_DENIED: Final = frozenset({5, 2150859012, 2150859013, 0x80041003, 0x80070005})
_TOO_LARGE: Final = frozenset({2150858823, 2150858824, 2150858825})
_QUOTA: Final = frozenset({2150858815, *range(2150859173, 2150859177), 2150859179, *range(2150859236, 2150859242)})
_NO_SHELL: Final = frozenset({2150858843})
_PROVIDER: Final = frozenset({0x80041013, 0x80041014, 0x800706BA})
"""It cannot be loaded, or reached: nothing was carried out."""
_HRESULT: Final = re.compile(r"0x(8004[0-9a-f]{4}|8007[0-9a-f]{4})", re.IGNORECASE)
_EXPIRED: Final = 10
_WRONG_NAME: Final = frozenset({62, 63, 64})
_SAID_LONGEST: Final = 300


class Cause(Enum):
    """Why, for those who act on it."""

    NOT_REACHED = "not-reached"
    TLS = "tls"
    SIGN_IN = "sign-in"
    DENIED = "denied"
    NOT_FOUND = "not-found"
    """The instance that was named."""
    MISSING = "missing"
    """The namespace or class."""
    TIME_OUT = "time-out"
    LOST = "lost"
    """The connection broke; on a new one it may go well."""
    BUSY = "busy"
    """A limit of the server's, or of our own."""
    TOO_LARGE = "too-large"
    NO_SHELL = "no-shell"
    """The remote shell is gone."""
    SERVER = "server"
    """The server said something else."""


class RemotingFailed(AutoSyncError):
    """A request did not go well. The message names the server and the way out."""

    def __init__(self, cause: Cause, message: str, *, carried_out: bool = False) -> None:
        super().__init__(message)
        self.cause = cause
        self.carried_out = carried_out
        """Whether the server may have done what was asked."""


def not_connected(error: OSError, target: Target) -> RemotingFailed:
    """Return why there is no connection."""
    if isinstance(error, ssl.SSLError):
        return RemotingFailed(Cause.TLS, _tls_sentence(error, target))
    if isinstance(error, socket.gaierror):
        return RemotingFailed(
            Cause.NOT_REACHED,
            f"{target.host} has no address: correct the server's name, or let this machine's DNS servers know it",
        )
    if isinstance(error, TimeoutError):
        return RemotingFailed(
            Cause.NOT_REACHED,
            f"{target.name} does not answer: it is down, or a firewall between drops what is sent to that port",
        )
    if isinstance(error, ConnectionRefusedError):
        return RemotingFailed(
            Cause.NOT_REACHED,
            f"{target.name} refuses connections: WinRM does not listen there (on the server: winrm enumerate "
            "winrm/config/listener), or the server starts",
        )
    return RemotingFailed(Cause.NOT_REACHED, f"{target.name} is not reached: {error.strerror or error}")


def _tls_sentence(error: ssl.SSLError, target: Target) -> str:
    if not isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{target.name} speaks no TLS that is accepted (1.2 or newer): is this the port of an HTTPS listener? "
            f"({error.reason or error})"
        )
    if error.verify_code in _WRONG_NAME:
        return (
            f"the certificate of {target.name} is for another name: give server: the name in the certificate, or the "
            "listener a certificate with this one"
        )
    if error.verify_code == _EXPIRED:
        return f"the certificate of {target.name} has expired: renew it, and give the WinRM listener the new thumbprint"
    return (
        f"the certificate of {target.name} is from nobody whom this machine trusts ({error.verify_message}): give ca: the "
        "certificate of its issuer, or fingerprint: the SHA-256 of this one certificate"
    )


def wrong_certificate(target: Target) -> RemotingFailed:
    """Return that the certificate is not the one that was pinned."""
    return RemotingFailed(
        Cause.TLS,
        f"{target.name} shows another certificate than the one of fingerprint: if it was renewed, correct fingerprint; "
        "otherwise somebody else answers in its place",
    )


def unreadable(what: str, error: Exception) -> RemotingFailed:
    """Return that a file of certificates or a key cannot be used. Nothing of its content is told."""
    said = (error.strerror or type(error).__name__) if isinstance(error, OSError) else type(error).__name__
    return RemotingFailed(
        Cause.TLS, f"{what} cannot be used: {said}; it must be PEM, and readable by AutoSync's account"
    )


def sign_in_refused(target: Target) -> RemotingFailed:
    """Return that the server knows no such account, or not with this password."""
    way_out = "see sign-in: user and password; is the account locked, or its password expired?"
    if target.sign_in.method is Method.CERTIFICATE:
        way_out = "see the server's certificate mapping (winrm enumerate winrm/config/service/certmapping)"
    elif not target.sign_in.user:
        way_out = (
            "without sign-in: user, the account of the service itself signs in: is it known in the server's domain?"
        )
    return RemotingFailed(Cause.SIGN_IN, f"{target.name} does not let in {target.sign_in.name} (HTTP 401): {way_out}")


def no_ticket(error: Exception, target: Target) -> RemotingFailed:
    """Return that Kerberos or NTLM could not even begin, or did not accept what the server said."""
    trouble = f"{target.sign_in.name} cannot sign in to {target.name} with {target.sign_in.method}"
    known = kerberos.reason(error, account=target.sign_in.user, service=f"{SERVICE}/{target.host}")
    if known is not None:
        return RemotingFailed(Cause.SIGN_IN, f"{trouble}: {known}")
    said = " ".join(str(error).split())[:_SAID_LONGEST]
    return RemotingFailed(
        Cause.SIGN_IN,
        f"{trouble}: {said}. Kerberos needs the server's full name, a clock that is right to five minutes, and a ticket or "
        "password; NTLM a user and password",
    )


def no_such_method(offered: str, target: Target) -> RemotingFailed:
    """Return that the server offers no way to sign in that is accepted."""
    return RemotingFailed(
        Cause.SIGN_IN,
        f"{target.name} offers {offered or 'no way'} to sign in, not Negotiate or Kerberos: on the server, winrm set "
        'winrm/config/service/auth @{Negotiate="true"}',
    )


def lets_anybody_in(target: Target, status: int) -> RemotingFailed:
    """Return that the server did not ask who is there."""
    if status >= 400:
        return by_status(status, target)
    return RemotingFailed(Cause.SIGN_IN, f"{target.name} does not ask for a sign-in (HTTP {status}): it is no WinRM")


def not_encrypted(target: Target) -> RemotingFailed:
    """Return that an answer came in the clear although messages must be encrypted: perhaps not from the server."""
    return RemotingFailed(
        Cause.SIGN_IN,
        f"an answer from {target.name} was not encrypted and was thrown away: use https, or see who is between",
        carried_out=True,
    )


def forgotten(target: Target, status: int) -> RemotingFailed:
    """Return that the server no longer reads what this conversation encrypts: it carried out nothing."""
    return RemotingFailed(
        Cause.LOST,
        f"{target.name} cannot read encrypted messages any more (HTTP {status}), also on a new connection: use https, or "
        'see on the server whether winrm get winrm/config/service has AllowUnencrypted="false" and Negotiate="true"',
    )


def lost(target: Target, *, carried_out: bool) -> RemotingFailed:
    """Return that the connection broke in the middle."""
    return RemotingFailed(
        Cause.LOST,
        f"the connection with {target.name} broke before the answer: its WinRM service, or something between, restarted",
        carried_out=carried_out,
    )


def no_answer(target: Target, seconds: float) -> RemotingFailed:
    """Return that the answer did not come in time."""
    return RemotingFailed(
        Cause.TIME_OUT, f"{target.name} gave no answer in {seconds:.0f} s; it is asked again", carried_out=True
    )


def hostile(target: Target, error: Exception) -> RemotingFailed:
    """Return that an answer is no XML, or XML that is refused."""
    return RemotingFailed(Cause.SERVER, f"{target.name} answered what is not read: {error}", carried_out=True)


def too_long(target: Target, most: int) -> RemotingFailed:
    """Return that an answer is longer than anything that is asked for."""
    return RemotingFailed(Cause.TOO_LARGE, f"{target.name} answered more than {most:,} bytes at once", carried_out=True)


def by_status(status: int, target: Target) -> RemotingFailed:
    """Return what an HTTP status without a fault means."""
    if status == 401:
        return sign_in_refused(target)
    if status == 403:
        message = (
            "forbids it (HTTP 403): see its IPv4Filter and IPv6Filter, and the proxies between (winrm get winrm/config)"
        )
        return RemotingFailed(Cause.DENIED, f"{target.name} {message}")
    if status == 404:
        message = f"has no WS-Management under {target.url} (HTTP 404): is this the port of WinRM?"
        return RemotingFailed(Cause.NOT_REACHED, f"{target.name} {message}")
    if status == 503:
        return RemotingFailed(
            Cause.BUSY, f"{target.name} is overloaded, or its WinRM service is not running (HTTP 503)"
        )
    return RemotingFailed(
        Cause.SERVER, f"{target.name} answered HTTP {status} without a reason", carried_out=status >= 500
    )


def told(error: WinRMError, target: Target) -> RemotingFailed:
    """Return what the library raised as what it means."""
    if isinstance(error, WSManFaultError):
        return _by_fault(error, target)
    said = " ".join(str(error).split())[:_SAID_LONGEST]
    return RemotingFailed(Cause.SERVER, f"{target.name}: {said}", carried_out=True)


def by_code(code: int, said: str, where: str) -> RemotingFailed:
    """Return what a code of Windows or WMI means that came without WS-Management."""
    return _by_codes(frozenset({code}), said, where, "the account that AutoSync runs as") or RemotingFailed(
        Cause.SERVER, f"{where} answered error 0x{code:08x}: {said}", carried_out=True
    )


def _by_fault(fault: WSManFaultError, target: Target) -> RemotingFailed:
    codes = frozenset({fault.code, *_codes_in(fault.reason), *_codes_in(fault.provider_fault)})
    said = " ".join(f"{fault.reason or ''} {fault.provider_fault or ''}".split())[:_SAID_LONGEST]
    if TIMED_OUT in codes:
        return RemotingFailed(
            Cause.TIME_OUT, f"{target.name} did not answer within the time limit: {said}", carried_out=True
        )
    return _by_codes(codes, said, target.name, target.sign_in.name) or RemotingFailed(
        Cause.SERVER, f"{target.name} answered fault {fault.code}: {said}", carried_out=True
    )


def _by_codes(codes: frozenset[int | str], said: str, name: str, account: str) -> RemotingFailed | None:
    for known, cause, sentence in _MEANINGS:
        if codes & known:
            return RemotingFailed(cause, f"{sentence.format(name=name, account=account)} ({said})")
    return None


def _codes_in(text: str | None) -> frozenset[int]:
    return frozenset(int(code, 16) for code in _HRESULT.findall(text or ""))


_MEANINGS: Final[tuple[tuple[frozenset[int], Cause, str], ...]] = (
    (
        _DENIED,
        Cause.DENIED,
        (
            "{name} knows {account} and denies it access: it needs the group Remote Management Users; for an engine also "
            "Enable Account, Remote Enable and Execute Methods on the WMI namespace, and the engine's Operators group; a new "
            "group counts after a new sign-in"
        ),
    ),
    (_MISSING, Cause.MISSING, "{name} has no such WMI namespace or class"),
    (_NOT_FOUND, Cause.NOT_FOUND, "{name} has no such object"),
    (
        _QUOTA,
        Cause.BUSY,
        (
            "a limit of WinRM on {name} is reached: winrm get winrm/config shows MaxShellsPerUser, "
            "MaxConcurrentOperationsPerUser and MaxConcurrentUsers; others who use the same account count too"
        ),
    ),
    (
        _TOO_LARGE,
        Cause.TOO_LARGE,
        (
            "the answer is larger than {name} sends at once: on the server, winrm set winrm/config "
            '@{{MaxEnvelopeSizekb="8192"}}'
        ),
    ),
    (_NO_SHELL, Cause.NO_SHELL, "the remote shell on {name} is gone: idle too long, or WinRM restarted"),
    (_PROVIDER, Cause.SERVER, "the WMI provider on {name} cannot answer: does the service behind it run?"),
)
