"""TLS for a connection: who is trusted, and who we are."""

import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from autosync.directory.errors import BadTrust


class Protection(StrEnum):
    """How a connection is protected."""

    TLS = "tls"
    """From the first octet (``ldaps``)."""
    START_TLS = "start-tls"
    """Asked for before anything else."""
    NONE = "none"
    """Not at all; a Kerberos or NTLM sign-in still seals everything after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which certificates are accepted, and our own.

    Without ``ca_file`` the system's authorities count. ``certificate`` and ``key`` are PEM files, for SASL EXTERNAL.
    """

    ca_file: Path | None = None
    check_name: bool = True
    certificate: Path | None = None
    key: Path | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context; raise ``BadTrust`` for a file that cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:  # ssl.SSLError among them
            raise BadTrust(
                f"{self.ca_file} cannot be used as certificate authority: {error.strerror or error}"
            ) from None
        context.check_hostname = self.check_name
        if self.certificate is not None:
            try:
                context.load_cert_chain(self.certificate, self.key)
            except OSError as error:
                raise BadTrust(
                    f"{self.certificate} cannot be used as our certificate: {error.strerror or error}"
                ) from None
        return context
