"""An account with its password, wherever the configuration names one."""

from dataclasses import dataclass
from typing import Final

from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place
from autosync.options.shapes import maybe, secret, text
from autosync.ports.secrets import SecretReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whom somebody signs in as; the password is a reference."""

    user: str
    password: SecretReference


_SECRET: Final = maybe(secret())

USER: Final = Key("user", text(), "", "The account, as DOMAIN\\user or user@domain.", required=True)
PASSWORD: Final = Key("password", _SECRET, None, "Where its password is kept.", required=True)


def _account(values: Values, _: Place) -> Account | None:
    password = values[PASSWORD]
    return None if password is None else Account(user=values[USER], password=password)


def account(doc: str) -> Built[Account | None]:
    """Return the shape of an account."""
    return Built(block=Block(doc=doc, keys=(USER, PASSWORD)), build=_account)
