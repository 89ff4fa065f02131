"""From a file to a configuration, or to every mistake in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autosync.config.document import Document, read_document
from autosync.config.file import read_file
from autosync.config.literal_secrets import literal_secrets
from autosync.config.mistakes import Mistake, in_order, report
from autosync.config.mistakes import Path as DataPath
from autosync.config.spec import Configuration
from autosync.model.errors import ConfigError
from autosync.options.reading import MOST_MISTAKES, Context, Enough, Finding, Place
from autosync.ports.registry import Registries

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What became of a file. Without mistakes there is a configuration."""

    text: str
    """The file as it is, without a byte order mark: what a revision stores. Secrets are references in it."""
    document: Document
    configuration: Configuration | None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()

    def required(self) -> Configuration:
        """Return the configuration; raise ``ConfigError`` with all mistakes, one a line."""
        if self.configuration is None:
            raise ConfigError(report(self.mistakes))
        return self.configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a text comes from: how it is called in messages, and where its relative paths start."""

    name: str
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def load(path: Path, registries: Registries, environment: Mapping[str, str]) -> Loaded:
    """Read and validate a file. Mistakes are in the result; raises ``ConfigError`` only when there is no file to read.

    ``environment`` is looked at for names alone: a secret that stands in no variable yet is worth a warning.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; name it with --config, or begin with one of docs/") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    source = Source(name=str(path), folder=path.absolute().parent, environment=environment)
    return load_text(content, source, registries)


def load_text(content: bytes, source: Source, registries: Registries) -> Loaded:
    """Validate the bytes of a file. Never raises."""
    document = read_document(content, source.name)
    text = content.decode("utf-8", errors="replace").removeprefix("\ufeff")
    if document.root is None:
        return Loaded(text=text, document=document, configuration=None, mistakes=document.mistakes)
    place = Place(Context(folder=source.folder, registries=registries, environment=source.environment))
    configuration = _read(document.data, place)
    found = [
        (document.mistake(finding.path, finding.message, on_key=finding.on_key), finding.warning)
        for finding in place.findings.found
    ]
    mistakes = in_order([*document.mistakes, *(mistake for mistake, warning in found if not warning)])
    return Loaded(
        text=text,
        document=document,
        configuration=None if mistakes else configuration,
        mistakes=mistakes,
        warnings=in_order(mistake for mistake, warning in found if warning),
    )


def _read(data: object, place: Place) -> Configuration | None:
    try:
        for path, message in literal_secrets(data):
            place.at(*path).wrong(message)
        configuration = read_file(data, place)
        for path, name in _variables(data, ()):
            if name not in place.context.environment:
                place.at(*path).warn(f"the environment variable {name} is not set here; the service needs it")
    except Enough:
        # The last of them told nothing new to anybody, so its place in the list may go to this.
        last = place.findings.found[-1]
        message = f"more than {MOST_MISTAKES} mistakes; the rest is not read"
        place.findings.found[-1] = Finding(path=last.path, message=message, on_key=last.on_key)
        return None
    return configuration


def _variables(data: object, path: DataPath) -> Iterator[tuple[DataPath, str]]:
    """Yield every ``{env: NAME}`` with its path."""
    if isinstance(data, dict):
        name = data.get("env")
        if len(data) == 1 and isinstance(name, str) and _VARIABLE.fullmatch(name):
            yield (*path, "env"), name
        for key, value in data.items():
            yield from _variables(value, (*path, key))
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from _variables(value, (*path, place))
