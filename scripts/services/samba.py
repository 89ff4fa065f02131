"""Samba as an Active Directory domain controller, on a loopback address of its own: its LDAP ports cannot be chosen.

The first address that no other process has taken is used, so that several test runs on one machine do not wait for each other.

``-M single``: with processes of its own for each connection, change notifications arrive after five seconds only.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.services.processes import (
    ServerProcess,
    ServiceFailed,
    is_listening,
    make_certificate,
    private_folder,
    program,
    run,
)

ADDRESSES = tuple(f"127.0.0.{last}" for last in range(21, 41))
REALM = "LAB.TEST"
HOST = "dc1.lab.test"
KDC_PORT = 10088

_CONFIGURATION = """[global]
  netbios name = DC1
  realm = {realm}
  workgroup = LAB
  server role = active directory domain controller
  server services = ldap, kdc
  interfaces = {address}/8
  bind interfaces only = yes
  private dir = {folder}/dc/private
  state directory = {folder}/dc/state
  cache directory = {folder}/dc/cache
  lock directory = {folder}/dc
  pid directory = {folder}/run
  ncalrpc dir = {folder}/run/ncalrpc
  winbindd socket directory = {folder}/run/winbindd
  log file = {folder}/log/log.%m
  krb5 port = {kdc_port}
  kpasswd port = 10464
  ldb:nosync = yes
  tls keyfile = {folder}/key.pem
  tls certfile = {folder}/cert.pem
  tls cafile = {folder}/cert.pem
  ldap server require strong auth = allow_sasl_over_tls
