"""389 Directory Server: an instance made by hand in a private folder, on a free port of the loopback address.

``dscreate`` wants systemd, the system's folders and for a while every network address. The package's own template of the
configuration needs none of that: filled in, it starts in the foreground as whatever account owns the folder.
"""

import base64
import contextlib
import getpass
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.services.processes import ServerProcess, free_port, private_folder, program, run, wait_free
from scripts.services.slapd import base_entries

HOST: Final = "127.0.0.1"
USER: Final = "dirsrv"
TEMPLATE: Final = Path("/usr/share/dirsrv/data/template-dse.ldif")
SYSTEM: Final = Path("/etc/dirsrv")
BACKEND: Final = "userRoot"

_FOLDERS: Final = ("config", "config/schema", "lock", "tmp", "ldif", "bak", "run", "inst", "log", "db")
_COPIED: Final = {
    "config/slapd-collations.conf": "config",
    "config/certmap.conf": "config",
    "schema/99user.ldif": "config/schema",
}
_RETRO_CHANGELOG: Final = "cn=Retro Changelog Plugin,cn=plugins,cn=config"
_CONTENT_SYNC: Final = "cn=Content Synchronization,cn=plugins,cn=config"
_DATABASE: Final = """
dn: cn={backend},cn=ldbm database,cn=plugins,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: {backend}
nsslapd-suffix: {suffix}
nsslapd-directory: {folder}/db/{backend}

dn: cn="{suffix}",cn=mapping tree,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsMappingTree
cn: {suffix}
nsslapd-state: backend
nsslapd-backend: {backend}
"""


