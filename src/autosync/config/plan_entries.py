"""A configuration taken apart into comparable entries, each with the rule that says when its change weakens a guard."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final

from autosync.config.limits import say_limit
from autosync.config.mistakes import SEPARATOR
from autosync.config.saying import say_exclusion, say_when
from autosync.config.spec import Configuration, EngineSpec, TriggerSpec
from autosync.model.counts import ChangeKind
from autosync.model.ids import AgentId, EngineName
from autosync.model.settings import AgentSettings, Limit, OnScriptError, RunMode, ScheduleSettings, Thresholds
from autosync.model.wording import number
from autosync.options.durations import format_duration

Weaker = Callable[[Any, Any], bool]

_LONGEST_TEXT: Final = 120
_STRICTEST_FIRST: Final = (RunMode.EXCLUSIVE, RunMode.SUPPORTED, RunMode.UNSUPPORTED)


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What changes: ``agent mim/HR``."""

    kind: str
    name: str = ""

    @property
    def is_guard(self) -> bool:
        """Return whether the whole thing is a guard: taking it away, or changing it, may let more pass."""
        return self.kind == "exclusion"

    def __str__(self) -> str:
        """Return kind and name."""
        return f"{self.kind} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class Entry:
    """One comparable value. ``weaker`` of the old and the new value, where the key is a guard."""

    value: object
    text: str
    weaker: Weaker | None = None


def entries(configuration: Configuration, *, beside: Configuration) -> dict[Subject, dict[str, Entry]]:
    """Return everything that can change. Agents that only ``beside`` names are there with their defaults."""
    settings, service = configuration.settings, configuration.service
    named = {*settings.agents, *beside.settings.agents}
    taken: dict[Subject, dict[str, Entry]] = {
        Subject("service"): _plain(service, {"no-export": _turned_off}),
        **{Subject("engine", engine.name): _engine(engine) for engine in configuration.engines},
        **{Subject("agent", name): _agent(settings.agent(name)) | _script(configuration, name) for name in named},
        **{Subject("trigger", each.id): _schedule(each) for each in settings.schedules.values()},
        **{Subject("trigger", each.id): _trigger(each) for each in configuration.triggers},
        **{Subject("channel", each.name): _data(each.data, each.type) for each in configuration.notify.channels},
    }
    for exclusion in settings.exclusions:
        keys = taken.setdefault(Subject("exclusion", exclusion.name), {})
        keys[f"window {len(keys) + 1}"] = Entry(exclusion, say_exclusion(exclusion))
    if configuration.notify.routes:
        taken[Subject("routes")] = {
            "all": Entry(configuration.notify.routes, number(len(configuration.notify.routes), "route"))
        }
    return taken


def rebuilt(old: Configuration, new: Configuration) -> frozenset[EngineName]:
    """Return the engines that come, go, or have other options."""
    before = {engine.name: (engine.type, engine.options, engine.data) for engine in old.engines}
    after = {engine.name: (engine.type, engine.options, engine.data) for engine in new.engines}
    return frozenset(name for name in {*before, *after} if before.get(name) != after.get(name))


def _engine(engine: EngineSpec) -> dict[str, Entry]:
    rules: dict[str, Weaker] = {
        "run-mode": lambda old, new: _STRICTEST_FIRST.index(new) > _STRICTEST_FIRST.index(old),
        "mim-service-export-is-sync": _turned_off,
        "shadow": _turned_off,
    }
    history = {"keep-run-history": Entry(engine.keep_run_history, _text(engine.keep_run_history))}
    return _plain(engine.settings, rules) | history | _data(engine.data, engine.type)


def _agent(agent: AgentSettings) -> dict[str, Entry]:
    taken = _plain(
        agent, {"lock-with": lambda old, new: bool(old - new)}, without=("guards", "retry", "breaker", "script")
    )
    guards = agent.guards
    for name, thresholds in (("staged", guards.staged), ("exports", guards.exports)):
        taken |= {f"guards{SEPARATOR}{name}{SEPARATOR}{key}": entry for key, entry in _thresholds(thresholds)}
    never = guards.flapping_after is None
    taken[f"guards{SEPARATOR}flapping-after"] = Entry(
        guards.flapping_after, "never" if never else str(guards.flapping_after), _number_raised
    )
    taken[f"guards{SEPARATOR}allow-combined"] = Entry(guards.allow_combined, _text(guards.allow_combined), _turned_on)
    rules: dict[str, Weaker] = {"failures": _number_raised, "rest": lambda old, new: new < old}
    taken |= {f"breaker{SEPARATOR}{key}": entry for key, entry in _plain(agent.breaker, rules).items()}
    return taken | {f"retry{SEPARATOR}{key}": entry for key, entry in _plain(agent.retry, {}).items()}


