"""The variables that a script's process gets: what programs need to work, and nothing that may hold a secret of ours."""

from collections.abc import Iterable, Mapping
from typing import Final

_NEEDED: Final = frozenset(
    {
        "ALLUSERSPROFILE", "APPDATA", "COMMONPROGRAMFILES", "COMMONPROGRAMFILES(X86)", "COMMONPROGRAMW6432",
        "COMPUTERNAME", "COMSPEC", "DRIVERDATA", "HOME", "HOMEDRIVE", "HOMEPATH", "KRB5CCNAME", "KRB5_CLIENT_KTNAME",
        "KRB5_CONFIG", "LANG", "LANGUAGE", "LOCALAPPDATA", "LOGNAME", "NUMBER_OF_PROCESSORS", "OS", "PATH", "PATHEXT",
        "PROCESSOR_ARCHITECTURE", "PROCESSOR_ARCHITEW6432", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)",
        "PROGRAMW6432", "PUBLIC", "SHELL", "SSL_CERT_DIR", "SSL_CERT_FILE", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP",
        "TMPDIR", "TZ", "USER", "USERDOMAIN", "USERNAME", "USERPROFILE", "WINDIR",
    }
)  # fmt: skip
# PSModulePath is left out on purpose: Windows PowerShell that inherits PowerShell 7's finds modules that it cannot load,
# and makes its own where there is none.


def environment_of(service: Mapping[str, str], more: Iterable[str]) -> dict[str, str]:
    """Return the service's variables that a script gets; ``more`` names further ones."""
    wanted = _NEEDED | {name.upper() for name in more}
    return {name: value for name, value in service.items() if name.upper() in wanted or name.startswith("LC_")}
