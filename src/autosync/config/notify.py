"""The ``notify`` block: channels by name, and routes that say which facts go to which of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from autosync.config.spec import ChannelSpec, NotifySpec, RouteSpec
from autosync.model.facts import FactKind, Severity
from autosync.options.blocks import Block, Key, ListOf, NamesBeside, NamesOf, Values, refuse_name
from autosync.options.reading import Place, Wrong
from autosync.options.shapes import Scalar, flag, read_text, text
from autosync.options.typed import Typed, TypedBlock
from autosync.options.words import did_you_mean, or_known, quoted
from autosync.ports.registry import OptionKind

_CHANNELS: Final[tuple[str, ...]] = ()

GROUPS: Final[Mapping[str, frozenset[FactKind]]] = {
    "hold": frozenset({FactKind.HOLD_OPENED}),
    "engine": frozenset({FactKind.ENGINE_LOST, FactKind.ENGINE_CONNECTED}),
    "trigger": frozenset({FactKind.TRIGGER_FAILED, FactKind.TRIGGER_RECOVERED}),
    "breaker": frozenset({FactKind.BREAKER_OPENED, FactKind.BREAKER_CLOSED}),
}
"""Words for facts that belong together."""
WORDS: Final = (*GROUPS, *Severity, *FactKind)


@dataclass(frozen=True, slots=True)
class Told:
    """What one word of ``when`` stands for."""

    kinds: frozenset[FactKind] = frozenset()
    severity: Severity | None = None


def _parse_when(value: object, _: Place) -> Told:
    word = read_text(value)
    if word in GROUPS:
        return Told(kinds=GROUPS[word])
    if word in set(Severity):
        return Told(severity=Severity(word))
    if word in set(FactKind):
        return Told(kinds=frozenset({FactKind(word)}))
    near = did_you_mean(word, WORDS) or f" (known: {', '.join([*GROUPS, *Severity])}, or a fact such as run-ended)"
    raise Wrong(f"{quoted(word)} is nothing that can be told{near}")


_WHEN: Final[Scalar[Told]] = Scalar(
    says=f"{', '.join(GROUPS)}; a severity ({', '.join(Severity)}) and all above; or any fact, such as run-ended",
    schema={"enum": [str(word) for word in WORDS]},
    parse=_parse_when,
    plain=str,
)

WHEN: Final = Key("when", ListOf(item=_WHEN, one_alone=True), (), "What is told.", required=True)
TO: Final = Key(
    "to", ListOf(item=text("a channel's name"), one_alone=True), _CHANNELS, "Channels to tell it on.", required=True
)
URGENT: Final = Key("urgent", flag(), False, "Whether it goes out at once and as urgent, where the channel can.")

CHANNEL: Final[TypedBlock[OptionKind]] = TypedBlock(
    common=Block(doc="One channel.", keys=()),
    what="channel",
    kinds=lambda registries: registries.channels,
    type_doc="What kind of channel it is; the channel's name unless given.",
    name_is_type=True,
)
ROUTE: Final = Block(doc="Which facts go to which channels.", keys=(WHEN, TO, URGENT))
_NO_ROUTES: Final[tuple[Values, ...]] = ()
ROUTES: Final = Key("routes", ListOf(item=ROUTE), _NO_ROUTES, "Which facts go to which channels.")


def _check_name(name: str) -> None:
    refuse_name(name, "a channel", "/#")


CHANNELS: Final = NamesOf(item=CHANNEL, name="channel", check=_check_name)


def _build(values: Values, typed: dict[str, Typed[OptionKind]], at: Place) -> NotifySpec:
    routes = values[ROUTES]
    for place, route in enumerate(routes):
        for name in route[TO]:
            if name not in typed:
                at.at(ROUTES.name, place, TO.name).wrong(
                    f"{quoted(name)} is no channel{or_known(name, list(typed), 'known')}"
                )
    return NotifySpec(
        channels=tuple(_channel(name, each) for name, each in typed.items()),
        routes=tuple(_route(route) for route in routes),
    )


def _channel(name: str, typed: Typed[OptionKind]) -> ChannelSpec:
    return ChannelSpec(name=name, type=typed.type, options=typed.options, data=typed.data)


def _route(values: Values) -> RouteSpec:
    told: tuple[Told, ...] = values[WHEN]
    severities = [each.severity for each in told if each.severity is not None]
    return RouteSpec(
        kinds=frozenset(kind for each in told for kind in each.kinds),
        severity=min(severities, key=list(Severity).index, default=None),
        channels=values[TO],
        urgent=values[URGENT],
    )


NOTIFY: Final = NamesBeside(
    block=Block(doc="Who is told what: channels by name, and routes.", keys=(ROUTES,)), names=CHANNELS, build=_build
)
