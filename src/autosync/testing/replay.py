"""Plays the scenario of a seed again and tells everything: ``python -m autosync.testing.replay SEED``."""

import argparse
import sys

from autosync.testing.clock import EPOCH
from autosync.testing.play import play
from autosync.testing.scenario import draw
from autosync.testing.world import World


def main(words: list[str] | None = None) -> int:
    """Play, print the facts and what was wrong, and return how the process should end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--hours", type=float, default=4.0, help="how long causes come")
    parser.add_argument("--changes", type=int, default=30, help="how many changes come meanwhile")
    parser.add_argument("--dies-at", type=int, help="kill the first life at this moment")
    parser.add_argument("--quiet", action="store_true", help="only what is wrong")
    asked = parser.parse_args(words)
    scenario = draw(asked.seed, hours=asked.hours, changes=asked.changes)
    report = play(scenario, dies_at=asked.dies_at, tell=None if asked.quiet else _tell)
    sys.stdout.write(f"{report.hours:.1f} h, {report.lives} lives, {report.starts} runs, {report.states} states\n")
    sys.stdout.writelines(f"wrong: {wrong}\n" for wrong in report.wrong)
    return 1 if report.wrong else 0


def _tell(world: World) -> None:
    for stored in world.store.told:
        fact = stored.fact
        seconds = (fact.at - EPOCH).total_seconds()
        about = fact.agent or fact.engine or fact.trigger or ""
        sys.stdout.write(f"{seconds:>12.3f} {fact.kind.value:<20} {about:<14} {fact.text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
