"""An exported configuration becomes an agent with partitions, profiles and what its triggers need."""

import tracemalloc
from collections.abc import Iterator

import pytest

from autosync.adapters.engines.mim.reading.ma_export import DirectorySettings, read_agent
from autosync.adapters.engines.mim.reading.partitions import is_within
from autosync.adapters.engines.mim.reading.profiles import Threshold
from autosync.core.discovery import profile_for
from autosync.model.agents import MIM_SERVICE
from autosync.model.ids import ProfileName
from autosync.model.settings import AgentSettings
from autosync.model.steps import Slot, StepKind
from autosync.untrusted_xml import XmlRefused
from tests.unit.mim.samples import DATA, MIM, demo_agent, real

DEMO = "DC=demo,DC=example"


def test_an_agent_is_described_in_autosyncs_words():
    agent = demo_agent().as_agent(MIM)

    assert (agent.id, agent.category) == ("mim/Demo AD", "ad")
    assert agent.partitions == (DEMO, "DC=lab,DC=example")
    assert [(step.kind, step.partition) for step in agent.profiles[ProfileName("EDIDS")].steps] == [
        (StepKind.EXPORT, DEMO),
        (StepKind.DELTA_IMPORT_DELTA_SYNC, "DC=lab,DC=example"),
    ]


def test_a_profile_does_what_its_steps_say_not_what_its_name_says():
    agent = demo_agent().as_agent(MIM)

    assert (
        profile_for(agent, AgentSettings(id=agent.id), Slot.DELTA_IMPORT, agent.partitions[0])
        == "Full import (not really)"
    )


def test_test_runs_and_limited_steps_serve_no_purpose_by_themselves():
    agent = demo_agent()
    profiles = {profile.name: profile for profile in agent.profiles}
    described = agent.as_agent(MIM)

    assert profiles[ProfileName("Audit")].steps[0].is_test_run
    assert profiles[ProfileName("Limited")].steps[0].threshold == Threshold(objects=500)
    assert described.profiles[ProfileName("Audit")].steps[0].kind is StepKind.UNKNOWN
    assert profile_for(described, AgentSettings(id=described.id), Slot.EXPORT, described.partitions[0]) is None
    assert profiles[ProfileName("EDIDS")].steps[1].threshold == Threshold(deletions=25, batch_size=1)
    assert not profiles[ProfileName("EDIDS")].steps[1].is_partial


def test_steps_on_partitions_that_cannot_be_run_are_named():
    agent = demo_agent()
    orphan = next(profile for profile in agent.profiles if profile.name == "Orphan")

    assert [step.is_misplaced for step in orphan.steps] == [True, True, False]
    assert orphan.steps[0].partition == "{DEADBEEF-1111-4222-8333-444455556666}"
    assert orphan.steps[2].kind is StepKind.UNKNOWN
    told = "\n".join(agent.warnings)
    for word in ("DEADBEEF", "CN=Configuration", "defragment", "Empty has no steps"):
        assert word in told


def test_what_the_triggers_need_is_there():
    agent = demo_agent()
    first = agent.partitions[0]

    assert agent.directory == DirectorySettings(
        forest="demo.example", login_domain="DEMO", login_user="svc-mim", sign_and_seal=True
    )
    assert first.domain_controllers == ("dc1.demo.example", "dc2.demo.example")
    assert (first.dn, first.dns_name, first.is_domain) == (DEMO, "demo.example", True)
    assert first.last_domain_controller == "dc2.demo.example"
    assert first.object_classes == ("user", "group")
    assert (first.included, first.excluded) == ((DEMO,), ("OU=Old,DC=demo,DC=example",))


def test_the_engine_says_when_full_runs_are_due():
    first, second, third = demo_agent().partitions

    assert first.due == ("the metaverse's configuration changed",)
    assert second.due == ()
    assert len(third.due) == 4
    assert [first.is_usable, second.is_usable, third.is_usable] == [True, True, False]


def test_partitions_are_found_by_every_name():
    index = demo_agent().index
    words = [
        "{c0ffee00-1111-4222-8333-444455556666}",
        "C0FFEE00-1111-4222-8333-444455556666",
        "demo DOMAIN",
        DEMO.lower(),
    ]

    assert {partition.name for word in words if (partition := index.find(word))} == {DEMO}
    assert index.find("") is None
    assert index.find("nowhere") is None


