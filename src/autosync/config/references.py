"""Whether names that stand in one place of the file exist in another: agents of engines, agents of agents, in exclusions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autosync.config.agents import LOCK_WITH, WAKES
from autosync.config.exclusions import AGENTS as HELD_AGENTS
from autosync.config.exclusions import ALL
from autosync.config.mistakes import Path
from autosync.config.spec import EngineSpec
from autosync.options.blocks import Values
from autosync.options.reading import Place
from autosync.options.words import VERY_NEAR, did_you_mean, nearest, or_known, quoted


@dataclass(frozen=True, slots=True)
class _Known:
    """What can be named. Agents of an engine that is missing here, or has None, cannot be checked."""

    engines: frozenset[str]
    agents: Mapping[str, frozenset[str] | None]
    named: frozenset[str]

    def trouble(self, agent: str) -> str | None:
        """Return why ``agent`` cannot be, or None."""
        engine, _, name = agent.partition("/")
        if engine not in self.engines:
            return f"no such engine: {quoted(engine)}{or_known(engine, self.engines, 'known')}"
        names = self.agents.get(engine)
        if names is None or name in names:
            return None
        near = nearest(name, names)
        hint = f'did you mean "{engine}/{near}"?' if near else f"known: {', '.join(sorted(names)) or 'none'}"
        return f"no such agent on {engine} ({hint})"

    def doubt(self, agent: str) -> str | None:
        """Return what is probably meant instead of an agent that only its engine knows, or None."""
        engine, _, _ = agent.partition("/")
        if agent in self.named or self.agents.get(engine) is not None:
            return None
        near = did_you_mean(agent, self.named, likeness=VERY_NEAR, quote=True)
        return f"{quoted(agent)} is not named under agents{near}" if near else None


def check_references(
    data: Mapping[str, object],
    engine_names: Iterable[str],
    engines: Sequence[EngineSpec],
    agents: Mapping[str, Values],
    at: Place,
) -> None:
    """Note every name of an agent or engine that does not exist, with the nearest that does."""
    known = _Known(
        engines=frozenset(engine_names),
        agents={engine.name: engine.agents for engine in engines},
        named=frozenset(agents),
    )
    for agent in agents:
        if trouble := known.trouble(agent):
            at.at("agents", agent).wrong(trouble, on_key=True)
    for path, mention, itself in _mentions(agents):
        _check_mention(known, mention, itself, _inside(data, path, at))
    for path, mention in _held(data):
        if mention not in known.engines and mention != ALL and (trouble := known.trouble(mention)):
            _inside(data, path, at).wrong(f"{quoted(mention)}: {trouble}")


def _check_mention(known: _Known, mention: str, itself: str, at: Place) -> None:
    if mention == itself:
        at.wrong("an agent cannot be named beside itself")
    elif trouble := known.trouble(mention):
        at.wrong(f"{quoted(mention)}: {trouble}")
    elif doubt := known.doubt(mention):
        at.warn(doubt)


def _mentions(agents: Mapping[str, Values]) -> Iterator[tuple[Path, str, str]]:
    for agent, values in agents.items():
        for key in (LOCK_WITH, WAKES):
            for number, mention in enumerate(values[key]):
                yield ("agents", agent, key.name, number), mention, agent


def _held(data: Mapping[str, object]) -> Iterator[tuple[Path, str]]:
    exclusions = data.get("exclusions")
    for place, exclusion in enumerate(exclusions if isinstance(exclusions, list) else []):
        agents = exclusion.get(HELD_AGENTS.name) if isinstance(exclusion, dict) else None
        for number, mention in enumerate(agents if isinstance(agents, list) else [agents]):
            if isinstance(mention, str):
                yield ("exclusions", place, HELD_AGENTS.name, number), mention


def _inside(data: object, path: Path, at: Place) -> Place:
    """Return the place of ``path``, without a last place in a list where a single item stands without its list."""
    for key in path[:-1]:
        data = data[key] if isinstance(data, (dict, list)) else None  # type: ignore[index]
    return at.at(*path) if isinstance(data, list) else at.at(*path[:-1])
