"""PostgreSQL: a cluster in a private folder, as user postgres, on a free port of the loopback address."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from scripts.services.processes import ServerProcess, free_port, private_folder, program, run

HOST = "127.0.0.1"
USER = "postgres"


@dataclass(kw_only=True)
class PostgreSQL:
    """A running cluster with one empty database."""

    folder: Path
    port: int
    password: str = "postgres-password"  # noqa: S105 - of a cluster that lives for a test
    database: str = "postgres"
    process: ServerProcess | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the database's address, as SQLAlchemy and psycopg take it, with the password."""
        return f"postgresql://{USER}:{self.password}@{HOST}:{self.port}/{self.database}"

    def start(self) -> None:
        """Start it; raise ``ServiceFailed``."""
        command = [
            _program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-h", HOST, "-k", "", "-F",
        ]  # fmt: skip
        self.process = ServerProcess(command, self.folder / "postgres.log", user=_user())
        self.process.wait_said("ready to accept connections")

    def stop(self) -> None:
        """Stop it; its data stay."""
        if self.process is not None:
            self.process.stop()

    def restart(self, *, crash: bool = False) -> None:
        """Stop it, or kill it, and start it again."""
        assert self.process is not None
        (self.process.kill if crash else self.process.stop)()
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        self.start()

    def initialize(self) -> None:
        """Make the cluster: about a second."""
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        self.folder.chmod(0o755)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if (user := _user()) is not None:
            shutil.chown(data, user, user)
            shutil.chown(secret, user, user)
        words = ["-U", USER, "--pwfile", str(secret), "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
        run([_program("initdb"), "-D", str(data), *words], user=user)


@contextlib.contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """Start a cluster, and stop it in the end."""
    _program("postgres")
    _program("initdb")
    with private_folder("postgresql") as folder:
        server = PostgreSQL(folder=folder, port=free_port(HOST))
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _program(name: str) -> str:
    folders = [str(each) for each in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return program(name, "postgresql", *folders)


def _user() -> str | None:
    """Return the account that PostgreSQL runs as: it refuses root."""
    return USER if hasattr(os, "geteuid") and os.geteuid() == 0 else None
