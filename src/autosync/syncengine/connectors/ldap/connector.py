"""The connector for LDAP directories and Active Directory."""

from pathlib import Path

from autosync.directory.blocking import BlockingDirectory
from autosync.directory.changelog import keeps_log
from autosync.directory.client import Directory
from autosync.directory.controls import PERMISSIVE_MODIFY, SYNC_REQUEST, TREE_DELETE, permissive_modify, tree_delete
from autosync.directory.errors import DirectoryError
from autosync.directory.searching import Search
from autosync.syncengine.connectors.ldap.access_log import AccessLog
from autosync.syncengine.connectors.ldap.active_directory import DirSync, UsnChanged
from autosync.syncengine.connectors.ldap.change_log import ChangeLog
from autosync.syncengine.connectors.ldap.changes import ChangeSource, Lookup
from autosync.syncengine.connectors.ldap.failures import run_error
from autosync.syncengine.connectors.ldap.planning import Planner
from autosync.syncengine.connectors.ldap.reader import ChangedSource, KnownSource, LdapReader, PagedSource, Source
from autosync.syncengine.connectors.ldap.schema import Schema, read_schema
from autosync.syncengine.connectors.ldap.settings import DeltaKind, LdapSettings
from autosync.syncengine.connectors.ldap.shape import Shape
from autosync.syncengine.connectors.ldap.syncrepl import Syncrepl
from autosync.syncengine.connectors.ldap.token import read_token, scope_of
from autosync.syncengine.connectors.ldap.writer import LdapWriter
from autosync.syncengine.connectors.port import (
    AttributeSchema,
    ConnectorError,
    Description,
    Reader,
    ReferenceBy,
    Writer,
)


