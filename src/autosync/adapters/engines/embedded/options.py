"""The embedded engine's part of the configuration: its rules, where they find Python functions, where it keeps its store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from autosync.adapters.engines.embedded.schema import SCHEMA
from autosync.ports.registry import OptionMistake, Parsed
from autosync.ports.secrets import SecretKind, SecretReference, SecretSource
from autosync.syncengine.connectors.registry import parse_connector
from autosync.syncengine.connectors.settings_reading import SettingsError
from autosync.syncengine.spec.mistakes import SpecError
from autosync.syncengine.spec.parse import parse_spec

_DEFAULT_STORE = "engine.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedOptions:
    """What one embedded engine is built from. ``data`` is the section as written, secrets still as references."""

    data: Mapping[str, object]
    folder: Path
    store: Path
    agents: frozenset[str]


class EmbeddedKind:
    """The engine type ``embedded``."""

    def parse(self, data: Mapping[str, object], folder: Path) -> Parsed:
        """Return the options, with every mistake in the rules and the connectors' settings."""
        mistakes = [*_rules_mistakes(data), *_connector_mistakes(data)]
        store = data.get("store", _DEFAULT_STORE)
        if not isinstance(store, str) or not store:
            mistakes.append(OptionMistake(path=("store",), message="expected the path of a file such as engine.db"))
            store = _DEFAULT_STORE
        options = EmbeddedOptions(
            data=data, folder=folder, store=(folder / store).absolute(), agents=frozenset(map(str, _agents(data)))
        )
        return Parsed(options=options, mistakes=tuple(mistakes))

    def json_schema(self) -> Mapping[str, object]:
        """Return the schema of the section."""
        return SCHEMA

    def agent_names(self, options: object) -> frozenset[str] | None:
        """Return the names of the agents: the section is all there is."""
        assert isinstance(options, EmbeddedOptions)
        return options.agents


def setup_of(options: EmbeddedOptions, secrets: SecretSource) -> dict[str, object]:
    """Return what the worker process needs, secrets in the clear: it goes to the worker's input and nowhere else."""
    return {
        "data": {
            **options.data,
            "agents": {name: _revealed(agent, secrets) for name, agent in _agents(options.data).items()},
        },
        "folder": str(options.folder),
        "store": str(options.store),
    }


def rules_digest(options: EmbeddedOptions) -> str:
    """Return a digest of the Python modules that the rules name: with other functions it is another engine."""
    folder = (options.folder / str(options.data.get("rules", "rules.py"))).parent
    whole = blake2b(digest_size=16)
    for module in sorted(set(_modules(options.data))):
        file = folder.joinpath(*module.split(".")).with_suffix(".py")
        whole.update(module.encode() + b"\0" + (file.read_bytes() if file.is_file() else b"") + b"\0")
    return whole.hexdigest()


def _modules(data: object) -> Iterator[str]:
    """Yield the module of each ``{python: module.function}``."""
    if isinstance(data, Mapping):
        written = data.get("python")
        if isinstance(written, str):
            yield written.rpartition(".")[0]
        yield from _modules(list(data.values()))
    elif isinstance(data, list):
        for each in data:
            yield from _modules(each)


def _rules_mistakes(data: Mapping[str, object]) -> list[OptionMistake]:
    try:
        parse_spec(data)
    except SpecError as error:
        return [OptionMistake(path=mistake.path, message=mistake.message) for mistake in error.mistakes]
    return []


def _connector_mistakes(data: Mapping[str, object]) -> list[OptionMistake]:
    mistakes: list[OptionMistake] = []
    for name, agent in _agents(data).items():
        connector = agent.get("connector") if isinstance(agent, Mapping) else None
        if connector is None:
            mistakes.append(
                OptionMistake(path=("agents", name), message="connector is missing, such as {type: csv, …}")
            )
            continue
        try:
            parse_connector(_masked(connector))
        except SettingsError as error:
            mistakes.extend(
                OptionMistake(path=("agents", name, "connector", *mistake.path), message=mistake.message)
                for mistake in error.mistakes
            )
    return mistakes


def _agents(data: Mapping[str, object]) -> Mapping[str, object]:
    agents = data.get("agents")
    return agents if isinstance(agents, Mapping) else {}


def _reference(value: object) -> SecretReference | None:
    """Return the secret reference that ``value`` is, if it is one: ``{env: NAME}``."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, name),) = value.items()
        if kind in set(SecretKind) and isinstance(name, str):
            return SecretReference(kind=SecretKind(kind), name=name)
    return None


_SECRET_KEYS = frozenset({"password", "url"})


def _masked(connector: object) -> object:
    """Return the settings with something harmless for each secret: their shape can be checked without them."""
    if not isinstance(connector, Mapping):
        return connector
    return {
        key: ("sqlite://" if key == "url" else "***") if key in _SECRET_KEYS and _reference(value) else value
        for key, value in connector.items()
    }


def _revealed(agent: object, secrets: SecretSource) -> object:
    if not isinstance(agent, Mapping) or not isinstance(agent.get("connector"), Mapping):
        return agent
    connector = {}
    for key, value in agent["connector"].items():
        reference = _reference(value) if key in _SECRET_KEYS else None
        connector[key] = secrets.find(str(reference)).reveal() if reference else value
    return {**agent, "connector": connector}
