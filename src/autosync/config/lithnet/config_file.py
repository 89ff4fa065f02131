"""Reading ``config.xml``: schema versions 0 and 1, any prefix and order, with or without a byte order mark."""

from typing import Final

from autosync.config.lithnet.agent_elements import agents
from autosync.config.lithnet.elements import PRODUCT, Element, resolved
from autosync.config.lithnet.members import Members
from autosync.config.lithnet.notes import ImportRefused, Notes
from autosync.config.lithnet.predecessor import LithnetConfiguration, LithnetMail
from autosync.untrusted_xml import Limits, XmlRefused, whole

NEWEST_SCHEMA: Final = 1
_LIMITS: Final = Limits(size=16 * 1024 * 1024)
_ROOT: Final = "lithnet-autosync"
_ROOT_MEMBERS: Final = ("description", "management-agents", "schema-version", "settings", "version")
_SETTINGS: Final = (
    "mail-enabled",
    "mail-from",
    "mail-host",
    "mail-ignore-return-codes",
    "mail-max-errors",
    "mail-password",
    "mail-port",
    "mail-send-all-error-instances",
    "mail-to",
    "mail-use-app-config",
    "mail-use-default-credentials",
    "mail-use-ssl",
    "mail-username",
    "run-history-clear",
    "run-history-max-age",
    "run-history-save",
    "run-history-save-path",
    "run-mode",
)
_RUN_MODES: Final = ("supported", "unsupported", "exclusive")


def read_configuration(content: bytes, notes: Notes) -> LithnetConfiguration:
    """Return what the file says. Raises ``ImportRefused`` when it is no such file, empty, or cut off."""
    root = _root(content)
    members = Members(root, _ROOT_MEMBERS, "config.xml", notes)
    schema = members.whole("schema-version")
    if schema > NEWEST_SCHEMA:
        notes.look("config.xml", f"its schema version {schema} is newer than {NEWEST_SCHEMA}, the last that is known")
    if not members.has("management-agents"):
        notes.look("config.xml", "it names no management agents: was it saved whole?")
    settings = members.child("settings") or Element(PRODUCT, "settings")
    own = Members(settings, _SETTINGS, "settings", notes)
    return LithnetConfiguration(
        schema=schema,
        description=members.text("description"),
        run_mode=_run_mode(own, notes),
        mail=_mail(own),
        clear_history=own.flag("run-history-clear"),
        history_age=own.duration("run-history-max-age"),
        save_history=own.flag("run-history-save"),
        history_folder=own.text("run-history-save-path"),
        agents=agents(list(members.items("management-agents")), schema, notes),
    )


def _root(content: bytes) -> Element:
    if not content.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise ImportRefused(
            "config.xml is empty: its last save was interrupted (the predecessor saved in place). Restore a backup of it; "
            "nothing was changed"
        )
    try:
        root = resolved(whole(content, limits=_LIMITS))
    except XmlRefused as error:
        raise ImportRefused(
            f"config.xml cannot be read: {error}. If it ends early, its last save was interrupted: restore a backup of it"
        ) from error
    if (root.space, root.name) != (PRODUCT, _ROOT):
        raise ImportRefused(
            f"this is no configuration of Lithnet AutoSync: its root is {root.name[:60]}, not {_ROOT} in {PRODUCT}"
        )
    return root


def _run_mode(settings: Members, notes: Notes) -> str:
    mode = settings.text("run-mode") or _RUN_MODES[0]
    if mode in _RUN_MODES:
        return mode
    notes.look("settings", f"run-mode: {mode} is unknown; supported is taken, the strictest that the engine needs")
    return _RUN_MODES[0]


def _mail(settings: Members) -> LithnetMail:
    port = settings.whole("mail-port")
    return LithnetMail(
        enabled=settings.flag("mail-enabled"),
        uses_app_config=settings.flag("mail-use-app-config"),
        sender=settings.text("mail-from"),
        to=settings.texts("mail-to"),
        host=settings.text("mail-host"),
        port=port if 0 < port <= 65535 else 25,
        starttls=settings.flag("mail-use-ssl"),
        uses_own_account=settings.flag("mail-use-default-credentials"),
        user=settings.text("mail-username"),
        password=settings.password("mail-password"),
        most_errors=settings.whole("mail-max-errors"),
        every_time=settings.flag("mail-send-all-error-instances"),
        ignored=settings.texts("mail-ignore-return-codes") or (),
    )