"""
_KERBEROS: Final = """[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  kdc_timesync = 0
  default_ccache_name = FILE:{folder}/no-tickets
[realms]
  {realm} = {{
    kdc = {address}:{kdc_port}
  }}
"""
"""``kdc_timesync``: Windows, too, does not mend the clock of who signs in."""


@dataclass(kw_only=True)
class Samba:
    """A running domain controller with an empty domain."""

    folder: Path
    address: str
    certificate: Path
    password: str = "Passw0rd!Lab"  # noqa: S105 - of a domain that lives for a test
    suffix: str = "DC=lab,DC=test"
    process: ServerProcess | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Return the address without TLS (StartTLS works)."""
        return f"ldap://{self.address}"

    @property
    def tls_url(self) -> str:
        """Return the address with TLS."""
        return f"ldaps://{self.address}"

    @property
    def kerberos(self) -> dict[str, str]:
        """Return the environment in which Kerberos knows this realm, and has no tickets."""
        return {"KRB5_CONFIG": str(self.folder / "krb5.conf")}

    def serve(self, principal: str, account: str = "") -> None:
        """Let tickets be given for a service such as ``host/127.0.0.1``, in the name of a new account, encrypted with AES."""
        if account:
            self._tool("user", "create", account, f"Svc-{self.password}")
            self._use_aes(account)
        self._tool("spn", "add", principal, account or "DC1$")

    def add_user(self, name: str) -> None:
        """Add an account with the administrator's password."""
        self._tool("user", "create", name, self.password)

    def lock_accounts_after(self, attempts: int) -> None:
        """Let wrong passwords be counted, which a domain does only where that locks accounts."""
        self._tool("domain", "passwordsettings", "set", f"--account-lockout-threshold={attempts}")

    def keytab(self, principal: str) -> Path:
        """Return a file with the keys of an account or a service."""
        file = self.folder / f"{principal.replace('/', '-')}.keytab"
        places = [f"--principal={principal}", f"--configfile={self.folder / 'lab.conf'}"]
        run([program("samba-tool", "samba"), "domain", "exportkeytab", str(file), *places])
        return file

    @property
    def admin(self) -> str:
        """Return the account that may do everything, as ``user@REALM``."""
        return f"Administrator@{REALM}"

    def start(self) -> None:
        """Start it; raise ``ServiceFailed``."""
        command = [program("samba", "samba"), "-i", "-M", "single", "-s", str(self.folder / "lab.conf")]
        self.process = ServerProcess(command, self.folder / "samba.log")
        for port in (389, 636, KDC_PORT):
            self.process.wait_listening(self.address, port)

    def stop(self) -> None:
        """Stop it; the domain stays."""
        if self.process is not None:
            self.process.stop()

    def restart(self, *, crash: bool = False) -> None:
        """Stop it, or kill it, and start it again."""
        assert self.process is not None
        (self.process.kill if crash else self.process.stop)()
        self.start()

    @contextlib.contextmanager
    def requiring_strong_authentication(self, policy: str) -> Iterator[None]:
        """Let it have another policy about connections that are not signed: ``yes`` or ``no``."""
        file = self.folder / "lab.conf"
        usual = file.read_text(encoding="utf-8")
        file.write_text(usual.replace("allow_sasl_over_tls", policy), encoding="utf-8")
        self.restart()
        try:
            yield
        finally:
            file.write_text(usual, encoding="utf-8")
            self.restart()

    def provision(self) -> None:
        """Make the domain: five to fifteen seconds."""
        tool = program("samba-tool", "samba")
        base = self.folder / "base.conf"
        base.write_text(f"[global]\ninterfaces = {self.address}/8\nbind interfaces only = yes\n", encoding="utf-8")
        run(
            [
                tool, "domain", "provision", f"--configfile={base}", f"--targetdir={self.folder / 'dc'}",
                f"--realm={REALM}", "--domain=LAB", "--host-name=dc1", f"--host-ip={self.address}",
                f"--adminpass={self.password}", "--server-role=dc", "--dns-backend=NONE",
            ],
            log=self.folder / "provision.log",
        )  # fmt: skip
        written = _CONFIGURATION.format(realm=REALM, address=self.address, folder=self.folder, kdc_port=KDC_PORT)
        (self.folder / "lab.conf").write_text(written, encoding="utf-8")
        for name in ("run", "log", "dc/state", "dc/cache"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        realm = _KERBEROS.format(realm=REALM, address=self.address, folder=self.folder, kdc_port=KDC_PORT)
        (self.folder / "krb5.conf").write_text(realm, encoding="utf-8")
        for name in (HOST, self.address):  # the tests have no names for loopback addresses
            self.serve(f"ldap/{name}")

    def _use_aes(self, account: str) -> None:
        change = self.folder / "aes.ldif"
        lines = f"dn: CN={account},CN=Users,{self.suffix}", "changetype: modify", "replace: {0}", "{0}: 24", ""
        change.write_text("\n".join(lines).format("msDS-SupportedEncryptionTypes"), encoding="utf-8")
        run([program("ldbmodify", "samba"), *self._database, str(change)])

    def _tool(self, *words: str) -> None:
        run([program("samba-tool", "samba"), *words, *self._database])

    @property
    def _database(self) -> list[str]:
        return [f"--configfile={self.folder / 'lab.conf'}", "-H", str(self.folder / "dc/private/sam.ldb")]


class _Shared:
    """The one domain controller of this process, and how many use it."""

    def __init__(self) -> None:
        self._users = 0
        self._stack = contextlib.ExitStack()
        self._samba: Samba | None = None

    def enter(self) -> Samba:
        if self._samba is None:
            with contextlib.ExitStack() as stack:
                self._samba = _start(stack)
                self._stack = stack.pop_all()
        self._users += 1
        return self._samba

    def leave(self) -> None:
        self._users -= 1
        if not self._users:
            self._samba = None
            self._stack.close()


_SHARED = _Shared()


@contextlib.contextmanager
def running_samba() -> Iterator[Samba]:
    """Start a domain controller, or share the one that this process has; the last user stops it.

    Raises ``ServiceMissing``, and ``ServiceFailed`` when every address is taken.
    """
    program("samba", "samba")
    program("samba-tool", "samba")
    samba = _SHARED.enter()
    try:
        yield samba
    finally:
        _SHARED.leave()


def _start(stack: contextlib.ExitStack) -> Samba:
    address = _take_address(stack)
    folder = stack.enter_context(private_folder("samba"))
    _, certificate = make_certificate(folder, HOST, address)
    samba = Samba(folder=folder, address=address, certificate=certificate)
    samba.provision()
    stack.callback(samba.stop)
    samba.start()
    return samba


def _take_address(stack: contextlib.ExitStack) -> str:
    """Return an address that is ours until the stack is closed."""
    import fcntl  # noqa: PLC0415 - there is none on Windows, where this module is imported, too

    for address in ADDRESSES:
        lock = (Path(tempfile.gettempdir()) / f"autosync-samba-{address}.lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        stack.callback(lock.close)
        if not is_listening(address, 389):
            return address
    raise ServiceFailed(f"all of {ADDRESSES[0]} to {ADDRESSES[-1]} are taken by other domain controllers")
