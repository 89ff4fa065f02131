"""The keys of a script in the configuration, the same in a trigger and at an agent."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.options.account import account
from autosync.options.blocks import Key, ListOf, Values
from autosync.options.reading import Place
from autosync.options.script import Edition, Language, ScriptOptions
from autosync.options.shapes import choice, duration, maybe, place, text
from autosync.options.windows_host import host_key, refuse_beside_host

_TEXT: Final = maybe(text())
_EDITION: Final = maybe(choice(Edition))
_LIMIT: Final = maybe(duration(timedelta(seconds=1)))

SCRIPT: Final = Key("script", place(), Path(), "The script's file.", required=True)

SIGN_IN: Final = Key(
    "sign-in",
    account("Whom the script signs in as; it gets this as credentials."),
    None,
    "Whom the script signs in as. A function with a parameter credentials gets it.",
)
EXECUTABLE: Final = Key(
    "executable",
    _TEXT,
    None,
    "The program that runs it, by its full path; found by itself unless given.",
)
EDITION: Final = Key(
    "edition",
    _EDITION,
    None,
    "desktop: Windows PowerShell 5.1; core: PowerShell 7. Unless given, desktop on Windows and core elsewhere.",
)
ENVIRONMENT: Final = Key(
    "environment",
    ListOf(item=text("the name of an environment variable")),
    (),
    "Variables of the service that the script gets, by name, beside the usual few such as PATH and HOME.",
)
PROGRAM: Final = (EXECUTABLE, EDITION, ENVIRONMENT)
"""The keys that say how a script runs on this machine: they do not go with another host."""
HOST: Final = host_key(
    "The Windows server on which the script runs, over PowerShell remoting; on this machine unless given. Its file stays here."
)


def time_limit(default: timedelta | None, doc: str) -> Key[timedelta | None]:
    """Return the key for how long one call may take."""
    return Key("time-limit", _LIMIT, default, doc)


def keys(language: Language, limit: Key[timedelta | None]) -> tuple[Key[object], ...]:
    """Return the keys of a script in a language."""
    own = (EDITION,) if language is Language.POWERSHELL else ()
    elsewhere = (HOST,) if language is Language.POWERSHELL else ()
    return (SCRIPT, SIGN_IN, limit, *elsewhere, EXECUTABLE, *own, ENVIRONMENT)


def script_options(language: Language, limit: Key[timedelta | None], values: Values, at: Place) -> ScriptOptions:
    """Return the options that the keys describe, and note what does not fit together."""
    host = values[HOST] if language is Language.POWERSHELL else None
    if host is not None:
        refuse_beside_host(values, at, PROGRAM)
    return ScriptOptions(
        language=language,
        path=values[SCRIPT],
        sign_in=values[SIGN_IN],
        time_limit=values[limit],
        executable=values[EXECUTABLE],
        edition=values[EDITION] if language is Language.POWERSHELL else None,
        environment=values[ENVIRONMENT],
        host=host,
    )
