from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from autosync.config.spec import Address, Configuration, LogLevel, RouteSpec, StoreSpec
from autosync.model.counts import ChangeKind
from autosync.model.facts import FactKind, Severity
from autosync.model.ids import AgentId, EngineName, TriggerId
from autosync.model.requests import Wanted
from autosync.model.schedules import Cron, CronWindow, Dates, Every, Misfire, Part, Period, Weekly
from autosync.model.settings import (
    DEFAULT_DELETES,
    AgentSettings,
    BreakerPolicy,
    EngineSettings,
    ImportCounts,
    Limit,
    RetryPolicy,
    RunMode,
    Settings,
)
from autosync.model.steps import Slot
from autosync.ports.secrets import SecretKind, SecretReference
from tests.unit.config.examples import SMALL, WHOLE
from tests.unit.config.kinds import FOLDER, loaded


@pytest.fixture(scope="module")
def whole() -> Configuration:
    return loaded(WHOLE, MIM_PASSWORD="x").required()


def test_a_small_file_has_every_default() -> None:
    configuration = loaded(SMALL).required()

    assert configuration.settings == Settings(engines={EngineName("home"): EngineSettings(name=EngineName("home"))})
    assert configuration.service.store == StoreSpec(scheme="sqlite", location=str(FOLDER / "autosync.db"))
    assert configuration.service.token_file == FOLDER / "autosync.token"
    assert configuration.service.listen == Address(host="127.0.0.1", port=8480)
    assert configuration.service.retention == timedelta(days=90)
    assert configuration.service.log_level is LogLevel.INFO
    assert configuration.triggers == ()
    assert configuration.notify.channels == ()


def test_the_service_block_is_read_as_it_stands() -> None:
    text = """\
service:
  time-zone: Asia/Tokyo
  store: memory:x
  no-export: true
  listen: "[::1]:99"
  token-file: /run/token
  retention: 2d
  log-level: debug
"""
    configuration = loaded(text + SMALL).required()

    assert configuration.service.listen == Address(host="::1", port=99)
    assert str(configuration.service.listen) == "[::1]:99"
    assert configuration.service.token_file == Path("/run/token")
    assert configuration.service.store == StoreSpec(scheme="memory", location="x")
    assert configuration.settings.no_export
    assert configuration.settings.zone == configuration.service.zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("written", "location"),
    [
        ("sqlite:///var/lib/a.db", "/var/lib/a.db"),
        ("sqlite:data/a.db", "/etc/autosync/data/a.db"),
        ("sqlite:///C:/ProgramData/a.db", None),
    ],
)
def test_a_store_is_beside_the_file_or_at_a_whole_path(written: str, location: str | None) -> None:
    store = loaded(f"service: {{store: '{written}'}}\n" + SMALL).required().service.store

    # A drive is a whole path where there are drives; elsewhere it is a folder with an odd name.
    assert store.location == location or (location is None and store.location.endswith("C:/ProgramData/a.db"))


@pytest.mark.parametrize(("written", "address"), [("9000", "127.0.0.1:9000"), ("localhost:0", "localhost:0")])
def test_listen_takes_a_port_alone(written: str, address: str) -> None:
    assert str(loaded(f"service: {{listen: {written}}}\n" + SMALL).required().service.listen) == address


def test_engines_have_policy_and_the_options_of_their_kind(whole: Configuration) -> None:
    mim, home = whole.engines

    assert mim.settings == EngineSettings(name=EngineName("mim"), run_mode=RunMode.EXCLUSIVE, max_parallel=4)
    assert mim.options == ("sync01.corp.example", SecretReference(kind=SecretKind.ENV, name="MIM_PASSWORD"))
    assert mim.agents is None
    assert mim.keep_run_history == timedelta(days=30)
    assert home.agents == frozenset({"hr"})
    assert home.keep_run_history is None


def test_an_agents_decisions_are_read_as_they_stand(whole: Configuration) -> None:
    agent = whole.settings.agents[AgentId("mim/HR")]

    assert agent.import_if_none_for == timedelta(hours=1)
    assert agent.import_counts is ImportCounts.FULL
    assert agent.full_sync_after_full_import
    assert agent.run_limit == timedelta(hours=2)
    assert agent.stop_long_runs
    assert agent.retry == RetryPolicy(
        attempts=3, first_delay=timedelta(seconds=1), factor=3, longest_delay=timedelta(minutes=1), jitter=0
    )
    assert agent.breaker == BreakerPolicy(failures=2, rest=timedelta(hours=1))


def test_guards_that_are_not_named_keep_their_defaults(whole: Configuration) -> None:
    hr, directory = (whole.settings.agents[AgentId(name)].guards for name in ("mim/HR", "mim/Corp AD"))

    assert hr.staged.kinds == {ChangeKind.DELETES: Limit(absolute=20, percent=2)}
    assert hr.staged.total == Limit(absolute=500)
    assert hr.staged.emptied
    assert hr.flapping_after is None
    assert hr.exports.kinds == {ChangeKind.DELETES: DEFAULT_DELETES}
    assert directory.exports.kinds == {ChangeKind.UPDATES: Limit(percent=5)}
    assert not directory.exports.emptied
    assert directory.flapping_after == 5


