"""OpenLDAP: slapd with a database in a private folder, on a free port of the loopback address."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.services.processes import (
    ServerProcess,
    ServiceFailed,
    free_port,
    make_certificate,
    private_folder,
    program,
    run,
    wait_free,
)

HOST = "127.0.0.1"
MODULES = Path("/usr/lib/ldap")
SCHEMAS = Path("/etc/ldap/schema")


@dataclass(kw_only=True)
class Slapd:
    """A running OpenLDAP. ``restart`` starts it again on the same data and ports."""

    folder: Path
    suffix: str = "dc=example,dc=org"
    password: str = "admin-password"  # noqa: S105 - of a server that lives for a test
    port: int = 0
    tls_port: int = 0
    access_log: bool = False
    certificate: Path | None = None
    schemas: tuple[str, ...] = ("core", "cosine", "inetorgperson")
    extra_schema: str = ""
    extra_lines: tuple[str, ...] = ()
    process: ServerProcess | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the address without TLS (StartTLS works where there is a certificate)."""
        return f"ldap://{HOST}:{self.port}"

    @property
    def tls_url(self) -> str:
        """Return the address with TLS."""
        return f"ldaps://{HOST}:{self.tls_port}"

    @property
    def admin(self) -> str:
        """Return the DN that may do everything."""
        return f"cn=admin,{self.suffix}"

    def load(self, ldif: str) -> None:
        """Load entries while the server is stopped: a hundred thousand in two seconds."""
        config, file = str(self.folder / "slapd.conf"), self.folder / "load.ldif"
        file.write_text(ldif, encoding="utf-8")
        run([program("slapadd", "slapd"), "-q", "-f", config, "-b", self.suffix, "-l", str(file)])

    def start(self) -> None:
        """Start it; raise ``ServiceFailed``."""
        for _ in range(3):
            try:
                self._start()
            except ServiceFailed:  # somebody took the port in between
                if self.process is not None and "in use" not in self.process.tail():
                    raise
                self.port, self.tls_port = free_port(HOST), free_port(HOST)
            else:
                return
        raise ServiceFailed("no port is free for slapd")

    def _start(self) -> None:
        urls = f"{self.url}/ {self.tls_url}/" if self.certificate else f"{self.url}/"
        command = [program("slapd", "slapd"), "-f", str(self.folder / "slapd.conf"), "-h", urls, "-d", "0"]
        self.process = ServerProcess(command, self.folder / "slapd.log")
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

    def write_configuration(self, *, tls: bool) -> None:
        """Write ``slapd.conf`` and make the folders of the databases."""
        (self.folder / "db").mkdir(exist_ok=True)
        (self.folder / "schema.schema").write_text(self.extra_schema, encoding="utf-8")
        if tls:
            _, self.certificate = make_certificate(self.folder, "localhost", HOST)
        lines = [
            *(f"include {SCHEMAS / name}.schema" for name in self.schemas),
            f"include {self.folder / 'schema.schema'}",
            f"modulepath {MODULES}",
            *(f"moduleload {name}" for name in ("back_mdb", "syncprov", *(["accesslog"] if self.access_log else []))),
            f"pidfile {self.folder / 'slapd.pid'}",
            "sizelimit unlimited",
            "threads 4",
        ]
        if tls:
            lines += [f"TLSCertificateFile {self.certificate}", f"TLSCertificateKeyFile {self.folder / 'key.pem'}"]
            lines += [f"TLSCACertificateFile {self.certificate}", "TLSVerifyClient try"]
        lines += self._log_database() if self.access_log else []
        lines += [*self._main_database(), *self.extra_lines]
        (self.folder / "slapd.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _main_database(self) -> list[str]:
        lines = [*self._database("db", self.suffix), "index objectClass,entryUUID,entryCSN eq"]
        lines += ["overlay syncprov", "syncprov-sessionlog 10000"]
        if self.access_log:
            lines += ["syncprov-sessionlog-source cn=accesslog", "overlay accesslog", "logdb cn=accesslog"]
            lines += ["logops writes", "logsuccess TRUE"]
        return lines

    def _log_database(self) -> list[str]:
        (self.folder / "log").mkdir(exist_ok=True)
        return [*self._database("log", "cn=accesslog"), "index objectClass,reqEnd,reqResult,reqStart,entryCSN eq"]

    def _database(self, folder: str, suffix: str) -> list[str]:
        return [
            "database mdb",
            f'suffix "{suffix}"',
            f'rootdn "cn=admin,{self.suffix}"',
            *([f"rootpw {self.password}"] if suffix == self.suffix else []),
            f"directory {self.folder / folder}",
            "maxsize 2147483648",
            "dbnosync",
            'limits dn.exact="cn=admin,' + self.suffix + '" size=unlimited time=unlimited',
        ]


def base_entries(suffix: str) -> str:
    """Return the LDIF of the suffix's own entry and of ``ou=people`` below it."""
    name = suffix.partition("=")[2].partition(",")[0]
    return (
        f"dn: {suffix}\nobjectClass: dcObject\nobjectClass: organization\ndc: {name}\no: Example\n\n"
        f"dn: ou=people,{suffix}\nobjectClass: organizationalUnit\nou: people\n\n"
    )


@contextlib.contextmanager
def running_slapd(*, entries: str | None = None, tls: bool = False, **settings: Any) -> Iterator[Slapd]:
    """Start an OpenLDAP with ``entries`` (else the suffix and ``ou=people``) in it, and stop it in the end."""
    program("slapd", "slapd")
    with private_folder("slapd") as folder:
        slapd = Slapd(folder=folder, port=free_port(HOST), tls_port=free_port(HOST), **settings)
        slapd.write_configuration(tls=tls)
        slapd.load(base_entries(slapd.suffix) if entries is None else entries)
        slapd.start()
        try:
            yield slapd
        finally:
            slapd.stop()
