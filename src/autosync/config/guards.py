"""The blocks of an agent that keep harm away: ``guards``, ``retry`` and ``breaker``."""

from datetime import timedelta
from typing import Final

from autosync.config.limits import limit
from autosync.model.counts import ChangeKind
from autosync.model.settings import DEFAULT_DELETES, BreakerPolicy, Guards, Limit, RetryPolicy, Thresholds
from autosync.options.blocks import Block, Built, Key, Values
from autosync.options.reading import Place
from autosync.options.shapes import duration, flag, fraction, maybe, whole

_NO_LIMIT: Final[Limit | None] = None
_USUAL: Final = RetryPolicy()
_REPEATS: Final = maybe(whole(2, 1000), none="never")

KINDS: Final = {
    kind: Key(
        kind.value,
        limit(),
        DEFAULT_DELETES if kind is ChangeKind.DELETES else _NO_LIMIT,
        f"Most {kind.value} at once; more are held until a person decides.",
        unit="changes, or percent of the connector space",
    )
    for kind in ChangeKind
}
CHANGES: Final = Key(
    "changes",
    limit(),
    _NO_LIMIT,
    "Most changes of all kinds together.",
    unit="changes, or percent of the connector space",
)
EMPTIED: Final = Key(
    "emptied",
    flag(),
    True,
    "Also hold when half or more of a connector space with at least three objects would be deleted.",
)


def _thresholds(values: Values, _: Place) -> Thresholds:
    limits = {kind: values[key] for kind, key in KINDS.items()}
    return Thresholds(
        kinds={kind: each for kind, each in limits.items() if each is not None},
        total=values[CHANGES],
        emptied=values[EMPTIED],
    )


STAGED: Final = Key(
    "staged",
    Built(
        block=Block(doc="Limits of an import's staged changes.", keys=(*KINDS.values(), CHANGES, EMPTIED)),
        build=_thresholds,
    ),
    Guards().staged,
    "Limits of staged changes: looked at after an import, before they are synchronized.",
)
EXPORTS: Final = Key(
    "exports",
    Built(block=Block(doc="Limits of pending exports.", keys=(*KINDS.values(), CHANGES, EMPTIED)), build=_thresholds),
    Guards().exports,
    "Limits of pending exports: looked at before they are exported.",
)
FLAPPING_AFTER: Final = Key(
    "flapping-after",
    _REPEATS,
    Guards().flapping_after,
    "How many equal exports in a row, without a cause from outside, count as flapping and are stopped.",
    unit="exports",
)
ALLOW_COMBINED: Final = Key(
    "allow-combined",
    flag(),
    False,
    "Where limits of staged changes are set: whether a run may import and synchronize in one go, past these limits.",
)
GUARDS: Final = Built(
    block=Block(
        doc="What holds an agent's runs until a person decides.", keys=(STAGED, EXPORTS, FLAPPING_AFTER, ALLOW_COMBINED)
    ),
    build=lambda values, _: Guards(
        staged=values[STAGED],
        exports=values[EXPORTS],
        flapping_after=values[FLAPPING_AFTER],
        allow_combined=values[ALLOW_COMBINED],
    ),
)

ATTEMPTS: Final = Key("attempts", whole(1, 100), _USUAL.attempts, "Most tries, the first included.", unit="tries")
FIRST_DELAY: Final = Key(
    "first-delay", duration(timedelta(milliseconds=100)), _USUAL.first_delay, "Wait before the second try."
)
FACTOR: Final = Key("factor", fraction(1, 10), _USUAL.factor, "Each wait is longer than the last by it.", unit="times")
LONGEST_DELAY: Final = Key(
    "longest-delay", duration(timedelta(milliseconds=100)), _USUAL.longest_delay, "No wait is longer."
)
JITTER: Final = Key(
    "jitter",
    fraction(0, 0.9),
    _USUAL.jitter,
    "By how much each wait varies by chance.",
    unit="share of the wait, 0 to 0.9",
)


def _retry(values: Values, at: Place) -> RetryPolicy:
    if values[FIRST_DELAY] > values[LONGEST_DELAY]:
        at.at(FIRST_DELAY.name if values.has(FIRST_DELAY) else LONGEST_DELAY.name).wrong(
            "first-delay is longer than longest-delay"
        )
    return RetryPolicy(
        attempts=values[ATTEMPTS],
        first_delay=values[FIRST_DELAY],
        factor=values[FACTOR],
        longest_delay=values[LONGEST_DELAY],
        jitter=values[JITTER],
    )


RETRY: Final = Built(
    block=Block(
        doc="How a run that the world stopped is tried again.",
        keys=(ATTEMPTS, FIRST_DELAY, FACTOR, LONGEST_DELAY, JITTER),
    ),
    build=_retry,
)

FAILURES: Final = Key(
    "failures", whole(1, 1000), BreakerPolicy().failures, "Failures in a row that make the agent rest.", unit="failures"
)
REST: Final = Key(
    "rest", duration(timedelta(seconds=1)), BreakerPolicy().rest, "How long it rests before one more try."
)
BREAKER: Final = Built(
    block=Block(doc="When an agent that fails again and again rests.", keys=(FAILURES, REST)),
    build=lambda values, _: BreakerPolicy(failures=values[FAILURES], rest=values[REST]),
)
