"""How the tests of the directory client get into a real directory."""

from typing import Final

from autosync.directory.client import octets, open_directory
from autosync.directory.servers import Access, parse_server
from autosync.directory.sign_in import SignIn, Simple
from autosync.directory.tls import Trust
from scripts.services.samba import Samba
from scripts.services.slapd import Slapd

ARRIVES_S: Final = 10.0
"""Latencies are measured, not asserted; but what never arrives is a failure."""


def access_to(
    server: Slapd | Samba, *, start_tls: bool = False, url: str | None = None, who: SignIn | None = None
) -> Access:
    return Access(
        servers=[parse_server(url or server.url, start_tls=start_tls)],
        who=who or Simple(server.admin, server.password),
        trust=Trust(ca_file=server.certificate),
    )


def person(name: str, **more: str) -> dict[str, list[bytes]]:
    return octets({"objectClass": ["inetOrgPerson"], "cn": name, "sn": name, **more})


async def with_directory(access: Access, what) -> None:
    async with open_directory(access) as directory:
        await what(directory)
