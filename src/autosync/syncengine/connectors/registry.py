"""Which kinds of connectors there are: how each one's settings are read, and how it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from autosync.syncengine.connectors.delimited.connector import DelimitedConnector
from autosync.syncengine.connectors.delimited.settings import parse_delimited
from autosync.syncengine.connectors.ldif.connector import LdifConnector
from autosync.syncengine.connectors.ldif.settings import parse_ldif
from autosync.syncengine.connectors.memory.connector import memory_connector
from autosync.syncengine.connectors.memory.settings import parse_memory
from autosync.syncengine.connectors.port import Connector
from autosync.syncengine.connectors.settings_reading import Mistake, SettingsError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorKind:
    """One kind. ``parse`` raises ``SettingsError`` with every mistake; relative paths count from ``make``'s folder."""

    parse: Callable[[object], Any]
    make: Callable[[Any, Path], Connector]


def _parse_sql(data: object) -> Any:
    """Read a database's settings; SQLAlchemy is loaded only where a database is used: it takes half a second and 20 MB."""
    from autosync.syncengine.connectors.sql.settings import parse_sql  # noqa: PLC0415 - see above

    return parse_sql(data)


def _make_sql(settings: Any, folder: Path) -> Connector:
    from autosync.syncengine.connectors.sql.connector import SqlConnector  # noqa: PLC0415 - see above

    return SqlConnector(settings, folder)


def _parse_ldap(data: object) -> Any:
    """Read a directory's settings; the LDAP client is loaded only where a directory is used."""
    from autosync.syncengine.connectors.ldap.settings import parse_ldap  # noqa: PLC0415 - see above

    return parse_ldap(data)


def _parse_active_directory(data: object) -> Any:
    from autosync.syncengine.connectors.ldap.settings import parse_active_directory  # noqa: PLC0415 - see above

    return parse_active_directory(data)


def _make_ldap(settings: Any, folder: Path) -> Connector:
    from autosync.syncengine.connectors.ldap.connector import LdapConnector  # noqa: PLC0415 - see above

    return LdapConnector(settings, folder)


KINDS: Final[Mapping[str, ConnectorKind]] = {
    "active-directory": ConnectorKind(parse=_parse_active_directory, make=_make_ldap),
    "csv": ConnectorKind(parse=parse_delimited, make=DelimitedConnector),
    "ldap": ConnectorKind(parse=_parse_ldap, make=_make_ldap),
    "ldif": ConnectorKind(parse=parse_ldif, make=LdifConnector),
    "memory": ConnectorKind(parse=parse_memory, make=memory_connector),
    "sql": ConnectorKind(parse=_parse_sql, make=_make_sql),
}


def parse_connector(data: object) -> tuple[ConnectorKind, Any]:
    """Return the kind and the settings in a ``connector`` block of plain YAML data; raise ``SettingsError``."""
    if not isinstance(data, Mapping):
        raise SettingsError((Mistake((), "expected keys and values, with type"),))
    name = data.get("type")
    if name not in KINDS:
        known = ", ".join(KINDS)
        message = "is missing" if name is None else f"{name!r} is no kind of connector{nearest(str(name), KINDS)}"
        raise SettingsError((Mistake(("type",), f"{message}; there are: {known}"),))
    kind = KINDS[str(name)]
    return kind, kind.parse({key: value for key, value in data.items() if key != "type"})


def make_connector(data: object, folder: Path) -> Connector:
    """Return the connector that a ``connector`` block describes; raise ``SettingsError``."""
    kind, settings = parse_connector(data)
    return kind.make(settings, folder)
