"""What the stand-in writes has the shape of what real servers wrote, where files of theirs are at hand."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from autosync.adapters.engines.simulated.plans import Flow
from autosync.model.steps import StepKind
from autosync.testing.clock import FixedClock
from autosync.testing.mim.knobs import RunScript
from autosync.testing.mim.plan import MimAgent, MimPartition, MimProfile, MimServer, MimStep
from autosync.testing.mim.provider import MimProvider
from tests.unit.mim.samples import real
from tests.unit.mim_stand_in.test_what_it_writes import run

PARTITIONS = ("DC=a,DC=example", "DC=b,DC=example")


def paths(node: ET.Element, above: str = "") -> Iterator[str]:
    """Yield each element's path, with the names of its attributes, in the order of the file."""
    here = f"{above}/{node.tag}{sorted(node.attrib) or ''}"
    yield here
    for child in node:
        yield from paths(child, here)


def server() -> MimProvider:
    def profile(name: str, kind: StepKind) -> MimProfile:
        return MimProfile(name=name, steps=tuple(MimStep(kind=kind, partition=each) for each in PARTITIONS))

    agent = MimAgent(
        name="AD",
        partitions=tuple(MimPartition(name=each) for each in PARTITIONS),
        profiles=(profile("DI", StepKind.DELTA_IMPORT), profile("DS", StepKind.DELTA_SYNC)),
        flows=(Flow(agent="target"),),
    )
    made = MimProvider(MimServer(agents=(agent, MimAgent(name="target"))), FixedClock())
    made.knobs.script("AD", "DI", RunScript(incidents=("success", "failed-search")))
    made.change("AD", PARTITIONS[0])
    return made


def test_run_details_have_the_elements_and_attributes_of_real_ones() -> None:
    made = server()
    ours: set[str] = set()
    for profile in ("DI", "DS"):
        run(made, "AD", profile)
        ours |= set(paths(ET.fromstring(made.ask("AD", "RunDetails"))))

    for file in real("poshmon-*.xml"):
        theirs = set(paths(ET.fromstring(file.read_text(encoding="utf-8-sig").strip())))
        unlike = {each for each in theirs - ours if "ma-discovery-counters/" not in each and "provisioned-" not in each}
        assert not unlike, file.name


def test_the_parts_of_a_step_come_in_the_order_of_real_ones() -> None:
    made = server()
    run(made, "AD", "DI")
    run(made, "AD", "DS")
    ours = [child.tag for child in ET.fromstring(made.ask("AD", "RunDetails")).iter("step-details").__next__()]

    for file in real("poshmon-*sync*.xml"):
        steps = ET.fromstring(file.read_text(encoding="utf-8-sig").strip()).iter("step-details")
        assert [child.tag for child in next(steps)] == [tag for tag in ours if tag != "outbound-flow-counters"]


def test_agents_files_are_made_of_parts_that_real_ones_have() -> None:
    ours = {
        each
        for each in paths(ET.fromstring(server().export_agent("AD")))
        if "/schema" not in each and "/last-dc" not in each and "preferred-dc" not in each
    }
    theirs: set[str] = set()
    for file in real("MA-*.xml"):
        theirs |= set(paths(ET.fromstring(file.read_text(encoding="utf-8-sig").strip())))

    assert not ours - theirs
