"""What ties a Windows sign-in to its TLS connection, and what its words in HTTP are."""

import asyncio
import hashlib
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import spnego
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from autosync.adapters.triggers.mim_service.sign_in import NegotiateAuth
from autosync.windows_sign_in import (
    Exchange,
    Protecting,
    Wanted,
    authorization,
    binding_to,
    certificate_of,
    end_point,
    offered,
    scheme_among,
    token_among,
)


def certificate(signed_with: Any) -> bytes:
    key: Any = ed25519.Ed25519PrivateKey.generate() if signed_with is None else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sync01")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begins).not_valid_after(begins + timedelta(days=1))
    return builder.sign(key, signed_with).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize(
    ("signed_with", "counts"),
    [
        (hashes.SHA256(), hashlib.sha256),
        (hashes.SHA384(), hashlib.sha384),
        (hashes.SHA512(), hashlib.sha512),
        (None, hashlib.sha256),
    ],
    ids=["sha256", "sha384", "sha512", "ed25519"],
)
def test_the_binding_is_the_certificate_by_the_hash_of_its_signature(signed_with: Any, counts: Any) -> None:
    shown = certificate(signed_with)

    assert end_point(shown) == b"tls-server-end-point:" + counts(shown).digest()


def test_without_tls_there_is_nothing_to_tie_to() -> None:
    assert certificate_of(None) is None
    assert certificate_of(object()) is None
    assert binding_to(None) is None


def test_what_is_no_certificate_is_bound_by_sha256() -> None:
    assert end_point(b"junk") == b"tls-server-end-point:" + hashlib.sha256(b"junk").digest()


def test_schemes_are_found_wherever_they_stand() -> None:
    challenges = ['Basic realm="x", NEGOTIATE', "ntlm"]

    assert offered(challenges) >= {"basic", "negotiate", "ntlm"}
    assert scheme_among(challenges, ("Negotiate", "NTLM")) == "Negotiate"
    assert scheme_among(["NTLM"], ("Negotiate", "NTLM")) == "NTLM"
    assert scheme_among(["Digest"], ("Negotiate", "NTLM")) is None


def test_tokens_go_to_and_fro() -> None:
    assert authorization("Negotiate", b"\x00token") == "Negotiate AHRva2Vu"
    assert token_among(["NTLM x", "negotiate AHRva2Vu"], "Negotiate") == b"\x00token"
    assert token_among(["Negotiate"], "Negotiate") is None
    with pytest.raises(ValueError, match="no Base64"):
        token_among(["Negotiate *"], "Negotiate")


@contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "NTLM")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"https://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_a_sign_in_to_the_rest_service_is_tied_to_its_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    seen: list[dict[str, Any]] = []
    issued = authority.issue_cert("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    real = spnego.client

    def client(*args: Any, **more: Any) -> spnego.ContextProxy:
        seen.append(more)
        return real(*args, **more)

    monkeypatch.setattr(spnego, "client", client)

    async def ask(address: str) -> None:
        auth = NegotiateAuth("localhost", "CORP\\svc", "Sesame!1")
        async with httpx.AsyncClient(auth=auth, verify=trust, trust_env=False) as client:
            await client.get(address)

    with refusing(context) as address:
        asyncio.run(ask(address))

    pem = issued.cert_chain_pems[0].bytes()
    shown = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    assert seen[0]["channel_bindings"].application_data == end_point(shown)


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows the system's own NTLM speaks")
@pytest.mark.parametrize(
    ("protecting", "asks"), [(Protecting.NOTHING, False), (Protecting.MESSAGES, True), (Protecting.WINRM, True)]
)
def test_ntlm_asks_for_a_key_exchange_only_where_something_is_signed(protecting, asks):
    wanted = Wanted(
        user=r"CORP\svc", password="secret", service="ldap", host="dc1", protocol="ntlm", protecting=protecting
    )

    first = Exchange(wanted).step(None) or b""

    assert first.startswith(b"NTLMSSP\0\1")
    assert bool(int.from_bytes(first[12:16], "little") & 0x40000000) is asks  # MS-NLMP 2.2.2.5


def test_a_password_shows_nowhere():
    assert "secret" not in repr(Wanted(user="svc", password="secret", service="ldap", host="dc1"))
