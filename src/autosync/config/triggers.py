"""The ``triggers`` of an agent: interval and schedule fire by the clock, which the core decides; adapters watch the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from autosync.config.cron import EXAMPLE, parse_cron
from autosync.config.spec import TriggerSpec
from autosync.config.windows import parse_moment, start_of
from autosync.model.ids import AgentId, PartitionName, ProfileName, TriggerId
from autosync.model.requests import Wanted
from autosync.model.schedules import Cron, Every, Misfire, Period, When
from autosync.model.settings import ScheduleSettings
from autosync.model.steps import Slot
from autosync.options.blocks import Block, Built, Key, Values, refuse_name
from autosync.options.kind import BlockKind
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, choice, duration, flag, maybe, read_text, text, zone
from autosync.options.typed import Typed, TypedBlock
from autosync.options.words import VERY_NEAR, did_you_mean, quoted
from autosync.ports.registry import OptionKind, Registries


@dataclass(frozen=True, slots=True, kw_only=True)
class ByClock:
    """The options of a trigger that fires by the clock. An empty zone is the service's."""

    when: When
    misfire: Misfire = Misfire.ONCE

    def in_zone(self, name: str) -> When:
        """Return when it fires, with ``name`` where it names no zone itself."""
        return self.when if isinstance(self.when, Every) or self.when.zone else replace(self.when, zone=name)


def cron_text() -> Scalar[str]:
    """Return the shape of a cron expression."""
    return Scalar(
        says=f"a cron expression such as {EXAMPLE}",
        schema={"type": "string", "minLength": 9},
        parse=lambda value, _: parse_cron(read_text(value)),
        plain=str,
    )


def _parse_local_time(value: object, _: Place) -> datetime:
    return start_of(parse_moment(read_text(value)))


_CRON: Final = maybe(cron_text())
_START: Final = maybe(
    Scalar(
        says="a local date and time such as 2026-01-31 02:00",
        schema={"type": "string", "minLength": 10},
        parse=_parse_local_time,
        plain=lambda start: start.isoformat(sep=" "),
    )
)
_PERIOD: Final = maybe(duration(timedelta(seconds=1)))
ZONE_OR_SERVICE: Final = maybe(zone())

EVERY: Final = Key(
    "every",
    duration(timedelta(seconds=1)),
    timedelta(0),
    "Fire again and again after this time; the first time after one interval.",
    required=True,
)
CRON: Final = Key(
    "cron",
    _CRON,
    None,
    "Fire at these local times: minute, hour, day, month, weekday; with seconds in front where six.",
)
START: Final = Key("start", _START, None, "Fire at this local time, and every period after it; instead of cron.")
PERIOD: Final = Key(
    "period",
    _PERIOD,
    None,
    "Time between two firings from start on. Whole days keep their local time of day in summer and winter.",
)
TIME_ZONE: Final = Key(
    "time-zone", ZONE_OR_SERVICE, None, "The time zone that its times count in; service: time-zone unless given."
)
MISFIRE: Final = Key(
    "misfire",
    choice(Misfire),
    Misfire.ONCE,
    "What to do about times that passed while the service was down: once makes up for all of them, skip waits for the next.",
)


def _schedule(values: Values, _: Place) -> ByClock:
    cron, start, period, zone_name = values[CRON], values[START], values[PERIOD], values[TIME_ZONE] or ""
    misfire = values[MISFIRE]
    if values.has(CRON) == values.has(START):
        raise Wrong('a schedule needs either cron ("0 2 * * sat"), or start and period')
    if cron is not None:
        if values.has(PERIOD):
            raise Wrong("period belongs to start; a cron expression says itself when it fires again")
        return ByClock(when=Cron(expression=cron, zone=zone_name), misfire=misfire)
    if not values.has(PERIOD):
        raise Wrong("period is missing: the time between two firings, such as 1d")
    return ByClock(
        when=Period(start=start or datetime.min, period=period or timedelta(days=1), zone=zone_name),  # noqa: DTZ901 - local
        misfire=misfire,
    )


CLOCK_KINDS: Final[Mapping[str, OptionKind]] = {
    "interval": BlockKind(
        shape=Built(
            block=Block(doc="Fires again and again.", keys=(EVERY, MISFIRE)),
            build=lambda values, _: ByClock(when=Every(interval=values[EVERY]), misfire=values[MISFIRE]),
        )
    ),
    "schedule": BlockKind(
        shape=Built(
            block=Block(doc="Fires at local times.", keys=(CRON, START, PERIOD, TIME_ZONE, MISFIRE)), build=_schedule
        )
    ),
}


def trigger_kinds(registries: Registries) -> Mapping[str, OptionKind]:
    """Return every kind of trigger."""
    return {**CLOCK_KINDS, **registries.triggers}


