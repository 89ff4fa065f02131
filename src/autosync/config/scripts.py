"""The ``controller-script`` block of an agent: a user's own code that may keep runs back and hears how they ended."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from autosync.config.service import path
from autosync.config.spec import ControllerScriptSpec
from autosync.model.ids import AgentId
from autosync.model.settings import IfFalse, OnScriptError, ScriptPolicy
from autosync.options.account import account
from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place
from autosync.options.script import Language, ScriptOptions
from autosync.options.script_keys import EDITION, ENVIRONMENT, EXECUTABLE, PROGRAM
from autosync.options.shapes import choice, duration
from autosync.options.windows_host import host_key, refuse_beside_host

_USUAL: Final = ScriptPolicy()
_SUFFIXES: Final = {".ps1": Language.POWERSHELL, ".py": Language.PYTHON}
_NO_PATH: Final[Path | None] = None
_NO_LANGUAGE: Final[Language | None] = None

SIGN_IN: Final = Key(
    "sign-in",
    account("What the script gets as credentials."),
    None,
    "The credentials that the script gets, where it asks for some; it runs as the service itself, or as host: says.",
)
PATH: Final = Key("path", path("a file's path"), _NO_PATH, "The script.", required=True)
LANGUAGE: Final = Key(
    "language", choice(Language), _NO_LANGUAGE, "What it is written in; else its name tells: .ps1, .py."
)
IF_FALSE: Final = Key(
    "if-false",
    choice(IfFalse),
    _USUAL.if_false,
    "What a no of ShouldExecute means. hold: the request waits and the script is asked again each minute. drop: it is gone.",
)
ON_ERROR: Final = Key(
    "on-error",
    choice(OnScriptError),
    _USUAL.on_error,
    "What happens when the script fails or does not answer in time. hold: the run, or what follows from one, waits, and the "
    "script is asked again. run: AutoSync goes on.",
)
TIME_LIMIT: Final = Key(
    "time-limit", duration(timedelta(seconds=1), timedelta(hours=1)), _USUAL.time_limit, "Longest time for one answer."
)
HOST: Final = host_key(
    "The Windows server on which a PowerShell script runs, over PowerShell remoting; on this machine unless given. Its file "
    "stays here."
)
SCRIPT_BLOCK: Final = Block(
    doc="Its controller script: asked before each start, told how each run ended.",
    keys=(PATH, LANGUAGE, IF_FALSE, ON_ERROR, TIME_LIMIT, SIGN_IN, HOST, *PROGRAM),
)


def _build(values: Values, at: Place) -> Values:
    file = values[PATH]
    if file is not None and _language(values) is None:
        at.at(PATH.name).wrong(f"nobody can tell what {file.name} is written in: give language: powershell or python")
    if values[HOST] is not None:
        refuse_beside_host(values, at, PROGRAM)
        if _language(values) is Language.PYTHON:
            at.at(HOST.name).wrong("only a PowerShell script runs on another machine", on_key=True)
    return values


def _language(values: Values) -> Language | None:
    file = values[PATH]
    return values[LANGUAGE] or (_SUFFIXES.get(file.suffix.lower()) if file is not None else None)


SCRIPT: Final = Built(block=SCRIPT_BLOCK, build=_build)


def script_policy(values: Values | None) -> ScriptPolicy | None:
    """Return what the core must know of an agent's script."""
    if values is None:
        return None
    return ScriptPolicy(if_false=values[IF_FALSE], on_error=values[ON_ERROR], time_limit=values[TIME_LIMIT])


def script_spec(agent: AgentId, values: Values) -> ControllerScriptSpec:
    """Return what the script is built from."""
    file, sign_in, language = values[PATH], values[SIGN_IN], _language(values)
    assert file is not None
    assert language is not None
    options = ScriptOptions(
        language=language,
        path=file,
        sign_in=sign_in,
        time_limit=values[TIME_LIMIT],
        executable=values[EXECUTABLE],
        edition=values[EDITION],
        environment=values[ENVIRONMENT],
        host=values[HOST],
    )
    return ControllerScriptSpec(agent=agent, time_limit=values[TIME_LIMIT], script=options)