def test_slots_of_a_partition_override_discovery_and_false_means_never(whole: Configuration) -> None:
    agent = whole.settings.agents[AgentId("mim/Corp AD")]

    assert agent.slots == {"DC=corp,DC=example": {Slot.EXPORT: "EX", Slot.DELTA_IMPORT: "DI", Slot.FULL_SYNC: None}}
    assert agent.lock_with == {"mim/HR"}
    assert agent.wakes == {"home/hr"}
    assert not agent.enabled


def test_an_agent_without_decisions_has_the_defaults() -> None:
    configuration = loaded(SMALL + "agents: {home/hr: }\n").required()

    assert configuration.settings.agents == {"home/hr": AgentSettings(id=AgentId("home/hr"))}


def test_triggers_by_the_clock_are_settings_of_the_core(whole: Configuration) -> None:
    schedules = whole.settings.schedules

    assert set(schedules) == {"mim/HR#schedule", "mim/HR#odd days", "mim/HR#interval"}
    sat = schedules[TriggerId("mim/HR#schedule")]
    assert sat.when == Cron(expression="0 2 * * sat", zone="Europe/Brussels")
    assert (sat.run, sat.exclusive, sat.misfire) == (Slot.FULL_IMPORT, True, Misfire.ONCE)
    odd = schedules[TriggerId("mim/HR#odd days")]
    assert odd.when == Period(start=datetime(2026, 1, 31, 2), period=timedelta(days=2), zone="UTC")  # noqa: DTZ001
    assert (odd.run, odd.misfire) == (Slot.SCHEDULED_IMPORT, Misfire.SKIP)
    interval = schedules[TriggerId("mim/HR#interval")]
    assert interval.when == Every(interval=timedelta(minutes=15))
    assert not interval.enabled


def test_other_triggers_have_the_options_of_their_kind_and_what_to_run(whole: Configuration) -> None:
    first, second = whole.triggers

    assert (first.id, second.id) == ("mim/HR#file", "mim/HR#file-2")
    assert first.options == FOLDER / "hr.csv"
    assert first.data == {"path": "hr.csv"}
    assert first.wanted == Wanted(agent=AgentId("mim/HR"), slot=Slot.DELTA_IMPORT, partition="default", front=True)  # type: ignore[arg-type]
    assert second.wanted == Wanted(agent=AgentId("mim/HR"), profile="Special Import")  # type: ignore[arg-type]


def test_a_profile_may_have_the_name_of_a_slot() -> None:
    text = SMALL + "agents: {home/hr: {triggers: [{type: interval, every: 1h, run: {profile: export}}]}}\n"

    assert loaded(text).required().settings.schedules[TriggerId("home/hr#interval")].run == "export"
    assert not isinstance(loaded(text).required().settings.schedules[TriggerId("home/hr#interval")].run, Slot)


def test_exclusions_are_weekly_or_dates_or_cron(whole: Configuration) -> None:
    sunday, night, freeze, noon = whole.settings.exclusions

    assert sunday.window == Weekly(weekdays=frozenset({6}), begins=time(2), until=time(5))
    assert night.name == sunday.name == "patch window"
    assert (sunday.agents, sunday.only, sunday.zone) == (None, None, "Europe/Brussels")
    assert freeze.window == Dates(first=date(2026, 12, 23), until=datetime(2027, 1, 2, 8))  # noqa: DTZ001
    assert freeze.agents == frozenset({"mim", "home/hr"})
    assert freeze.only == frozenset({Part.EXPORTS})
    assert noon.window == CronWindow(
        opens=Cron(expression="0 12 * * *", zone="Asia/Tokyo"), lasts=timedelta(minutes=30)
    )
    assert (noon.name, noon.zone) == ("exclusion 3", "Asia/Tokyo")


def test_a_cron_window_counts_in_the_zone_of_the_service_unless_it_names_one() -> None:
    text = "service: {time-zone: Asia/Tokyo}\n" + SMALL + 'exclusions: [{cron: "0 1 * * *", lasts: 1h}]\n'

    (exclusion,) = loaded(text).required().settings.exclusions
    assert exclusion.zone == "Asia/Tokyo"
    assert exclusion.window == CronWindow(
        opens=Cron(expression="0 1 * * *", zone="Asia/Tokyo"), lasts=timedelta(hours=1)
    )


def test_routes_name_facts_by_group_by_name_and_by_severity(whole: Configuration) -> None:
    assert [(channel.name, channel.type) for channel in whole.notify.channels] == [("log", "log"), ("loud", "log")]
    assert whole.notify.routes == (
        RouteSpec(
            kinds=frozenset({FactKind.HOLD_OPENED, FactKind.RUN_LOST}),
            severity=Severity.WARNING,
            channels=("log", "loud"),
            urgent=True,
        ),
    )


def test_a_secret_is_kept_as_a_reference(whole: Configuration) -> None:
    result = loaded(WHOLE, MIM_PASSWORD="hunter2")

    assert "hunter2" not in repr(result.configuration)
    assert "hunter2" not in result.text


def test_a_variable_that_is_not_set_is_a_warning() -> None:
    (warning,) = loaded(WHOLE).warnings

    assert str(warning) == (
        "autosync.yaml:9:21  engines › mim › password › env: "
        "the environment variable MIM_PASSWORD is not set here; the service needs it"
    )
    assert loaded(WHOLE, MIM_PASSWORD="x").warnings == ()


def test_a_file_is_told_apart_by_its_meaning_alone() -> None:
    reordered = "# a comment\n" + SMALL.replace("home:", "'home':")

    assert loaded(reordered).required() == loaded(SMALL).required()