def _parse_name(value: object, _: Place) -> str:
    name = read_text(value)
    refuse_name(name, "a trigger", "#")
    return name


def _parse_run(value: object, at: Place) -> Slot | ProfileName:
    if isinstance(value, dict) and set(value) == {"profile"}:
        return ProfileName(read_text(value["profile"]))
    word = read_text(value)
    if word in set(Slot):
        return Slot(word)
    if near := did_you_mean(word, list(Slot), likeness=VERY_NEAR):
        at.warn(f"{quoted(word)} is taken as the name of a run profile{near}")
    return ProfileName(word)


def _plain_run(run: Slot | ProfileName) -> object:
    return str(run)


_RUN: Final = maybe(
    Scalar(
        says=f"one of {', '.join(Slot)}; or the name of a run profile",
        schema={
            "anyOf": [
                {"enum": [str(slot) for slot in Slot]},
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {
                        "profile": {"type": "string", "description": "A run profile by name, whatever it is."}
                    },
                    "required": ["profile"],
                    "additionalProperties": False,
                },
            ]
        },
        parse=_parse_run,
        plain=_plain_run,
    )
)

_TEXT: Final = maybe(text())
_NAME: Final = maybe(
    Scalar(says="text without #", schema={"type": "string", "pattern": "^[^#]+$"}, parse=_parse_name, plain=str)
)

NAME: Final = Key(
    "name",
    _NAME,
    None,
    "Its name; its type unless given, with a number from the second of a type on. Tokens are kept by it.",
)
RUN: Final = Key(
    "run", _RUN, None, "What to run: scheduled-import for interval and schedule, delta-import for others unless given."
)
PARTITION: Final = Key("partition", _TEXT, None, "The partition to run it on; all of the agent's unless given.")
EXCLUSIVE: Final = Key("exclusive", flag(), False, "Whether the run must be alone in its engine.")
FRONT: Final = Key("front", flag(), False, "Whether the run goes before others that wait.")
ENABLED: Final = Key("enabled", flag(), True, "Whether it fires at all.")

TRIGGER: Final[TypedBlock[OptionKind]] = TypedBlock(
    common=Block(doc="One trigger.", keys=(NAME, RUN, PARTITION, EXCLUSIVE, FRONT, ENABLED)),
    what="trigger",
    kinds=trigger_kinds,
    type_doc="What it watches: interval and schedule fire by the clock.",
)


def trigger_names(triggers: tuple[Typed[OptionKind], ...]) -> tuple[str, ...]:
    """Return the names, those that are not given made from the type; note every name that is given twice."""
    counts: dict[str, int] = {}
    names: list[str] = []
    for typed in triggers:
        counts[typed.type] = counts.get(typed.type, 0) + 1
        usual = typed.type if counts[typed.type] == 1 else f"{typed.type}-{counts[typed.type]}"
        name = typed.values[NAME] or usual
        here = typed.at.at(NAME.name) if typed.values[NAME] else typed.at
        if name and name in names:
            here.wrong(f"another trigger of this agent has the name {quoted(name)}; give name: to one of them")
        names.append(name)
    return tuple(names)


def schedule_settings(agent: AgentId, name: str, typed: Typed[OptionKind], zone_name: str) -> ScheduleSettings:
    """Return the settings of a trigger that fires by the clock."""
    options, values = typed.options, typed.values
    assert isinstance(options, ByClock)
    partition = values[PARTITION]
    return ScheduleSettings(
        id=TriggerId(f"{agent}#{name}"),
        agent=agent,
        when=options.in_zone(zone_name),
        run=values[RUN] or Slot.SCHEDULED_IMPORT,
        partition=PartitionName(partition) if partition else None,
        exclusive=values[EXCLUSIVE],
        front=values[FRONT],
        enabled=values[ENABLED],
        misfire=options.misfire,
    )


def trigger_spec(agent: AgentId, name: str, typed: Typed[OptionKind]) -> TriggerSpec:
    """Return the specification of a trigger that an adapter watches."""
    values = typed.values
    run, partition = values[RUN] or Slot.DELTA_IMPORT, values[PARTITION]
    wanted = Wanted(
        agent=agent,
        slot=run if isinstance(run, Slot) else None,
        profile=None if isinstance(run, Slot) else run,
        partition=PartitionName(partition) if partition else None,
        exclusive=values[EXCLUSIVE],
        front=values[FRONT],
    )
    return TriggerSpec(
        id=TriggerId(f"{agent}#{name}"),
        agent=agent,
        type=typed.type,
        options=typed.options,
        data=typed.data,
        wanted=wanted,
        enabled=values[ENABLED],
    )
