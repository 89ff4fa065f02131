"""What a child process inherits of the service's environment: what programs need to run, and no secret.

The service's own environment may hold passwords (``{env: NAME}`` in the configuration). A child gets the values that it needs
with its orders, resolved; whatever else stands in the environment is none of its business.
"""

from collections.abc import Mapping
from typing import Final

_NAMES: Final = frozenset(
    {
        # the system
        "PATH", "PATHEXT", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "OS", "PROCESSOR_ARCHITECTURE",
        "NUMBER_OF_PROCESSORS", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
        # folders
        "TEMP", "TMP", "TMPDIR", "HOME", "HOMEDRIVE", "HOMEPATH", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA",
        "ALLUSERSPROFILE", "PUBLIC", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "COMMONPROGRAMFILES",
        "COMMONPROGRAMFILES(X86)", "COMMONPROGRAMW6432", "PSMODULEPATH",
        # who it runs as, and where
        "USER", "LOGNAME", "USERNAME", "USERDOMAIN", "USERDNSDOMAIN", "COMPUTERNAME", "HOSTNAME",
        # language and time
        "LANG", "LANGUAGE", "TZ", "TZDIR", "NLS_LANG",
        # Python
        "VIRTUAL_ENV",
        # certificates and Kerberos: places, never keys themselves
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "KRB5_CONFIG", "KRB5CCNAME", "KRB5_KTNAME",
        "KRB5_CLIENT_KTNAME",
        # database drivers: where their own files are
        "ORACLE_HOME", "TNS_ADMIN", "ODBCINI", "ODBCINSTINI", "ODBCSYSINI", "PGSYSCONFDIR", "PGSERVICEFILE", "PGPASSFILE",
        "DB2DIR", "INFORMIXDIR", "FREETDSCONF", "SYBASE",
    }
)  # fmt: skip
_BEGINNINGS: Final = ("LC_", "PYTHON", "COV_CORE_", "COVERAGE_")


def minimal(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a child gets of ``environment``; names are compared without case, as Windows does."""
    return {name: value for name, value in environment.items() if _is_needed(name.upper())}


def _is_needed(name: str) -> bool:
    return name in _NAMES or name.startswith(_BEGINNINGS)
