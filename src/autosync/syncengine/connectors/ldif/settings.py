"""What can be said about an LDIF file, and how it is read from YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from autosync.syncengine.connectors.file_end import FinalNewline
from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.settings_reading import Section
from autosync.syncengine.connectors.values import BooleanWords

DN: Final = "dn"

USUALLY_MULTI_VALUED: Final = (
    "objectClass", "member", "uniqueMember", "memberUid", "memberOf", "proxyAddresses", "servicePrincipalName",
)  # fmt: skip
"""What holds several values in every directory. Everything else has one value unless the settings say otherwise."""

USUALLY_REFERENCES: Final = ("manager", "member", "uniqueMember", "memberOf", "secretary", "owner", "seeAlso")
"""What holds DNs in every directory (RFC 4519, RFC 2798)."""

USUAL_ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "inetOrgPerson": (
        "cn", "sn", "givenName", "displayName", "initials", "uid", "employeeNumber", "employeeType", "title", "mail",
        "departmentNumber", "telephoneNumber", "mobile", "manager", "description", "o", "ou", "l", "street",
        "postalCode", "roomNumber", "preferredLanguage",
    ),
    "groupOfNames": ("cn", "description", "member", "owner"),
    "groupOfUniqueNames": ("cn", "description", "uniqueMember", "owner"),
    "organizationalUnit": ("ou", "description"),
}  # fmt: skip
"""Attributes that an entry of a class can have (RFC 4519, RFC 2798), so that an empty file has a schema, too."""

LDAP_BOOLEANS: Final = BooleanWords(true=("TRUE",), false=("FALSE",))


@dataclass(frozen=True, slots=True, kw_only=True)
class LdifSettings:
    """One LDIF file.

    ``object_types`` maps object classes to object types; the first that an entry has decides. Without it the object type is
    the class that the entry names last.
    """

    path: str
    anchor: str = DN
    object_types: Mapping[str, str] = field(
        default_factory=lambda: {"inetOrgPerson": "person", "groupOfNames": "group"}
    )
    default_type: str | None = None
    multi_valued: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    types: Mapping[str, AttributeType] = field(default_factory=dict)
    booleans: BooleanWords = LDAP_BOOLEANS
    changes: str | None = None
    final_newline: FinalNewline = FinalNewline.SAME

    def all_types(self) -> dict[str, AttributeType]:
        """Return the type of each attribute that has one, in lower case."""
        known = {name.lower(): AttributeType.REFERENCE for name in USUALLY_REFERENCES}
        return known | {name.lower(): kind for name, kind in self.types.items()}

    def all_multi_valued(self) -> frozenset[str]:
        """Return the attributes that may have several values, in lower case."""
        return frozenset(name.lower() for name in (*USUALLY_MULTI_VALUED, *self.multi_valued))

    def spellings(self) -> dict[str, str]:
        """Return how attributes are spelt, by their name in lower case: LDAP compares names without case."""
        anchor = () if self.anchor == DN else (self.anchor,)
        names = (*USUALLY_MULTI_VALUED, *USUALLY_REFERENCES, *self.multi_valued, *self.types, *self.attributes, *anchor)
        return {name.lower(): name for name in names}

    def meaning(self) -> tuple[object, ...]:
        """Return what decides how an entry is understood; where the file lies does not."""
        types, multi = sorted(self.all_types().items()), sorted(self.all_multi_valued())
        spellings = sorted(self.spellings().items())
        return self.anchor, list(self.object_types.items()), self.default_type, multi, types, spellings, self.booleans


def parse_ldif(data: object) -> LdifSettings:
    """Return the settings in plain YAML data; raise ``SettingsError`` with every mistake."""
    section = Section(data)
    classes = section.section("object-types")
    object_types = {name: classes.text(name) for name in classes.items()}
    settings = LdifSettings(
        path=section.text("path"),
        anchor=section.text("anchor", DN),
        object_types=object_types,
        default_type=section.optional_text("default-type"),
        multi_valued=section.words("multi-valued"),
        attributes=section.words("attributes"),
        types=section.types("types"),
        booleans=section.booleans("booleans", LDAP_BOOLEANS),
        changes=section.optional_text("changes"),
        final_newline=section.choice("final-newline", FinalNewline, FinalNewline.SAME),
    )
    section.finish()
    if settings.anchor.lower() in settings.all_multi_valued():
        section.wrong("anchor", f"{settings.anchor} may have several values; an anchor has one")
    section.raise_mistakes()
    return settings
