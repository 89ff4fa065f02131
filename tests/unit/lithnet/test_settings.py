"""Service settings, values of XML Schema and odd members: each has its line in the new file or in the report."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from autosync.config.lithnet import xsd_values
from autosync.config.lithnet.agent_elements import LONGEST_NAME
from autosync.config.lithnet.importer import import_lithnet
from autosync.config.lithnet.notes import Fate
from autosync.config.lithnet.times import local_start, moment_text
from autosync.config.lithnet.wishes import Wishes
from autosync.config.plain import plain_value
from autosync.config.yaml_text import flow
from autosync.model.agents import Agent
from autosync.model.ids import AgentId
from tests.unit.lithnet.importing import HEAD, agent, config, data_of, only_agent, told, trigger

MAIL = "<mail-enabled>true</mail-enabled><mail-host>mx</mail-host><mail-to><a:string>a@x</a:string></mail-to>"


@pytest.mark.parametrize(
    ("settings", "engine", "words"),
    [
        ("<run-history-save>true</run-history-save>", {}, "no effect"),
        ("<run-history-clear>true</run-history-clear>", {}, "deleted nothing"),
        (
            "<run-history-clear>true</run-history-clear><run-history-max-age>PT1H</run-history-max-age>",
            {"keep-run-history": "1d"},
            "raised to a day",
        ),
        (
            (
                "<run-history-clear>1</run-history-clear><run-history-max-age>P3D</run-history-max-age>"
                "<run-history-save>true</run-history-save>"
            ),
            {"keep-run-history": "3d"},
            "no folder",
        ),
    ],
)
def test_run_history_is_cleared_only_where_it_was(settings, engine, words):
    imported = import_lithnet(config("", settings))

    assert data_of(imported)["engines"]["mim"] == {"type": "mim", "local": True, "run-mode": "supported", **engine}
    assert told(imported, Fate.LOOK, words)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("<mail-host>mx</mail-host>", "switched off (mx)"),
        ("<mail-enabled>true</mail-enabled>", "the predecessor sent nothing"),
        ("<mail-enabled>true</mail-enabled><mail-use-app-config>true</mail-use-app-config>", "exe.config"),
    ],
)
def test_mail_that_was_not_sent_is_not_invented(settings, words):
    imported = import_lithnet(config("", settings))

    assert "notify" not in data_of(imported)
    assert told(imported, Fate.LOOK, words)


def test_mail_keeps_host_port_and_account_but_not_its_password():
    settings = (
        MAIL + "<mail-ignore-return-codes><a:string>stopped-server</a:string></mail-ignore-return-codes>"
        "<mail-password>hunter2</mail-password><mail-port>2525</mail-port>"
        "<mail-send-all-error-instances>true</mail-send-all-error-instances>"
        "<mail-use-app-config>true</mail-use-app-config><mail-username>me</mail-username>"
    )
    imported = import_lithnet(config("", settings))

    assert data_of(imported)["notify"]["mail"] == {
        "host": "mx",
        "port": 2525,
        "to": ["a@x"],
        "sign-in": {"user": "me", "password": {"env": "AUTOSYNC_MAIL_PASSWORD"}},
    }
    assert "hunter2" not in imported.yaml + imported.report
    assert told(imported, Fate.LOOK, "stopped-server")
    assert told(imported, Fate.LOOK, "mail-use-app-config")
    assert told(imported, Fate.BETTER, "mail-send-all-error-instances")


def test_mail_without_an_account_needs_none():
    mail = data_of(import_lithnet(config("", MAIL + "<mail-port>99999</mail-port>")))["notify"]["mail"]

    assert mail == {"host": "mx", "to": ["a@x"]}


def test_a_newer_schema_is_noted():
    imported = import_lithnet(HEAD + b"<schema-version>2</schema-version></lithnet-autosync>")

    assert told(imported, Fate.LOOK, "schema version 2")


def powershell(members: str) -> str:
    return f'<triggers><a:anyType i:type="powershell-trigger">{members}</a:anyType></triggers>'


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ("<run-profile-export>EX</run-profile-export>", "of schema version 0"),
        ("<partitions><partition/></partitions>", "without a usable name"),
        ("<version>many</version>", "many is no whole number"),
        ("<disabled>perhaps</disabled>", "neither true nor false"),
        ("<disabled>true</disabled><disabled>false</disabled>", "given twice"),
        (
            powershell("<exception-behaviour>cry</exception-behaviour>"),
            "cry",
        ),
        (
            powershell("<password>x</password>"),
            "without a user",
        ),
    ],
)
def test_odd_members_are_noted(members, words):
    content = config(f"<management-agent><name>HR</name>{members}</management-agent>")

    assert told(import_lithnet(content), Fate.LOOK, words)


@pytest.mark.parametrize("name", ["", "a#b", "x" * (LONGEST_NAME + 1)])
def test_an_agent_without_a_usable_name_is_noted(name):
    imported = import_lithnet(config(agent("", name)))

    assert "agents" not in data_of(imported) or data_of(imported)["agents"] is None
    assert told(imported, Fate.LOOK, "cannot be taken over", name[:60])


def first_schema(members: str) -> bytes:
    body = f"<management-agents><management-agent><name>HR</name>{members}</management-agent></management-agents>"
    return HEAD + body.encode() + b"</lithnet-autosync>"


def test_the_first_schema_with_partitions_is_a_mixture():
    content = first_schema("<partitions><partition><is-selected>1</is-selected><name>p</name></partition></partitions>")

    assert "p" in only_agent(content)["partitions"]
    assert told(import_lithnet(content), Fate.LOOK, "schema version 0; they are taken over")


def test_the_first_schema_knows_two_words_for_its_safety_net():
    content = first_schema("<auto-import-scheduling>sometimes</auto-import-scheduling>")

    assert "import-if-none-for" not in only_agent(content)
    assert told(import_lithnet(content), Fate.LOOK, "sometimes")
    assert only_agent(first_schema("<triggers/>")) == {"enabled": False}


def test_agents_that_only_the_engine_has_are_noted_and_made_anew_ones_too():
    known = {
        "11111111-0000-4000-8000-000000000001": Agent(id=AgentId("mim/HR")),
        "11111111-0000-4000-8000-000000000002": Agent(id=AgentId("mim/New")),
    }
    imported = import_lithnet(
        config(agent("<id>99999999-0000-4000-8000-000000000009</id>")), wishes=Wishes(agents=known)
    )

    assert told(imported, Fate.LOOK, "HR", "made anew")
    assert told(imported, Fate.LOOK, "New", "config.xml does not")


def test_an_agent_may_lock_itself_without_effect():
    assert "lock-with" not in only_agent(
        config(agent("<lock-managementagents><a:string>hr</a:string></lock-managementagents>"))
    )


def test_a_profile_of_a_directory_trigger_is_kept():
    members = "<base-dn>DC=x</base-dn><host-name/><object-classes/><run-profile-name>DI</run-profile-name>"

    assert only_agent(config(trigger("active-directory-change-trigger", members)))["triggers"] == [
        {"type": "active-directory", "base": "DC=x", "partition": "DC=x", "run": {"profile": "DI"}}
    ]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT1M", timedelta(minutes=1)),
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P1DT0.5S", timedelta(days=1, seconds=0.5)),
        ("PT0S", timedelta(0)),
        ("-PT5S", timedelta(seconds=-5)),
    ],
)
def test_durations_of_xml_schema(text, length):
    assert xsd_values.duration(text) == length


@pytest.mark.parametrize("text", ["", "P", "PT", "P1Y", "1h", "PT1H1H", "P999999999DT999999999H", "PT\u0661S"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        xsd_values.duration(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-09-05T02:00:00+10:00", datetime(2017, 9, 5, 2, tzinfo=timezone(timedelta(hours=10)))),
        ("2017-09-05T02:00:00.1234567Z", datetime(2017, 9, 5, 2, 0, 0, 123456, tzinfo=UTC)),
        ("2017-09-05T02:00:00", datetime(2017, 9, 5, 2)),  # noqa: DTZ001
    ],
)
def test_moments_of_dotnet(text, moment):
    assert xsd_values.moment(text) == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2017-13-05T02:00:00", "2017-09-05T25:00:00", "2017-09-05T02:00:00+99:00"]
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"date and time|range|offset|month|hour"):
        xsd_values.moment(text)


def test_the_first_moment_of_all_survives_any_zone():
    start = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))

    assert (
        moment_text(local_start(start, timedelta(hours=7), "America/New_York")) == "2000-01-01 06:00"
    )  # the first multiple of seven hours


@pytest.mark.parametrize(
    "text", ["yes", "true", "1", "1.5", "0x1", "~", "", " x", "a: b", "a #b", "[a]", "\N{SNOWMAN}", "2026-01-01"]
)
def test_a_text_stays_a_text(text):
    written = flow(text)

    assert written[0] in "'\"" or plain_value(written) == text


def test_odd_letters_are_escaped():
    assert flow('a\n"\\\x85\U000e0001') == '"a\\u000a\\"\\\\\\u0085\\U000e0001"'
