"""What can be said about a directory, and how it is read from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from autosync.directory.filter_text import parse_filter
from autosync.directory.filters import ANYTHING, And, Equals, Filter, Not, Or
from autosync.directory.names import parse_name
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import Anonymous, External, Mechanism, SignIn, Simple, Windows
from autosync.directory.tls import Trust
from autosync.syncengine.connectors.ldif.settings import DN, LDAP_BOOLEANS, USUALLY_MULTI_VALUED, USUALLY_REFERENCES
from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.settings_reading import Section
from autosync.syncengine.connectors.values import BooleanWords

ENTRY_UUID: Final = "entryUUID"
OBJECT_GUID: Final = "objectGUID"
DEFAULT: Final = "default"
"""The partition of a directory with one base."""

AD_NOISE: Final = (
    "badPasswordTime", "badPwdCount", "dSCorePropagationData", "lastLogoff", "lastLogon", "lastLogonTimestamp",
    "logonCount", "replPropertyMetaData", "replUpToDateVector", "repsFrom", "repsTo", "uSNChanged", "whenChanged",
)  # fmt: skip
"""What Active Directory changes by itself: no change of the object that anybody means."""


class Flavour(StrEnum):
    """Whose directory it is."""

    LDAP = "ldap"
    ACTIVE_DIRECTORY = "active-directory"


class SignInKind(StrEnum):
    """How we sign in."""

    SIMPLE = "simple"
    ANONYMOUS = "anonymous"
    EXTERNAL = "external"
    NEGOTIATE = "negotiate"
    KERBEROS = "kerberos"
    NTLM = "ntlm"


class DeltaKind(StrEnum):
    """Where a delta import learns what changed."""

    AUTO = "auto"
    SYNCREPL = "syncrepl"
    ACCESS_LOG = "access-log"
    CHANGELOG = "changelog"
    DIR_SYNC = "dir-sync"
    USN_CHANGED = "usn-changed"
    NONE = "none"


_OF_AD: Final = (DeltaKind.DIR_SYNC, DeltaKind.USN_CHANGED)
_OF_LDAP: Final = (DeltaKind.SYNCREPL, DeltaKind.ACCESS_LOG, DeltaKind.CHANGELOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class LdapSettings:
    """One directory. ``object_types`` maps object classes to object types; an entry's most special class decides."""

    flavour: Flavour
    servers: tuple[str, ...]
    bases: tuple[str, ...]
    start_tls: bool = False
    sign_in: SignInKind = SignInKind.ANONYMOUS
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate: str | None = None
    key: str | None = None
    check_name: bool = True
    plain_passwords: bool = False
    filter: str | None = None
    object_types: Mapping[str, str] = field(default_factory=dict)
    anchor: str = ENTRY_UUID
    attributes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    multi_valued: tuple[str, ...] = ()
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    booleans: BooleanWords = LDAP_BOOLEANS
    delta: DeltaKind = DeltaKind.AUTO
    log_base: str = "cn=accesslog"
    page_size: int = 1000
    window: int = 50
    timeout_s: float = 60.0
    tree_delete: bool = False
    follow_referrals: bool = False

    @property
    def is_ad(self) -> bool:
        """Return whether it is Active Directory."""
        return self.flavour is Flavour.ACTIVE_DIRECTORY

    @property
    def by_dn(self) -> bool:
        """Return whether the anchor is the name itself."""
        return self.anchor.lower() == DN

    @property
    def identity(self) -> str:
        """Return the attribute that names an entry for ever."""
        return OBJECT_GUID if self.is_ad else ENTRY_UUID

    def partitions(self) -> dict[str, str]:
        """Return the base of each partition."""
        return {DEFAULT: self.bases[0]} if len(self.bases) == 1 else {base: base for base in self.bases}

    def access(self, folder: Path) -> Access:
        """Return how to get in; relative files count from ``folder``."""
        files = {name: folder / path if path else None for name, path in self._files().items()}
        return Access(
            servers=[parse_server(text, start_tls=self.start_tls) for text in self.servers],
            who=self._who(),
            trust=Trust(check_name=self.check_name, **files),
            plain_passwords=self.plain_passwords,
            timeout_s=self.timeout_s,
        )

    def wanted(self) -> Filter:
        """Return the filter for the objects of this agent."""
        parts: list[Filter] = [Or([Equals("objectClass", name) for name in self.object_types])]
        if self.is_ad and "computer" not in {name.lower() for name in self.object_types}:
            parts.append(Not(Equals("objectClass", "computer")))  # in Active Directory every computer is a user, too
        if self.filter:
            parts.append(parse_filter(self.filter))
        return And(parts) if len(parts) > 1 else parts[0] if self.object_types else ANYTHING

    def all_multi_valued(self) -> frozenset[str]:
        """Return the attributes that may have several values whatever the schema says, in lower case."""
        return frozenset(name.lower() for name in (*USUALLY_MULTI_VALUED, *self.multi_valued))

    def all_types(self) -> dict[str, AttributeType]:
        """Return the type of each attribute that has one whatever the schema says, in lower case."""
        known = {name.lower(): AttributeType.REFERENCE for name in USUALLY_REFERENCES}
        return known | {name.lower(): kind for name, kind in self.types.items()}

    def meaning(self) -> tuple[object, ...]:
        """Return what decides how an entry is understood; where the directory is does not."""
        types, multi = sorted(self.all_types().items()), sorted(self.all_multi_valued())
        kinds = sorted(self.object_types.items())
        return self.flavour, self.anchor, kinds, types, multi, self.attributes, self.ignored, self.booleans

    def _who(self) -> SignIn:
        match self.sign_in:
            case SignInKind.SIMPLE:
                return Simple(self.user or "", self.password or "")
            case SignInKind.ANONYMOUS:
                return Anonymous()
            case SignInKind.EXTERNAL:
                return External()
            case _:
                return Windows(user=self.user, password=self.password, mechanism=Mechanism(self.sign_in.value))

    def _files(self) -> dict[str, str | None]:
        return {"ca_file": self.ca_file, "certificate": self.certificate, "key": self.key}


