"""Which types of engine, trigger and channel this installation has."""

from typing import Final

from autosync.adapters.engines.embedded.options import EmbeddedKind
from autosync.adapters.notifiers.log import LogKind
from autosync.adapters.triggers.active_directory.watching import ACTIVE_DIRECTORY_KIND
from autosync.adapters.triggers.file.kind import FILE_KIND, FOLDER_KIND
from autosync.adapters.triggers.ldap.watching import LDAP_KIND
from autosync.adapters.triggers.mim_service.watching import MIM_SERVICE_KIND
from autosync.adapters.triggers.script.kind import POWERSHELL_KIND, PYTHON_KIND
from autosync.adapters.triggers.sql.watching import SQL_KIND
from autosync.adapters.triggers.webhook.watching import WEBHOOK_KIND
from autosync.ports.registry import Registries

KINDS: Final = Registries(
    engines={"embedded": EmbeddedKind()},
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
