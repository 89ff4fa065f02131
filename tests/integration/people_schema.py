"""The people of the connector contract as an LDAP schema: one attribute of each type."""

from typing import Final

_OCTETS = "EQUALITY octetStringMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.40"
_TEXT = "EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15"
_ATTRIBUTES = {
    "id": f"{_TEXT} SINGLE-VALUE",
    "note": f"{_OCTETS} SINGLE-VALUE",
    "mail": _OCTETS,
    "number": "EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE",
    "active": "EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE",
    "photo": f"{_OCTETS} SINGLE-VALUE",
    "boss": f"{_OCTETS} SINGLE-VALUE",
}  # fmt: skip

PEOPLE_SCHEMA: Final = "\n".join(
    [
        *(
            f"attributetype ( 1.3.6.1.4.1.99999.1.{number} NAME '{name}' {rest} )"
            for number, (name, rest) in enumerate(_ATTRIBUTES.items(), start=1)
        ),
        "objectclass ( 1.3.6.1.4.1.99999.2.2 NAME 'testFolder' SUP top STRUCTURAL MUST id )",
        (
            "objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'testPerson' SUP top STRUCTURAL MUST id"
            " MAY ( name $ note $ mail $ number $ active $ photo $ boss ) )"
        ),
    ]
)

PEOPLE_SUFFIX: Final = "id=root"
PEOPLE_ENTRIES: Final = "dn: id=root\nobjectClass: testFolder\nid: root\n"