_AD_TYPES: Final = {"user": "user", "group": "group", "contact": "contact"}
_LDAP_TYPES: Final = {"inetOrgPerson": "person", "groupOfNames": "group"}


def parse_ldap(data: object) -> LdapSettings:
    """Return the settings of ``type: ldap``; raise ``SettingsError`` with every mistake."""
    return _parse(data, Flavour.LDAP)


def parse_active_directory(data: object) -> LdapSettings:
    """Return the settings of ``type: active-directory``; raise ``SettingsError`` with every mistake."""
    return _parse(data, Flavour.ACTIVE_DIRECTORY)


def _parse(data: object, flavour: Flavour) -> LdapSettings:
    section = Section(data)
    is_ad = flavour is Flavour.ACTIVE_DIRECTORY
    classes = section.section("object-types")
    object_types = {name: classes.text(name) for name in classes.items()} or (_AD_TYPES if is_ad else _LDAP_TYPES)
    user = section.optional_text("user")
    usual = SignInKind.SIMPLE if user else SignInKind.NEGOTIATE if is_ad else SignInKind.ANONYMOUS
    settings = LdapSettings(
        flavour=flavour,
        servers=_required(section, "server"),
        bases=_required(section, "base"),
        start_tls=section.flag("start-tls", default=False),
        sign_in=section.choice("sign-in", SignInKind, usual),
        user=user,
        password=section.optional_text("password"),
        ca_file=section.optional_text("ca-file"),
        certificate=section.optional_text("certificate"),
        key=section.optional_text("key"),
        check_name=section.flag("check-name", default=True),
        plain_passwords=section.flag("plain-passwords", default=False),
        filter=section.optional_text("filter"),
        object_types=object_types,
        anchor=section.text("anchor", OBJECT_GUID if is_ad else ENTRY_UUID),
        attributes=section.words("attributes"),
        ignored=section.words("ignore-attributes", AD_NOISE if is_ad else ()),
        multi_valued=section.words("multi-valued"),
        types=section.types("types"),
        booleans=section.booleans("booleans", LDAP_BOOLEANS),
        delta=section.choice("delta", DeltaKind, DeltaKind.AUTO),
        log_base=section.text("log-base", "cn=accesslog"),
        page_size=int(section.number("page-size", 1000)),
        window=int(section.number("window", 50)),
        timeout_s=section.number("timeout", 60),
        tree_delete=section.flag("tree-delete", default=False),
        follow_referrals=section.flag("follow-referrals", default=False),
    )
    section.finish()
    _check(section, settings)
    section.raise_mistakes()
    return settings


def _required(section: Section, key: str) -> tuple[str, ...]:
    words = section.words(key)
    if not section.has(key):
        section.wrong(key, "is missing")
    return words


def _check(section: Section, settings: LdapSettings) -> None:
    for key, texts, parse in (
        ("server", settings.servers, parse_server),
        ("base", settings.bases, parse_name),
        ("filter", [settings.filter] if settings.filter else [], parse_filter),
    ):
        for text in texts:
            try:
                parse(text)
            except ValueError as error:
                section.wrong(key, str(error))
    if settings.anchor.lower() in settings.all_multi_valued():
        section.wrong("anchor", f"{settings.anchor} may have several values; an anchor has one")
    if settings.delta in (_OF_LDAP if settings.is_ad else _OF_AD):
        known = ", ".join([*(_OF_AD if settings.is_ad else _OF_LDAP), DeltaKind.NONE])
        section.wrong("delta", f"{settings.delta} is not for this type; there are: {known}")
    if not 1 <= settings.window <= 500:
        section.wrong("window", "expected 1 to 500; directories drop a client with more requests on their way")
    _check_sign_in(section, settings)


def _check_sign_in(section: Section, settings: LdapSettings) -> None:
    if settings.sign_in is SignInKind.SIMPLE and not (settings.user and settings.password):
        section.wrong("sign-in", "simple needs user and password")
    if settings.sign_in is SignInKind.NTLM and not (settings.user and settings.password):
        section.wrong("sign-in", "ntlm needs user and password")
    if settings.sign_in is SignInKind.EXTERNAL and not settings.certificate:
        section.wrong("sign-in", "external needs certificate (and key, if it is not in the same file)")
    if settings.password and not settings.user:
        section.wrong("password", "there is no user to whom it belongs")