def _script(configuration: Configuration, agent: AgentId) -> dict[str, Entry]:
    """Return what can change about an agent's controller script; taking it away lets everything pass."""
    spec = next((each for each in configuration.scripts if each.agent == agent), None)
    policy = configuration.settings.agent(agent).script
    taken = {"controller-script": Entry(spec is not None, _text(spec is not None), _turned_off)}
    if spec is None or policy is None:
        return taken
    rules: dict[str, Weaker] = {"on-error": lambda _, new: new is OnScriptError.RUN}
    found = _plain(policy, rules) | _plain(spec.script, {}, without=("time_limit",))
    return taken | {f"controller-script{SEPARATOR}{key}": entry for key, entry in found.items()}


def _thresholds(thresholds: Thresholds) -> Iterator[tuple[str, Entry]]:
    for kind in ChangeKind:
        limit = thresholds.kinds.get(kind)
        yield kind.value, Entry(limit, say_limit(limit), limit_raised)
    yield "changes", Entry(thresholds.total, say_limit(thresholds.total), limit_raised)
    yield "emptied", Entry(thresholds.emptied, _text(thresholds.emptied), _turned_off)


def _schedule(schedule: ScheduleSettings) -> dict[str, Entry]:
    return _plain(schedule, {}, without=("agent", "when")) | {"when": Entry(schedule.when, say_when(schedule.when))}


def _trigger(trigger: TriggerSpec) -> dict[str, Entry]:
    return (
        _plain(trigger.wanted, {}, without=("agent",))
        | _data(trigger.data, trigger.type)
        | {"enabled": Entry(trigger.enabled, _text(trigger.enabled))}
    )


def _plain(value: Any, rules: Mapping[str, Weaker], without: tuple[str, ...] = ()) -> dict[str, Entry]:
    """Return the fields of a dataclass under the names of the file."""
    names = (each.name for each in fields(value) if each.name not in {*without, "name", "id"})
    found = ((name.replace("_", "-"), getattr(value, name)) for name in names)
    return {name: Entry(each, _text(each), rules.get(name)) for name, each in found}


def _data(data: Mapping[str, object], type_name: str) -> dict[str, Entry]:
    return {"type": Entry(type_name, type_name)} | dict(_leaves(data, ""))


def _leaves(data: object, path: str) -> Iterator[tuple[str, Entry]]:
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield from _leaves(value, f"{path}{SEPARATOR}{key}" if path else str(key))
    elif path:
        yield path, Entry(data, _text(data))


def limit_raised(old: Limit | None, new: Limit | None) -> bool:
    """Return whether the new limit lets something pass that the old one held."""
    if old is None or new is None:
        return old is not None
    if any(_number_raised(getattr(old, name), getattr(new, name)) for name in ("absolute", "percent")):
        return True
    return old.percent is not None and new.minimum > old.minimum


def _number_raised(old: float | None, new: float | None) -> bool:
    return old is not None and (new is None or new > old)


def _turned_off(old: bool, new: bool) -> bool:  # noqa: FBT001 - two values of one key
    return old and not new


def _turned_on(old: bool, new: bool) -> bool:  # noqa: FBT001 - two values of one key
    return new and not old


def _text(value: object) -> str:
    match value:
        case timedelta():
            said = format_duration(value)
        case None:
            said = "nothing"
        case bool():
            said = "true" if value else "false"
        case frozenset():
            said = ", ".join(sorted(str(each) for each in value)) or "nothing"
        case dict() | list():
            said = json.dumps(value, ensure_ascii=False, default=str)
        case _:
            said = str(value)
    return said if len(said) <= _LONGEST_TEXT else said[: _LONGEST_TEXT - 1] + "…"
