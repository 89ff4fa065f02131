"""Real servers, one a session (and one a worker of xdist), from scripts/services.

Where a program is not installed the tests skip and say so; with AUTOSYNC_REQUIRE_SERVERS=1 they fail, so that a broken
installation is no green run that tested nothing. AUTOSYNC_OPTIONAL_SERVERS names those that may be missing even so.
"""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.services.ds389 import Ds389, running_ds389
from scripts.services.postgresql import PostgreSQL, running_postgresql
from scripts.services.processes import ServiceMissing
from scripts.services.samba import Samba, running_samba
from scripts.services.slapd import Slapd, running_slapd
from tests.integration.people_schema import PEOPLE_ENTRIES, PEOPLE_SCHEMA, PEOPLE_SUFFIX
from tests.integration.realm import SERVICE, Realm


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/integration" in item.path.as_posix():
            item.add_marker(pytest.mark.integration)
            if item.get_closest_marker("timeout") is None:  # on a busy machine a server's start takes a minute
                item.add_marker(pytest.mark.timeout(300))


def absent(error: ServiceMissing) -> None:
    optional = os.environ.get("AUTOSYNC_OPTIONAL_SERVERS", "").split()
    if os.environ.get("AUTOSYNC_REQUIRE_SERVERS") == "1" and error.server not in optional:
        pytest.fail(f"AUTOSYNC_REQUIRE_SERVERS=1, but {error}")
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    try:
        with running_slapd(tls=True, access_log=True) as server:
            yield server
    except ServiceMissing as error:
        absent(error)


@pytest.fixture(scope="session")
def people_slapd() -> Iterator[Slapd]:
    """The people of the connector contract, in a schema of their own."""
    settings = {"schemas": (), "extra_schema": PEOPLE_SCHEMA, "suffix": PEOPLE_SUFFIX, "entries": PEOPLE_ENTRIES}
    try:
        with running_slapd(access_log=True, **settings) as server:
            yield server
    except ServiceMissing as error:
        absent(error)


@pytest.fixture(scope="session")
def samba() -> Iterator[Samba]:
    try:
        with running_samba() as server:
            yield server
    except ServiceMissing as error:
        absent(error)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    try:
        with running_postgresql() as server:
            yield server
    except ServiceMissing as error:
        absent(error)


@pytest.fixture(scope="session")
def remoting_keytab(samba: Samba) -> Path:
    """The keys of the stand-in's service."""
    samba.serve(SERVICE, account="winrm")
    return samba.keytab(SERVICE)


@pytest.fixture
def realm(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Realm:
    """Let this process know the realm, and nothing else of Kerberos."""
    missing = [name for name in ("gssapi", "krb5") if importlib.util.find_spec(name) is None]
    if missing:
        absent(ServiceMissing(f"{' and '.join(missing)}: pip install autosync-identity[kerberos]", "kerberos"))
    samba: Samba = request.getfixturevalue("samba")  # not before: it takes seconds to start
    for name in ("KRB5CCNAME", "KRB5_KTNAME", "KRB5_CLIENT_KTNAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in samba.kerberos.items():
        monkeypatch.setenv(name, value)
    return Realm(samba, monkeypatch.setenv)


@pytest.fixture
def clocks(realm: Realm) -> Realm:
    """A realm, where clocks can be set wrong."""
    if shutil.which("faketime") is None:
        absent(ServiceMissing("faketime", "kerberos"))
    return realm


@pytest.fixture(scope="session")
def ds389() -> Iterator[Ds389]:
    try:
        with running_ds389(content_sync=True) as server:
            yield server
    except ServiceMissing as error:
        absent(error)
