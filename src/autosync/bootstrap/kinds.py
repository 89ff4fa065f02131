"""Which types of engine, trigger and channel this installation has."""

from collections.abc import Mapping
from typing import Final

from autosync.adapters.notifiers.log import LogKind
from autosync.adapters.triggers.active_directory.watching import ACTIVE_DIRECTORY_KIND
from autosync.adapters.triggers.file.kind import FILE_KIND, FOLDER_KIND
from autosync.adapters.triggers.ldap.watching import LDAP_KIND
from autosync.adapters.triggers.mim_service.watching import MIM_SERVICE_KIND
from autosync.adapters.triggers.script.kind import POWERSHELL_KIND, PYTHON_KIND
from autosync.adapters.triggers.sql.watching import SQL_KIND
from autosync.adapters.triggers.webhook.watching import WEBHOOK_KIND
from autosync.bootstrap.embedded import EMBEDDED
from autosync.bootstrap.engine_type import EngineType
from autosync.bootstrap.mim import MIM
from autosync.ports.registry import Registries

ENGINES: Final[Mapping[str, EngineType]] = {"embedded": EMBEDDED, "mim": MIM}

KINDS: Final = Registries(
    engines={name: each.kind for name, each in ENGINES.items()},
    triggers={
        "active-directory": ACTIVE_DIRECTORY_KIND,
        "file": FILE_KIND,
        "folder": FOLDER_KIND,
        "ldap": LDAP_KIND,
        "mim-service": MIM_SERVICE_KIND,
        "powershell": POWERSHELL_KIND,
        "python": PYTHON_KIND,
        "sql": SQL_KIND,
        "webhook": WEBHOOK_KIND,
    },
    channels={"log": LogKind()},
)
