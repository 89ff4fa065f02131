"""What went wrong with Kerberos, in words with a way out: libraries say it in numbers, each in an error of its own.

The numbers are those of RFC 4120 section 7.5.9 and of MIT's ``krb5_err.et``, and Windows' own (``winerror.h``).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_BASE: Final = -1765328384
"""Where the numbers of ``krb5_err.et`` begin; those of the protocol are the first of them."""
_NUMBERS: Final = re.compile(r"0x[0-9a-fA-F]{8}\b|-?\b\d{9,10}\b")

_NO_ACCOUNT: Final = "the realm knows no such account; write it user@REALM"
_NO_SERVICE: Final = (
    "the realm knows no service {service}: name the server as Kerberos knows it, in full (on Windows, setspn -Q {service} "
    "tells whose it is), not by an alias or an address"
)
_REVOKED: Final = "the account is disabled or locked"
_WRONG: Final = "the password is wrong, or the keytab is older than it"
_EXPIRED: Final = "the password has expired"
_SKEW: Final = "this machine's clock and the domain's are more than five minutes apart; set them right"
_NO_TICKET: Final = (
    "there is no ticket, and no keytab to get one with: name user and password, or let KRB5_CLIENT_KTNAME name a keytab of "
    "the account, or KRB5CCNAME a ticket cache"
)
_UNREACHED: Final = "no domain controller gives tickets: is {kdc} reached, at port 88?"
_NO_REALM: Final = (
    "this machine does not know where the realm's domain controllers are; see krb5.conf and the DNS servers"
)

_MEANINGS: Final[Mapping[int, str]] = {
    _BASE + 6: _NO_ACCOUNT,
    _BASE + 7: _NO_SERVICE,
    _BASE + 18: _REVOKED,
    _BASE + 23: _EXPIRED,
    _BASE + 24: _WRONG,
    _BASE + 31: _WRONG,
    _BASE + 32: "the ticket has expired: get another one (kinit)",
    _BASE + 37: _SKEW,
    _BASE + 141: _NO_TICKET,  # KRB5_CC_NOTFOUND
    _BASE + 154: _NO_REALM,  # KRB5_REALM_UNKNOWN
    _BASE + 156: _UNREACHED,  # KRB5_KDC_UNREACH
    _BASE + 181: "the keytab has no key of this account",  # KRB5_KT_NOTFOUND
    _BASE + 195: _NO_TICKET,  # KRB5_FCC_NOFILE
    _BASE + 220: _NO_REALM,  # KRB5_REALM_CANT_RESOLVE
    _BASE + 224: _NO_REALM,  # KRB5_CONFIG_NODEFREALM
    -0x7FF6FCFD: _NO_SERVICE,  # SEC_E_TARGET_UNKNOWN 0x80090303
    -0x7FF6FCF4: _WRONG,  # SEC_E_LOGON_DENIED 0x8009030C
    -0x7FF6FCF2: _NO_TICKET,  # SEC_E_NO_CREDENTIALS 0x8009030E
    -0x7FF6FCEF: _UNREACHED,  # SEC_E_NO_AUTHENTICATING_AUTHORITY 0x80090311
    -0x7FF6FCDC: _SKEW,  # SEC_E_TIME_SKEW 0x80090324
}

_REFUSALS: Final = frozenset({_REVOKED, _WRONG, _EXPIRED})


def is_refusal(error: BaseException) -> bool:
    """Return whether the realm knows the account and did not accept its password, or the account: it may have counted that."""
    return any(_MEANINGS.get(number) in _REFUSALS for number in _numbers(error))


def reason(error: BaseException, *, account: str, service: str) -> str | None:
    """Return why a sign-in did not go well; None where that is not known. ``service`` is as in ``host/sync01.corp.example``."""
    known = next((_MEANINGS[number] for number in _numbers(error) if number in _MEANINGS), None)
    if known is None:
        return None
    if known is _NO_ACCOUNT and "\\" in account:
        return "Kerberos takes an account as user@REALM here, not as DOMAIN\\user"
    realm = account.partition("@")[2]
    return known.format(service=service, kdc=f"one of {realm}" if realm else "one")


def _numbers(error: BaseException) -> Iterator[int]:
    """Yield the numbers that the text of an error names, as signed ones of 32 bits."""
    for found in _NUMBERS.findall(str(error)):
        number = int(found, 0)
        yield number - 2**32 if number >= 2**31 else number
