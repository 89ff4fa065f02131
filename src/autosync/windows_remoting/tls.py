"""The server's certificate: checked against authorities and name, or against one fingerprint; never not at all."""

import hashlib
import hmac
import ssl

from autosync.windows_remoting.failures import not_connected, unreadable, wrong_certificate
from autosync.windows_remoting.target import Method, SignIn, Target, Tls, plain_fingerprint


def context_of(tls: Tls, sign_in: SignIn) -> ssl.SSLContext:
    """Return how connections are protected. Raises ``RemotingFailed`` for files that cannot be used."""
    context = _pinned() if tls.fingerprint else _checked(tls)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if sign_in.method is Method.CERTIFICATE and sign_in.certificate is not None:
        # Windows asks for the certificate after the handshake, when it has seen which address is asked for.
        context.post_handshake_auth = True
        password = sign_in.key_password.reveal() if sign_in.key_password is not None else ""
        try:
            context.load_cert_chain(sign_in.certificate, sign_in.key, password)
        except (OSError, ValueError) as error:
            raise unreadable(f"the certificate {sign_in.certificate} or its key", error) from None
    return context


def _checked(tls: Tls) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=tls.ca)
    except (OSError, ValueError) as error:
        raise unreadable(f"ca: {tls.ca}", error) from None


def _pinned() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # check_fingerprint looks at every connection before anything is sent
    return context


def check_fingerprint(connection: ssl.SSLSocket, target: Target) -> None:
    """Raise ``RemotingFailed`` unless the certificate is the pinned one, where one is."""
    wanted = target.tls.fingerprint if target.tls is not None else ""
    if not wanted:
        return
    shown = connection.getpeercert(binary_form=True)
    if shown is None:
        raise not_connected(ssl.SSLError("no certificate"), target)
    if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), plain_fingerprint(wanted)):
        raise wrong_certificate(target)
