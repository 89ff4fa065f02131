"""Where a referral points (RFC 4516), and whether we may go there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from autosync.directory.errors import DirectoryError
from autosync.directory.filter_text import parse_filter
from autosync.directory.searching import Scope, Search
from autosync.directory.servers import PORT, TLS_PORT, Access, Server
from autosync.directory.tls import Protection

_SCOPES: Final = {"base": Scope.BASE, "one": Scope.ONE, "sub": Scope.SUBTREE}


class BadReferral(DirectoryError):
    """A referral's URL means nothing to us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a referral points. What it does not say stays as it was asked."""

    server: Server
    base: str | None = None
    scope: Scope | None = None
    filter_text: str | None = None

    def search(self, asked: Search, *, continuation: bool) -> Search:
        """Return the search to make there. A continuation of a search of one level looks at its base alone (RFC 4511 4.5.3)."""
        scope = Scope.BASE if continuation and asked.scope is Scope.ONE else asked.scope
        return replace(
            asked,
            base=asked.base if self.base is None else self.base,
            scope=scope if self.scope is None else self.scope,
            filter=asked.filter if not self.filter_text else parse_filter(self.filter_text),
        )


def parse_referral(url: str, protection: Protection) -> Target:
    """Return where a URL points; raise ``BadReferral``. ``ldap:`` is reached with the protection of our own connection."""
    parts = urlsplit(url)
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname:
        raise BadReferral(f"the referral {url!r} names no directory")
    attributes, *rest = (parts.query or "").split("?")
    del attributes  # what was asked for stays
    words = [*rest, "", ""]
    if words[0] and words[0] not in _SCOPES:
        raise BadReferral(f"the referral {url!r} has a scope that is none")
    tls = parts.scheme == "ldaps" or (protection is Protection.TLS and parts.port in {None, TLS_PORT})
    kept = Protection.START_TLS if protection is not Protection.NONE else Protection.NONE
    try:
        port = parts.port or (TLS_PORT if tls else PORT)
    except ValueError:
        raise BadReferral(f"the referral {url!r} has a port that is none") from None
    server = Server(host=parts.hostname, port=port, protection=Protection.TLS if tls else kept)
    base = unquote(parts.path.removeprefix("/"))
    return Target(
        server=server, base=base or None, scope=_SCOPES.get(words[0]), filter_text=unquote(words[1]) or None
    )  # fmt: skip


def access_to(urls: Sequence[str], access: Access) -> tuple[Access, Target]:
    """Return how to reach the first place that the URLs name, with the sign-in that we have; raise ``BadReferral``."""
    targets = [parse_referral(url, access.servers[0].protection) for url in urls]
    if not targets:
        raise BadReferral("a referral without a URL")
    return replace(access, servers=tuple(each.server for each in targets)), targets[0]