class LdapConnector:
    """One directory. Every reading and writing signs in anew: a controller that has gone is replaced by the next."""

    def __init__(self, settings: LdapSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._shape: Shape | None = None

    def __repr__(self) -> str:
        return f"LdapConnector({', '.join(self._settings.servers)})"

    def describe(self) -> Description:
        """Return the attributes of the classes that the settings name, and what else they name."""
        directory = self._opened()
        try:
            shape = self._known_shape(directory)
            delta = directory.run(self._delta_kind)
        except DirectoryError as error:
            raise run_error(error, started=False) from None
        finally:
            directory.close()
        return Description(
            attributes=_described(shape),
            partitions=tuple(self._settings.partitions()),
            delta=delta is not DeltaKind.NONE,
            writable=True,
            reference_by=ReferenceBy.DN,
        )

    def open_full(self, partition: str) -> Reader:
        """Start reading everything; raise ``ConnectorError``."""
        base, directory = self._base(partition), self._opened()
        try:
            shape = self._known_shape(directory)
            kind = directory.run(self._delta_kind)
            source = directory.run(lambda client: self._full(client, shape, base, kind))
        except BaseException as error:
            directory.close()
            if isinstance(error, DirectoryError):
                raise run_error(error, started=False) from None
            raise
        return LdapReader(directory, shape, source)

    def open_delta(self, partition: str, token: bytes | None) -> Reader:
        """Start reading what changed since ``token``; raise ``ConnectorError``."""
        base, directory = self._base(partition), self._opened()
        try:
            source = self._changed(directory, base, token)
        except BaseException as error:
            directory.close()
            if isinstance(error, DirectoryError):
                raise run_error(error, started=False) from None
            raise
        return LdapReader(directory, self._known_shape(directory), source)

    def open_export(self, partition: str) -> Writer:
        """Start writing; raise ``ConnectorError``."""
        base, directory = self._base(partition), self._opened()
        try:
            shape = self._known_shape(directory)
            supported = directory.run(_controls)
        except DirectoryError as error:
            directory.close()
            raise run_error(error, started=False) from None
        client = directory.client
        private = client.connection.wire.is_private or client.server.is_here or self._settings.plain_passwords
        planner = Planner(
            shape,
            private=private,
            modify_controls=(permissive_modify(),) if PERMISSIVE_MODIFY in supported else (),
            delete_controls=(tree_delete(),) if self._settings.tree_delete and TREE_DELETE in supported else (),
        )
        return LdapWriter(directory, shape, planner, base)

    def _opened(self) -> BlockingDirectory:
        try:
            return BlockingDirectory(self._settings.access(self._folder))
        except DirectoryError as error:
            raise run_error(error, started=False) from None

    def _known_shape(self, directory: BlockingDirectory) -> Shape:
        """Return what entries mean here; the schema is read once in the connector's life."""
        if self._shape is None:
            schema: Schema = directory.run(read_schema)
            self._shape = Shape(self._settings, schema)
        return self._shape

    def _base(self, partition: str) -> str:
        bases = self._settings.partitions()
        if partition not in bases:
            message = f"there is no partition {partition!r}; there are: {', '.join(bases)}"
            raise ConnectorError("no-start-partition-not-found", message)
        return bases[partition]

    async def _delta_kind(self, directory: Directory) -> DeltaKind:
        """Return where a delta comes from: what the settings say, or what this directory can do."""
        if self._settings.delta is not DeltaKind.AUTO:
            return self._settings.delta
        if self._settings.is_ad:
            return DeltaKind.DIR_SYNC
        if await keeps_log(directory):
            return DeltaKind.CHANGELOG
        return DeltaKind.SYNCREPL if SYNC_REQUEST in await _controls(directory) else DeltaKind.NONE

    def _changed(self, directory: BlockingDirectory, base: str, token: bytes | None) -> Source:
        shape = self._known_shape(directory)
        kind = directory.run(self._delta_kind)
        if kind is DeltaKind.NONE:
            message = f"{self._settings.servers[0]} does not tell what changed (delta: none)"
            raise ConnectorError("no-start-delta-step-type-not-configured", message)
        lookup = Lookup(shape, base)
        begun = read_token(token, kind, scope_of(self._settings, base))
        return ChangedSource(_source(kind, shape, base, lookup), lookup, begun)

    async def _full(self, directory: Directory, shape: Shape, base: str, kind: DeltaKind) -> Source:
        settings = self._settings
        search = Search(
            base=base, filter=settings.wanted(), attributes=shape.asked(), page_size=settings.page_size
        )  # fmt: skip
        token = None
        if kind is not DeltaKind.NONE:
            token = await _source(kind, shape, base, Lookup(shape, base)).begin(directory)
        if token is not None and kind is DeltaKind.SYNCREPL:
            return KnownSource(search, token, shape)
        return PagedSource(search, token, follow_referrals=settings.follow_referrals)


def _source(kind: DeltaKind, shape: Shape, base: str, lookup: Lookup) -> ChangeSource:
    settings = shape.settings
    match kind:
        case DeltaKind.DIR_SYNC:
            return DirSync(settings, base, lookup)
        case DeltaKind.USN_CHANGED:
            return UsnChanged(settings, base, lookup)
        case DeltaKind.ACCESS_LOG:
            return AccessLog(settings, base, lookup)
        case DeltaKind.CHANGELOG:
            return ChangeLog(settings, base, lookup)
        case DeltaKind.SYNCREPL | DeltaKind.AUTO | DeltaKind.NONE:
            return Syncrepl(shape, base, lookup)


async def _controls(directory: Directory) -> frozenset[str]:
    """Return the controls that the server supports."""
    root = await directory.read("", ("supportedControl",))
    return frozenset(value.decode("ascii", "replace") for value in (root.values("supportedControl") if root else ()))


def _described(shape: Shape) -> dict[str, tuple[AttributeSchema, ...]]:
    settings = shape.settings
    named = (*settings.attributes, *settings.multi_valued, *settings.types, "objectClass")
    described: dict[str, dict[str, AttributeSchema]] = {}
    for name, kind in settings.object_types.items():
        found, required = shape.schema.attributes_of(name)
        anchor = () if settings.by_dn else (settings.anchor,)
        spelt = found | {each.lower(): each for each in (*named, *anchor) if each not in {"*", "+"}}
        for lower, spelling in spelt.items():
            known = shape.kind_of(spelling)
            described.setdefault(kind, {})[lower] = AttributeSchema(
                name=known.name,
                type=known.type,
                multivalued=not known.single,
                required=lower in required,
                writable=known.writable,
            )
    return {kind: tuple(attributes.values()) for kind, attributes in sorted(described.items())}
