"""A configuration of the predecessor is taken over whole: what counts stands in the new file, the rest in the report."""

import os
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosync.bootstrap.kinds import KINDS
from autosync.config.document import read_document
from autosync.config.lithnet.importer import import_lithnet
from autosync.config.lithnet.notes import Fate, ImportRefused
from autosync.config.lithnet.wishes import Wishes
from autosync.config.load import Source, load_text
from autosync.model.agents import Agent
from autosync.model.ids import AgentId, PartitionName, ProfileName
from autosync.model.steps import Profile, Step, StepKind
from autosync.ports.registry import Parsed, Registries, Surroundings
from tests.unit.lithnet.importing import (
    DATA,
    HEAD,
    NEWEST,
    OLDEST,
    REGISTRY,
    agent,
    config,
    data_of,
    only_agent,
    told,
    trigger,
)

GOLDEN = {
    "config-1": (NEWEST, None, Wishes()),
    "config-1-with-registry": (NEWEST, REGISTRY.encode("utf-16"), Wishes(server="sync01", zone="Europe/Brussels")),
    "config-0": (OLDEST, None, Wishes()),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_new_file_and_the_report_are_as_agreed(name):
    """Set AUTOSYNC_WRITE_GOLDEN to write them anew after a deliberate change, and read the difference."""
    content, registry, wishes = GOLDEN[name]
    imported = import_lithnet(content, registry=registry, wishes=wishes)

    for suffix, text in ((".expected.yaml", imported.yaml), (".report.md", imported.report)):
        path = DATA / f"{name}{suffix}"
        if os.environ.get("AUTOSYNC_WRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_text(encoding="utf-8")


class _Anything:
    """A kind that accepts all keys that its list names: those that the importer may write."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys

    def parse(self, data: object, folder: Path) -> Parsed:
        return Parsed(options=data)

    def json_schema(self) -> dict[str, object]:
        return {"type": "object", "properties": {key: {"description": "Any."} for key in self._keys}}

    def agent_names(self, options: object) -> None:
        return None

    def build(self, options: object, around: Surroundings) -> NoReturn:
        raise NotImplementedError


REGISTRIES = Registries(
    engines=KINDS.engines,
    triggers=KINDS.triggers,
    channels={"mail": _Anything("host", "port", "tls", "from", "to", "sign-in")},
)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_new_file_is_valid(name):
    content, registry, wishes = GOLDEN[name]
    text = import_lithnet(content, registry=registry, wishes=wishes).yaml
    loaded = load_text(text.encode(), Source(name="autosync.yaml", folder=Path("/"), environment={}), REGISTRIES)

    assert loaded.mistakes == ()
    assert loaded.configuration is not None


def test_passwords_are_in_neither_text():
    imported = import_lithnet(NEWEST)

    assert b"not-a-real-secret" in NEWEST
    for secret in ("not-a-real-secret", "AQAAANCMnd8BFdERjHoAwE8=", "AAECAwQFBgcICQoL"):
        assert secret not in imported.yaml + imported.report + repr(imported.notes)
    assert told(imported, Fate.AGAIN, "trigger 1", "AUTOSYNC_DEMO_AD_PASSWORD", "encrypted")
    assert told(imported, Fate.AGAIN, "trigger 4", "AUTOSYNC_DEMO_AD_PASSWORD_2", "readable")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + NEWEST,
        NEWEST.replace(b"\n", b"\r\n"),
        NEWEST.decode().replace("utf-8", "utf-16").encode("utf-16"),
        NEWEST.replace(
            b'salt="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" is-encrypted="true"', b'is-encrypted="true"'
        ),
    ],
    ids=["byte order mark", "windows lines", "utf-16", "attributes"],
)
def test_the_form_of_the_file_does_not_matter(content):
    assert import_lithnet(content).yaml == import_lithnet(NEWEST).yaml


def test_any_prefix_is_as_good():
    arrays = 'xmlns:d3p1="http://schemas.microsoft.com/2003/10/Serialization/Arrays"'
    text = NEWEST.decode().replace('a:anyType i:type="', f'd3p1:anyType {arrays} i:type="p:')
    text = text.replace("</a:anyType>", "</d3p1:anyType>").replace(
        "<management-agents>",
        '<management-agents xmlns:p="http://schemas.datacontract.org/2004/07/Lithnet.Miiserver.AutoSync">',
    )

    assert "p:interval-trigger" in text
    assert import_lithnet(text.encode()) == import_lithnet(NEWEST)


def test_elements_out_of_order_count_and_are_noted():
    swapped = NEWEST.replace(b"      <name>Demo AD</name>\n", b"").replace(
        b"      <controller-script-path>C:", b"      <name>Demo AD</name>\n      <controller-script-path>C:"
    )
    imported = import_lithnet(swapped)

    assert swapped != NEWEST
    assert imported.yaml == import_lithnet(NEWEST).yaml
    assert told(imported, Fate.LOOK, "Demo AD", "not in the order")
    assert not told(import_lithnet(NEWEST), Fate.LOOK, "not in the order")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty.*Restore a backup"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"\x00" * 100, "empty"),
        (NEWEST[: len(NEWEST) // 2], "cannot be read.*interrupted"),
        (b"<lithnet-autosync/>", "no configuration of Lithnet AutoSync"),
        (b"<configuration/>", "its root is configuration"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "document type declaration"),
    ],
)
def test_a_file_that_cannot_be_taken_over_says_why(content, words):
    with pytest.raises(ImportRefused, match=words):
        import_lithnet(content)


def test_missing_elements_are_what_dotnet_assumes():
    block = only_agent(config("<management-agent><name>HR</name></management-agent>"))

    assert block == {"enabled": False}


def test_a_file_without_agents_is_noted():
    imported = import_lithnet(HEAD + b"</lithnet-autosync>")

    assert told(imported, Fate.LOOK, "no management agents")
    assert "agents" not in data_of(imported)


def test_nothing_unknown_is_dropped_silently():
    content = config(
        agent(
            "<quantum-mode>true</quantum-mode><partitions><partition><name>default</name><spin>1</spin></partition><island/>"
            "</partitions><thresholds-staging><total-eclipse>1</total-eclipse></thresholds-staging>"
            '<triggers><a:anyType i:type="teapot-trigger"/>'
            '<a:anyType i:type="interval-trigger"><whistle/></a:anyType></triggers>'
        )
        + "<management-robot/>",
        "<mail-to><a:pigeon>x</a:pigeon></mail-to><telegrams>true</telegrams><run-mode>reckless</run-mode>",
    )
    imported = import_lithnet(content)

    for word in (
        *("quantum-mode", "spin", "island", "total-eclipse", "teapot-trigger", "whistle", "management-robot"),
        *("pigeon", "telegrams", "reckless"),
    ):
        assert told(imported, Fate.LOOK, word), word
    assert data_of(imported)["engines"]["mim"]["run-mode"] == "supported"


def test_every_known_element_of_the_example_is_told_of():
    """Whatever stands in the example is in the new file or in the report: the words that belong to it are."""
    imported = import_lithnet(NEWEST)
    everything = imported.yaml + imported.report

    for word in (
        *(
            "Demo configuration",
            "guard-hr.ps1",
            "Demo SAP",
            "Demo Badge",
            "45m",
            "DC=demo,DC=example",
            "1999",
            "499",
            "DEMO\\svc-listen",
        ),
        *(
            "DEMO\\svc-listen",
            "min-interval",
            "logged on within 5m",
            "15m",
            "FI",
            "poll-hr.ps1",
            "hr-reader",
            "mimservice.demo.example",
        ),
        *("smtp.demo.example", "iam-ops@demo.example", "mim@demo.example", "mail-max-errors", "30d", "D:\\RunHistory"),
    ):
        assert word in everything, word


def test_a_threshold_stops_at_its_number_a_limit_holds_above_it():
    block = only_agent(
        config(
            agent("<thresholds-staging><changes>100</changes><deletes>1</deletes><adds>0</adds></thresholds-staging>")
        )
    )

    assert block["guards"] == {"staged": {"deletes": 0, "changes": 99}}


def test_an_empty_slot_stays_switched_off():
    block = only_agent(
        config(
            agent(
                "<partitions><partition><is-selected>true</is-selected><name>default</name>"
                "<run-profile-delta-import>DI</run-profile-delta-import>"
                '<run-profile-export i:nil="true"/></partition></partitions>'
            )
        )
    )

    assert block["partitions"]["default"]["delta-import"] == "DI"
    assert block["partitions"]["default"]["export"] is False
    assert len(block["partitions"]["default"]) == 7


def test_partitions_out_of_use_stand_as_comments():
    imported = import_lithnet(
        config(
            agent(
                "<partitions><partition><is-selected>false</is-selected><name>DC=old</name>"
                "<run-profile-export>EX</run-profile-export></partition></partitions>"
            )
        )
    )

    assert "# DC=old: {export: EX}" in imported.yaml
    assert told(imported, Fate.LOOK, "DC=old", "not selected")


def test_the_shortest_safety_net_counts_for_all_partitions():
    partition = (
        "<partition><auto-import-enabled>{}</auto-import-enabled><auto-import-interval>{}</auto-import-interval>"
        "<is-selected>true</is-selected><name>{}</name></partition>"
    )
    partitions = (
        partition.format("true", 90, "a") + partition.format("true", 0, "b") + partition.format("false", 5, "c")
    )
    content = config(agent(f"<partitions>{partitions}</partitions>"))

    assert only_agent(content)["import-if-none-for"] == "1m"
    assert told(import_lithnet(content), Fate.LOOK, "1m, 1h30m", "c had none")


@pytest.mark.parametrize(
    ("start", "interval", "zone", "expected"),
    [
        ("2024-01-06T02:30:00+01:00", "P1D", "", "2024-01-06 01:30"),
        ("2024-01-06T02:30:00+01:00", "P1D", "Europe/Brussels", "2024-01-06 02:30"),
        ("2024-07-06T02:30:00.1234567+10:00", "P7D", "Australia/Sydney", "2024-07-06 02:30"),
        ("2024-01-06T02:30:00", "PT6H", "", "2024-01-06 02:30"),
        ("2024-01-06T02:30:05Z", "P1D", "", "2024-01-06 02:30:05"),
        ("0001-01-01T00:00:00", "P1D", "", "2000-01-01 00:00"),
        ("0001-01-01T00:00:00+01:00", "PT12H", "", "2000-01-01 00:00"),
        ("", "P1D", "", "2000-01-01 00:00"),
    ],
)
def test_a_schedule_keeps_its_moments(start, interval, zone, expected):
    content = config(
        trigger(
            "scheduled-trigger",
            f"<interval>{interval}</interval><run-profile-name>FI</run-profile-name><start-date>{start}</start-date>",
        )
    )

    (entry,) = only_agent(content, zone=zone)["triggers"]
    assert entry["start"] == expected
    assert entry["run"] == {"profile": "FI"}


@pytest.mark.parametrize(
    ("kind", "members", "why"),
    [
        ("interval-trigger", "<interval>PT15M</interval>", "names no run profile"),
        ("interval-trigger", "<run-profile-name>DI</run-profile-name>", "shorter than a second"),
        (
            "scheduled-trigger",
            "<interval>-P1D</interval><run-profile-name>DI</run-profile-name>",
            "shorter than a second",
        ),
        ("powershell-trigger", "<interval>PT5S</interval>", "names no script"),
    ],
)
def test_a_trigger_that_could_not_work_is_a_comment(kind, members, why):
    imported = import_lithnet(config(trigger(kind, members)))

    assert only_agent(config(trigger(kind, members)))["triggers"] is None
    assert f"# - {{type: {kind.split('-')[0].replace('scheduled', 'schedule')}" in imported.yaml
    assert told(imported, Fate.LOOK, "trigger 1", why)


def test_a_directory_trigger_without_classes_never_fired():
    imported = import_lithnet(config(trigger("active-directory-change-trigger", "<base-dn>DC=x</base-dn>")))

    assert told(imported, Fate.LOOK, "never fired")


def test_credentials_that_counted_in_spite_of_their_switch_are_noted():
    content = config(trigger("active-directory-change-trigger", "<username>CORP\\reader</username>"))

    assert told(import_lithnet(content), Fate.LOOK, "#153")
    assert told(import_lithnet(content), Fate.AGAIN, "no password in config.xml")


def test_equal_names_and_ids_are_noted_and_the_first_counts():
    one = "<id>11111111-0000-4000-8000-000000000001</id>"
    two = "<id>11111111-0000-4000-8000-000000000002</id>"
    imported = import_lithnet(
        config(agent(one + "<disabled>true</disabled>") + agent(two, "hr") + agent(one, "HR copy"))
    )

    assert set(data_of(imported)["agents"]) == {"mim/HR", "mim/HR copy"}
    assert told(imported, Fate.LOOK, "hr", "two agents have this name")
    assert told(imported, Fate.LOOK, "HR copy", "the same id as HR")


ENGINE_AGENT = Agent(
    id=AgentId("mim/HR renamed"),
    partitions=(PartitionName("A"), PartitionName("B")),
    profiles={
        ProfileName(name): Profile(
            name=ProfileName(name), steps=(Step(kind=StepKind.DELTA_IMPORT, partition=PartitionName(partition)),)
        )
        for name, partition in (("DI", "A"), ("EX", "B"))
    },
)


def test_where_the_engine_is_known_the_id_decides():
    content = config(agent("<id>11111111-0000-4000-8000-000000000001</id>") + agent("", "Gone"))
    known = {"11111111-0000-4000-8000-000000000001": ENGINE_AGENT}
    imported = import_lithnet(content, wishes=Wishes(agents=known))

    assert data_of(imported)["agents"]["mim/HR renamed"] == {"enabled": True}
    assert data_of(imported)["agents"]["mim/Gone"] == {"enabled": False}
    assert told(imported, Fate.LOOK, "HR", "renamed")


def test_profiles_of_the_first_schema_go_where_their_first_steps_work():
    known = {"1d1d1d1d-0000-4000-8000-000000000001": ENGINE_AGENT}
    imported = import_lithnet(OLDEST, wishes=Wishes(agents=known))
    partitions = data_of(imported)["agents"]["mim/HR renamed"]["partitions"]

    assert partitions["A"]["delta-import"] == "DI"
    assert partitions["A"]["export"] is False
    assert partitions["B"]["export"] == "EX"
    assert told(imported, Fate.LOOK, "delta-sync", "DS", "left out")


def test_without_the_engine_profiles_of_the_first_schema_stand_under_default():
    block = only_agent(OLDEST)

    assert block["partitions"]["default"]["export"] == "EX"
    assert block["import-if-none-for"] == "30m"
    assert block["triggers"] == [{"type": "interval", "every": "1h30m", "run": {"profile": "DI"}, "front": True}]


NAMES = st.text(min_size=1, max_size=40).filter(
    lambda name: name.strip() == name and name.isprintable() and "#" not in name
)


@settings(max_examples=60)
@given(NAMES, NAMES, NAMES)
def test_any_name_comes_through(name, partition, profile):
    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\ufffe", "").replace("\uffff", "")

    content = config(
        agent(
            f"<partitions><partition><is-selected>true</is-selected><name>{escaped(partition)}</name>"
            f"<run-profile-export>{escaped(profile)}</run-profile-export></partition></partitions>",
            escaped(name),
        )
    )

    block = data_of(import_lithnet(content))["agents"][f"mim/{name}"]
    assert block["partitions"][partition]["export"] == profile


@settings(max_examples=60)
@given(st.data())
def test_a_mutated_file_is_taken_over_or_refused(data):
    text = data.draw(st.sampled_from([NEWEST, OLDEST])).decode()
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(text)))
        end = begin + data.draw(st.integers(0, 40))
        text = (
            text[:begin] + data.draw(st.sampled_from(["", "x", "</", "-1", "P", "\u0662", "&#13;", ":"])) + text[end:]
        )
    try:
        imported = import_lithnet(text.encode())
    except ImportRefused:
        return
    assert read_document(imported.yaml.encode(), "autosync.yaml").mistakes == ()