@dataclass(kw_only=True)
class Ds389:
    """A running 389 Directory Server with a change log (``cn=changelog``) and persistent search; syncrepl where asked.

    ``changelog_age`` such as ``3s`` has the server trim the log; without it the log keeps everything.
    """

    folder: Path
    port: int
    suffix: str = "dc=example,dc=org"
    password: str = "admin-password"  # noqa: S105 - of a server that lives for a test
    content_sync: bool = False
    changelog_age: str | None = None
    process: ServerProcess | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the address, without TLS."""
        return f"ldap://{HOST}:{self.port}"

    @property
    def admin(self) -> str:
        """Return the DN that may do everything."""
        return "cn=Directory Manager"

    def start(self) -> None:
        """Start it; raise ``ServiceFailed``."""
        command = [_program(), "-D", str(self._config), "-i", str(self.folder / "run/pid"), "-d", "0"]
        self.process = ServerProcess(command, self.folder / "ns-slapd.log", user=_user())
        self.process.wait_listening(HOST, self.port)

    def stop(self) -> None:
        """Stop it; its data stay."""
        if self.process is not None:
            self.process.stop()

    def restart(self, *, crash: bool = False) -> None:
        """Stop it, or kill it, and start it again."""
        assert self.process is not None
        (self.process.kill if crash else self.process.stop)()
        wait_free(HOST, self.port)
        self.start()

    def load(self, ldif: str) -> None:
        """Load entries while the server is stopped, in place of those that it has. They get no ``entryUUID``."""
        file = self.folder / "ldif/load.ldif"
        file.write_text(ldif, encoding="utf-8")
        self._hand_over()
        run([_program(), "ldif2db", "-D", str(self._config), "-n", BACKEND, "-i", str(file)], user=_user())

    def write_configuration(self) -> None:
        """Make the instance's folders and its configuration from the package's template."""
        for name in _FOLDERS:
            (self.folder / name).mkdir()
        for source, target in _COPIED.items():
            shutil.copy(SYSTEM / source, self.folder / target)
        filled = re.sub(r"%(\w+)%", lambda found: self._values()[found[1]], TEMPLATE.read_text(encoding="utf-8"))
        database = _DATABASE.format(backend=BACKEND, suffix=self.suffix, folder=self.folder)
        (self._config / "dse.ldif").write_text(f"{filled.rstrip()}\n{database}", encoding="utf-8")
        self.configure(self._settings())
        self._hand_over()

    def configure(self, changes: Mapping[str, Mapping[str, str]]) -> None:
        """Change entries of the configuration while the server is stopped."""
        file = self._config / "dse.ldif"
        file.write_text(_changed(file.read_text(encoding="utf-8"), changes), encoding="utf-8")

    @property
    def _config(self) -> Path:
        return self.folder / "config"

    def _hand_over(self) -> None:
        """Give everything to the account that the server runs as."""
        if (user := _user()) is not None:
            for each in (self.folder, *self.folder.rglob("*")):
                shutil.chown(each, user, user)

    def _settings(self) -> dict[str, dict[str, str]]:
        log = {"nsslapd-pluginenabled": "on"}
        if self.content_sync:  # it finds entries by what the log calls targetUniqueId
            log["nsslapd-attribute"] = "nsuniqueid:targetUniqueId"
        if self.changelog_age is not None:
            log |= {"nsslapd-changelogmaxage": self.changelog_age, "nsslapd-changelog-trim-interval": "1s"}
        sync = {"nsslapd-pluginenabled": "on" if self.content_sync else "off"}
        return {"cn=config": {"nsslapd-listenhost": HOST}, _RETRO_CHANGELOG: log, _CONTENT_SYNC: sync}

    def _values(self) -> dict[str, str]:
        places = {
            "schema_dir": "config/schema", "lock_dir": "lock", "tmp_dir": "tmp", "cert_dir": "config", "ldif_dir": "ldif",
            "bak_dir": "bak", "run_dir": "run", "inst_dir": "inst", "log_dir": "log", "config_dir": "config",
            "db_dir": "db", "db_home_dir": "db", "ldapi": "run/ldapi",
        }  # fmt: skip
        return {name: str(self.folder / place) for name, place in places.items()} | {
            "fqdn": "localhost",
            "ds_port": str(self.port),
            "ds_user": _user() or getpass.getuser(),
            "rootdn": self.admin,
            "ds_passwd": _hashed(self.password),
            "ds_suffix": self.suffix,
            "db_lib": "bdb",
            "ldapi_enabled": "off",
            "ldapi_autobind": "off",
        }


@contextlib.contextmanager
def running_ds389(
    *, entries: str | None = None, content_sync: bool = False, changelog_age: str | None = None
) -> Iterator[Ds389]:
    """Start a 389 Directory Server with ``entries`` (else the suffix and ``ou=people``) in it, and stop it in the end."""
    _program()
    with private_folder("389-ds") as folder:
        server = Ds389(folder=folder, port=free_port(HOST), content_sync=content_sync, changelog_age=changelog_age)
        server.write_configuration()
        server.load(base_entries(server.suffix) if entries is None else entries)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _program() -> str:
    return program("ns-slapd", "389-ds")


def _user() -> str | None:
    """Return the account of the package where we are root, else None: it then runs as we do."""
    return USER if hasattr(os, "geteuid") and os.geteuid() == 0 else None


def _hashed(password: str) -> str:
    """Return a password as the configuration wants it: the clear text is refused."""
    salt = os.urandom(8)
    digest = hashlib.sha512(password.encode("utf-8") + salt).digest()
    return "{SSHA512}" + base64.b64encode(digest + salt).decode("ascii")


def _changed(ldif: str, changes: Mapping[str, Mapping[str, str]]) -> str:
    """Return LDIF in which some entries have other values."""
    entries = ldif.split("\n\n")
    for at, entry in enumerate(entries):
        lines = entry.strip("\n").splitlines()
        wanted = changes.get(lines[0].removeprefix("dn: "), {}) if lines else {}
        kept = [line for line in lines if line.partition(":")[0].lower() not in wanted]
        entries[at] = "\n".join([*kept, *(f"{name}: {value}" for name, value in wanted.items())])
    return "\n\n".join(entries)
