"""The blocks ``service``, ``engines`` and ``notify`` of the new configuration."""

from datetime import timedelta
from typing import Final

from autosync.config.lithnet.notes import Notes
from autosync.config.lithnet.passwords import Passwords
from autosync.config.lithnet.predecessor import LithnetConfiguration, LithnetMail
from autosync.config.lithnet.registry_settings import RegistrySettings
from autosync.config.lithnet.wishes import Wishes
from autosync.config.yaml_text import Lines, Plain
from autosync.options.durations import format_duration

_DAY: Final = timedelta(days=1)


def write_service(lines: Lines, wishes: Wishes, notes: Notes, *, has_schedules: bool) -> None:
    """Write the block of the service."""
    lines.put(0, "service:")
    if wishes.zone:
        lines.key(1, "time-zone", wishes.zone, "local times of schedules count here")
    elif has_schedules:
        lines.key(
            1, "time-zone", "UTC", "schedules below are the old moments in UTC; put the server's zone and local times"
        )
        notes.look(
            "schedules", "start times are written in UTC: give service: time-zone the server's zone, and local times"
        )
    else:
        lines.key(1, "time-zone", "UTC", "of schedules and exclusions")
    lines.put(0)


def write_engine(
    lines: Lines, old: LithnetConfiguration, registry: RegistrySettings, wishes: Wishes, notes: Notes
) -> None:
    """Write the block of the engine."""
    lines.put(0, "engines:")
    lines.key(1, wishes.engine)
    lines.key(2, "type", "mim")
    if wishes.server:
        lines.key(2, "server", wishes.server)
        lines.key(2, "sign-in", {"kerberos": True}, "or {user: DOMAIN\\name, password: {env: MIM_PASSWORD}}")
    else:
        lines.key(2, "local", True, "AutoSync runs on the synchronization server; else server: its name, and sign-in:")
    lines.key(2, "run-mode", old.run_mode, "supported | unsupported | exclusive")
    notes.taken("settings", f"run-mode: {old.run_mode}")
    if registry.mim_service_export_is_sync is False:
        lines.key(2, "mim-service-export-is-sync", False)
    _write_waits(lines, registry, notes)
    _write_history(lines, old, notes)
    lines.put(0)


def _write_waits(lines: Lines, registry: RegistrySettings, notes: Notes) -> None:
    """Write the waits that somebody set on purpose as comments: the engine does not need them."""
    for key, name, wait, before in (
        ("stagger", "ExecutionStaggerInterval", registry.stagger, "between two starts, over all agents"),
        ("settle", "PostRunInterval", registry.settle, "after each run, before its result was read"),
    ):
        if wait is not None:
            lines.comment(2, f"{key}: {format_duration(wait)}  (the predecessor waited that long {before}; not needed)")
            notes.better(
                "registry", f"{name}: nothing waits {before}; it stands as a comment, {key}, should it be needed"
            )
        else:
            notes.better("engine", f"nothing waits {before} ({key} brings it back); the predecessor always did")


def _write_history(lines: Lines, old: LithnetConfiguration, notes: Notes) -> None:
    if not old.clear_history:
        if old.save_history:
            notes.look("settings", "run-history-save had no effect, since run-history-clear is off: not taken over")
        return
    if old.history_age <= timedelta(0):
        notes.look(
            "settings", "run-history-clear is on without run-history-max-age, and so deleted nothing: not taken over"
        )
        return
    age = max(old.history_age, _DAY)
    if age != old.history_age:
        notes.look(
            "settings", f"run-history-max-age: {format_duration(old.history_age)} is raised to a day, the least now"
        )
    lines.key(2, "keep-run-history", format_duration(age), "older runs are deleted in the engine")
    notes.taken("settings", f"run-history-max-age: keep-run-history {format_duration(age)}")
    if old.save_history and old.history_folder:
        lines.key(2, "save-run-history", old.history_folder, "deleted runs are saved here first")
        notes.taken("settings", f"run-history-save-path: save-run-history {old.history_folder}")
    elif old.save_history:
        notes.look("settings", "run-history-save had no folder, and so saved nothing: give save-run-history one")


def write_notify(lines: Lines, mail: LithnetMail, notes: Notes, passwords: Passwords) -> None:
    """Write the block of notifications."""
    entry = _mail(mail, notes, passwords)
    if entry is None:
        return
    lines.put(0, "notify:")
    lines.key(1, "mail")
    for key, value in entry.items():
        lines.key(2, key, value)
    lines.key(1, "routes")
    for when, urgent in (("hold", True), ("error", False)):
        lines.put(2, f"- {{when: {when}, to: mail{', urgent: true' if urgent else ''}}}")
    notes.taken("settings", f"mail to {', '.join(mail.to or ())}")
    _note_mail(mail, notes)


def _mail(mail: LithnetMail, notes: Notes, passwords: Passwords) -> dict[str, Plain] | None:
    if not (mail.enabled and mail.to and mail.host):
        _note_no_mail(mail, notes)
        return None
    entry: dict[str, Plain] = {"host": mail.host}
    if mail.port != 25:
        entry["port"] = mail.port
    if mail.starttls:
        entry["tls"] = "starttls"
    if mail.sender:
        entry["from"] = mail.sender
    entry["to"] = list(mail.to)
    if mail.user:
        name = passwords.variable("mail", "settings › mail", mail.password)
        entry["sign-in"] = {"user": mail.user, "password": {"env": name}}
    elif mail.uses_own_account:
        entry["sign-in"] = {"kerberos": True}
        notes.look("settings", "mail was sent with the service's own account: check sign-in of notify: mail:")
    return entry


def _note_no_mail(mail: LithnetMail, notes: Notes) -> None:
    if mail.enabled:
        why = "they stand in the service's exe.config" if mail.uses_app_config else "the predecessor sent nothing"
        notes.look("settings", f"mail is on, but has no host or no address: {why}. Add notify: mail: by hand")
    elif mail.host or mail.to:
        notes.look(
            "settings", f"mail was switched off ({mail.host or 'no host'}): nobody is told anything. Add notify:"
        )


def _note_mail(mail: LithnetMail, notes: Notes) -> None:
    notes.better("settings", "each trouble is told once, and once when it is over; holds are told at once")
    if mail.uses_app_config:
        notes.look(
            "settings", "mail-use-app-config: host and account of the service's exe.config counted; compare them"
        )
    if mail.every_time:
        notes.better(
            "settings", "mail-send-all-error-instances: every failure is in the journal; repetitions send no mail"
        )
    if mail.most_errors:
        notes.better(
            "settings",
            f"mail-max-errors ({mail.most_errors}): all object errors can be looked up; mail names the first",
        )
    unusual = [code for code in mail.ignored if code.lower() not in {"success", "completed-no-objects"}]
    if unusual:
        notes.look(
            "settings",
            f"mail-ignore-return-codes ({', '.join(unusual)}): routes choose by what happened, not by status",
        )
