"""Who is there: NTLM or Kerberos with message encryption, or a client certificate, one conversation a connection."""

import base64
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import spnego
from pypsrp.encryption import WinRMEncryption
from spnego.channel_bindings import GssChannelBindings

MUTUAL: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""What a client that signs in with its certificate says in ``Authorization``."""
_ENCRYPTED: Final = "multipart/encrypted"
_PLAIN: Final = "application/soap+xml;charset=UTF-8"
_USERS_FILE: Final = "NTLM_USER_FILE"
_KEYTAB: Final = "KRB5_KTNAME"
_STEPPING: Final = threading.Lock()
"""The acceptor finds users and keys through the environment, which belongs to the process."""


class Users:
    r"""Accounts (``DOMAIN\user``) and passwords, in a file that only this user may read, until ``close``."""

    def __init__(self, passwords: Mapping[str, str], keytab: Path | None = None) -> None:
        """``keytab`` holds the server's keys in a Kerberos realm; needs the extra ``kerberos``."""
        lines: list[str] = []
        for account, password in passwords.items():
            domain, _, user = account.rpartition("\\")
            if ":" in account + password:
                raise ValueError("neither an account nor a password of the stand-in may have a colon")
            lines += [f"{domain}:{user}:{password}", f":{user}:{password}", f":{user}@{domain}:{password}"]
        handle, name = tempfile.mkstemp(prefix="autosync-stand-in-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        self._file = Path(name)
        self._environment = {_USERS_FILE: name, **({_KEYTAB: f"FILE:{keytab}"} if keytab is not None else {})}
        self._accounts = {account.rpartition("\\")[2].casefold(): account for account in passwords}

    def close(self) -> None:
        """Remove the file."""
        self._file.unlink(missing_ok=True)

    def account_of(self, name: str) -> str:
        r"""Return the account that a client called ``DOMAIN\user``, ``user@domain`` or ``user``."""
        user = name.rpartition("\\")[2].partition("@")[0]
        return self._accounts.get(user.casefold(), name)

    def step(self, context: spnego.ContextProxy, token: bytes) -> bytes | None:
        """Take a token and return the next. Raises ``SpnegoError``, also for a wrong password."""
        with self._named():
            return context.step(token)

    def context(self, bound_to: bytes) -> spnego.ContextProxy:
        """Return a new acceptor, for sign-ins bound to a certificate if one is given (RFC 5929)."""
        digest = b"tls-server-end-point:" + hashlib.sha256(bound_to).digest()
        binding = GssChannelBindings(application_data=digest) if bound_to else None
        with self._named():
            return spnego.server(options=spnego.NegotiateOptions.wrapping_winrm, channel_bindings=binding)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the files in the environment, for one step at a time."""
        with _STEPPING:
            before = {key: os.environ.get(key) for key in self._environment}
            os.environ.update(self._environment)
            try:
                yield
            finally:
                for key, value in before.items():
                    os.environ.pop(key)
                    if value is not None:
                        os.environ[key] = value


class Conversation:
    """The sign-in of one connection. As on a real server, a new connection begins without one."""

    def __init__(self, users: Users, *, secured: bool, bound_to: bytes = b"", certified_as: str = "") -> None:
        self._users = users
        self._bound_to = bound_to
        self._secured = secured
        """Whether TLS protects the connection: then messages come as they are."""
        self._certified_as = certified_as
        self._context: spnego.ContextProxy | None = None
        self._encryption: WinRMEncryption | None = None
        self.account = ""
        """Who is signed in; empty: nobody yet."""

    def challenge(self, authorization: str) -> tuple[bool, str]:
        """Return whether the client is signed in by now, and what ``WWW-Authenticate`` says."""
        if authorization == MUTUAL:
            self.account = self._certified_as
            return bool(self.account), "" if self.account else "Negotiate"
        scheme, _, encoded = authorization.partition(" ")
        if scheme.casefold() not in {"negotiate", "ntlm", "kerberos"}:
            return bool(self.account), "" if self.account else "Negotiate"
        try:
            return self._step(scheme, base64.b64decode(encoded, validate=True))
        except Exception:  # noqa: BLE001 (Kerberos libraries raise errors of their own)
            self._context, self.account = None, ""
            return False, "Negotiate"

    def _step(self, scheme: str, token: bytes) -> tuple[bool, str]:
        if self._context is None or self._context.complete:
            self._context, self.account = self._users.context(self._bound_to), ""
        answer = self._users.step(self._context, token)
        said = f"{scheme} {base64.b64encode(answer).decode()}" if answer else ""
        if not self._context.complete:
            return False, said or "Negotiate"
        self.account = self._users.account_of(self._context.client_principal or "")
        self._encryption = WinRMEncryption(self._context, WinRMEncryption.SPNEGO)
        return True, said

    def opened(self, content_type: str, payload: bytes) -> bytes | None:
        """Return the message in a payload; None where it must not, or cannot, be read: HTTP 400."""
        if not content_type.startswith(_ENCRYPTED):
            return payload if self._secured else None
        if self._encryption is None:
            return None
        try:
            return self._encryption.unwrap_message(payload, "Encrypted Boundary")
        except Exception:  # noqa: BLE001 (whatever is wrong with it, the client is told the same)
            return None

    def closed(self, content_type: str, message: bytes) -> tuple[str, bytes]:
        """Return the content type and the payload of an answer: encrypted if the question was."""
        if not content_type.startswith(_ENCRYPTED) or self._encryption is None:
            return _PLAIN, message
        kind, payload = self._encryption.wrap_message(message)
        return f'{kind};protocol="{WinRMEncryption.SPNEGO}";boundary="Encrypted Boundary"', payload
