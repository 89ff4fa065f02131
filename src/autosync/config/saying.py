"""Schedules and windows in the words in which they are written."""

from datetime import time

from autosync.config.windows import SHORT_DAYS
from autosync.model.schedules import Cron, CronWindow, Dates, Every, Exclusion, Period, Weekly, When, Window
from autosync.options.durations import format_duration


def say_when(when: When) -> str:
    """Return when a schedule fires: ``cron 0 2 * * sat (Europe/Brussels)``."""
    match when:
        case Every():
            return f"every {format_duration(when.interval)}"
        case Cron():
            return f"cron {when.expression} ({when.zone})"
        case Period():
            return f"every {format_duration(when.period)} from {when.start:%Y-%m-%d %H:%M:%S} ({when.zone})"


def say_window(window: Window) -> str:
    """Return a window of time: ``Sun 02:00-05:00``."""
    match window:
        case Weekly():
            days = ",".join(SHORT_DAYS[day].title() for day in sorted(window.weekdays))
            until = "24:00" if window.until == time(0) else f"{window.until:%H:%M}"
            return f"{days} {window.begins:%H:%M}-{until}"
        case Dates():
            return f"{window.first} until {window.until}"
        case CronWindow():
            return f"cron {window.opens.expression} for {format_duration(window.lasts)}"


def say_exclusion(exclusion: Exclusion) -> str:
    """Return window, zone, and whom it holds."""
    agents = "all" if exclusion.agents is None else ", ".join(sorted(exclusion.agents))
    only = f", only {', '.join(sorted(exclusion.only))}" if exclusion.only else ""
    return f"{say_window(exclusion.window)} ({exclusion.zone}) for {agents}{only}"
