"""The people of the directory benchmark: eleven attributes and some 330 octets each, as LDIF and as writes."""

from collections.abc import Iterator

from autosync.directory.client import octets
from autosync.directory.writes import Add


def attributes_of(number: int) -> dict[str, str]:
    """Return a person's attributes."""
    return {
        "objectClass": "inetOrgPerson",
        "uid": f"u{number}",
        "cn": f"Person Number {number}",
        "sn": f"Number {number}",
        "givenName": "Person",
        "displayName": f"Person Number {number}",
        "mail": f"person.number.{number}@example.org",
        "employeeNumber": f"{number:08}",
        "title": "Engineer of Something",
        "departmentNumber": f"{number % 40}",
        "telephoneNumber": f"+32 2 555 {number % 10000:04}",
    }


def dn_of(number: int, suffix: str) -> str:
    """Return a person's name."""
    return f"uid=u{number},ou=people,{suffix}"


def ldif(first: int, count: int, suffix: str) -> str:
    """Return the entries as LDIF."""
    return "".join(
        f"dn: {dn_of(number, suffix)}\n"
        + "".join(f"{name}: {value}\n" for name, value in attributes_of(number).items())
        + "\n"
        for number in range(first, first + count)
    )


def adds(first: int, count: int, suffix: str) -> Iterator[Add]:
    """Yield the writes that make the entries."""
    for number in range(first, first + count):
        yield Add(dn=dn_of(number, suffix), attributes=octets(attributes_of(number)))