@pytest.mark.parametrize(
    ("dn", "container", "inside"),
    [
        ("CN=a,DC=lab,DC=example", "dc=LAB,dc=example", True),
        ("DC=lab,DC=example", "DC=lab,DC=example", True),
        ("CN=aDC=lab,DC=example", "DC=lab,DC=example", False),
        (r"CN=a\,DC=lab,DC=example", "DC=lab,DC=example", False),
        (r"CN=a\\,DC=lab,DC=example", "DC=lab,DC=example", True),
        ("CN=a", "", False),
    ],
)
def test_an_object_lies_in_a_container_whose_name_ends_its_own_at_a_comma(dn, container, inside):
    assert is_within(dn, container) is inside


def test_a_mim_service_agent_names_its_service():
    agent = read_agent(
        "<ma-data><name>MIM Service</name><category>FIM</category><private-configuration><fimma-configuration>"
        "<connection-info><server>sql</server><serviceHost>http://mim.demo.example:5725</serviceHost></connection-info>"
        "</fimma-configuration></private-configuration></ma-data>"
    )

    assert (agent.category, agent.service_host) == (MIM_SERVICE, "http://mim.demo.example:5725")
    assert agent.as_agent(MIM).partitions == ("default",)


def test_of_an_extensible_agents_parameters_only_the_forest_is_read():
    agent = read_agent(
        "<ma-data><name>corp</name><category>Extensible2</category><private-configuration><MAConfig><parameter-values>"
        '<parameter name="forest-name">corp.example</parameter><parameter name="API key">s3cret</parameter>'
        "</parameter-values></MAConfig></private-configuration></ma-data>"
    )

    assert agent.directory == DirectorySettings(forest="corp.example")
    assert "s3cret" not in repr(agent)


def test_a_file_that_describes_no_agent_is_refused():
    with pytest.raises(XmlRefused, match="no exported management agent"):
        read_agent("<saved-mv-configuration><mv-data/></saved-mv-configuration>")


def large(megabytes: int) -> Iterator[str]:
    head, foot = (DATA / "management-agent.xml").read_text(encoding="utf-8").split("<join>")
    yield head
    rule = '<export-flow cd-attribute="title" id="{1}"><direct-mapping mapping-type="direct"/></export-flow>' * 100
    for _ in range(megabytes * 1024 * 1024 // len(rule)):
        yield rule
    yield "<join>" + foot


def test_a_large_file_needs_little_memory():
    text = "".join(large(2))
    tracemalloc.start()
    agent = read_agent(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert agent == demo_agent()
    assert peak < 1024 * 1024


def test_real_configurations_are_read_without_a_doubt():
    for path in real("MA-*.xml"):
        with path.open("rb") as file:
            agent = read_agent(file)
        assert agent.name
        assert agent.partitions
        assert agent.profiles
        assert agent.warnings == (), path.name


def test_the_real_directory_has_three_partitions_one_of_them_selected():
    agent = read_agent(real("*adlds*.xml")[0].read_bytes())

    assert [partition.selected for partition in agent.partitions] == [True, False, False]
    assert agent.directory is not None
    assert (agent.directory.forest, agent.directory.port) == ("localhost", 50055)
    both = next(profile for profile in agent.profiles if profile.name == "EDIDS")
    assert [step.kind for step in both.steps] == [StepKind.EXPORT, StepKind.DELTA_IMPORT_DELTA_SYNC]


def test_bits_that_are_no_number_are_named():
    agent = read_agent(
        "<export-ma><ma-data><name>HR</name><ma-partition-data><partition><name>p</name><selected>1</selected>"
        "<allowed-operations>many</allowed-operations></partition></ma-partition-data></ma-data></export-ma>"
    )

    assert "many" in agent.warnings[0]
    assert agent.partitions[0].due == ()


def test_absurdly_many_profiles_are_refused():
    profiles = "<run-configuration/>" * 20_001
    with pytest.raises(XmlRefused, match="more than 20,000"):
        read_agent(f"<ma-data><name>HR</name><ma-run-data>{profiles}</ma-run-data></ma-data>")
