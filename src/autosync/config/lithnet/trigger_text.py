"""The triggers of an agent, as they are written now."""

from datetime import timedelta
from typing import Final

from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.passwords import Passwords
from autosync.config.lithnet.predecessor import LithnetTrigger, TriggerKind
from autosync.config.lithnet.times import local_start, moment_text
from autosync.config.yaml_text import Lines, Plain, flow
from autosync.options.durations import format_duration

_LEAST: Final = timedelta(seconds=1)
_LOGON: Final = ("lastLogon", "lastLogonTimestamp", "logonCount", "badPwdCount", "badPasswordTime")


class TriggerWriter:
    """Writes triggers into the lines of a configuration, and notes what became of each setting."""

    def __init__(self, lines: Lines, notes: Notes, passwords: Passwords, zone: str) -> None:
        self._lines = lines
        self._notes = notes
        self._passwords = passwords
        self._zone = zone

    def write(self, agent: str, trigger: LithnetTrigger) -> None:
        """Write one trigger; one that cannot work is written as a comment."""
        entry, fault = self._entry(agent, trigger)
        if trigger.disabled:
            entry["enabled"] = False
        if fault:
            self._lines.comment(3, f"- {flow(entry)}  # {fault}")
            self._notes.look(
                trigger.where, f"{fault}; the predecessor ignored it with a line in its log: it is a comment now"
            )
            return
        self._lines.item(3, entry)
        state = ", disabled as it was" if trigger.disabled else ""
        self._notes.taken(trigger.where, f"{trigger.kind.value} as {entry['type']}{state}")

    def _entry(self, agent: str, trigger: LithnetTrigger) -> tuple[dict[str, Plain], str]:
        """Return what is written, and why it cannot work, where it cannot."""
        match trigger.kind:
            case TriggerKind.ACTIVE_DIRECTORY:
                return self._directory(agent, trigger), ""
            case TriggerKind.MIM_SERVICE:
                return self._mim_service(trigger), ""
            case TriggerKind.INTERVAL | TriggerKind.SCHEDULED:
                return self._by_clock(trigger)
            case TriggerKind.POWERSHELL:
                return self._powershell(agent, trigger)

    def _directory(self, agent: str, trigger: LithnetTrigger) -> dict[str, Plain]:
        entry: dict[str, Plain] = {"type": "active-directory"}
        if trigger.host:
            entry["domain-controllers"] = [trigger.host]
        if trigger.base_dn:
            entry |= {"base": trigger.base_dn, "partition": trigger.base_dn}
        if trigger.object_classes:
            entry["object-classes"] = list(trigger.object_classes)
        if trigger.last_logon_offset > timedelta(0):
            entry["ignore-attributes"] = list(_LOGON)
        if trigger.profile:
            entry["run"] = {"profile": trigger.profile}
        entry |= self._sign_in(agent, trigger)
        self._note_directory(trigger)
        return entry

    def _note_directory(self, trigger: LithnetTrigger) -> None:
        note, where = self._notes, trigger.where
        if trigger.object_classes is None:
            note.look(where, "it had no object classes and so never fired; now every class fires: name object-classes")
        if trigger.last_logon_offset > timedelta(0):
            note.better(
                where,
                "changes of logon attributes alone are ignored by attribute; the predecessor threw away every change of an "
                f"object that had logged on within {format_duration(trigger.last_logon_offset)}",
            )
        if trigger.min_interval > timedelta(0):
            note.better(
                where,
                f"min-interval ({format_duration(trigger.min_interval)}) is not needed: bursts are gathered, and the last "
                "change of a burst fires; the predecessor dropped changes within the interval",
            )
        note.better(where, "what changed while nobody listened is found by its token; the predecessor missed it")
        if trigger.host:
            note.look(
                where, f"it watched {trigger.host} alone: name several domain controllers, and it follows the next"
            )

    def _mim_service(self, trigger: LithnetTrigger) -> dict[str, Plain]:
        host = trigger.host or "mimservice.example"
        entry: dict[str, Plain] = {"type": "mim-service", "host": {"server": host}}
        if trigger.interval >= _LEAST:
            entry["every"] = format_duration(trigger.interval)
        what = (
            "the predecessor asked the MIM Service over the network; AutoSync asks it on its own server, with "
            "FIMAutomation over PowerShell remoting (host:)"
        )
        if trigger.host:
            self._notes.look(
                trigger.where, f"{what}: let the account into Remote Management Users on {host}, or correct its name"
            )
        else:
            entry["enabled"] = False
            self._notes.look(trigger.where, f"{what}: it named no host, so put the server's name, and switch it on")
        self._notes.better(trigger.where, "AutoSync's own exports to the MIM Service do not make it fire, as they did")
        return entry

    def _by_clock(self, trigger: LithnetTrigger) -> tuple[dict[str, Plain], str]:
        entry: dict[str, Plain]
        length = format_duration(trigger.interval) if trigger.interval > timedelta(0) else "0s"
        if trigger.kind is TriggerKind.INTERVAL:
            entry = {"type": "interval", "every": length}
        else:
            assert trigger.start is not None
            start = local_start(trigger.start, trigger.interval, self._zone)
            entry = {"type": "schedule", "start": moment_text(start), "period": length}
            self._note_schedule(trigger)
        if trigger.profile:
            entry["run"] = {"profile": trigger.profile}
        entry |= {key: True for key, given in (("exclusive", trigger.exclusive), ("front", trigger.front)) if given}
        if not trigger.profile:
            return entry, "it names no run profile"
        return entry, "" if trigger.interval >= _LEAST else "its interval is shorter than a second"

    def _note_schedule(self, trigger: LithnetTrigger) -> None:
        if trigger.interval >= _LEAST and trigger.interval % timedelta(days=1) == timedelta(0):
            self._notes.better(
                trigger.where,
                "it keeps its local time of day in summer and winter; the predecessor counted elapsed hours and moved by one. "
                'Weekdays and months: cron ("0 2 * * sat")',
            )
        self._notes.better(
            trigger.where, "times that pass while the service is down are made up for by one run, not forgotten"
        )

    def _powershell(self, agent: str, trigger: LithnetTrigger) -> tuple[dict[str, Plain], str]:
        interval = trigger.interval if trigger.interval >= _LEAST else timedelta(seconds=5)
        entry: dict[str, Plain] = {"type": "powershell", "script": trigger.script, "every": format_duration(interval)}
        entry |= self._sign_in(agent, trigger)
        before = "carried on silently" if trigger.carries_on else "ended"
        self._notes.better(trigger.where, f"after an error it {before}; now it says so, and begins again with pauses")
        if not trigger.script:
            return entry, "it names no script"
        self._notes.look(trigger.where, f"{trigger.script} must be there for AutoSync's service, too")
        return entry, ""

    def _sign_in(self, agent: str, trigger: LithnetTrigger) -> dict[str, Plain]:
        if not trigger.user:
            if trigger.password is not trigger.password.NONE:
                self._notes.look(trigger.where, "it has a password without a user name: not taken over")
            return {}
        if trigger.kind is TriggerKind.ACTIVE_DIRECTORY and not trigger.explicit_credentials:
            self._notes.look(
                trigger.where,
                f"use-explicit-credentials was off, but the predecessor signed in as {trigger.user} whenever a name was there "
                "(#153): leave out sign-in to use the service's own account",
            )
        name = self._passwords.variable(agent, trigger.where, trigger.password)
        return {"sign-in": {"user": trigger.user, "password": {"env": name}}}
