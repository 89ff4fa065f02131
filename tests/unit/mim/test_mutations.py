"""Files that were cut, twisted or made up never crash a reader: they are read, or refused in the reader's own words."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autosync.adapters.engines.mim.reading.csexport import EXPORTS, partitions_with_changes, read_pending
from autosync.adapters.engines.mim.reading.ma_export import read_agent
from autosync.adapters.engines.mim.reading.run_history import Known, read_runs
from autosync.untrusted_xml import XmlRefused
from tests.unit.mim.samples import DATA, MIM, demo_agent

INDEX = demo_agent().index
KNOWN = Known(engine=MIM, partitions={"demo ad": INDEX})

READERS: dict[str, Callable[[Any], object]] = {
    "run-history-two-partitions.xml": lambda source: list(read_runs(source, KNOWN)),
    "management-agent.xml": lambda source: read_agent(source).as_agent(MIM),
    "csexport-pending-exports.xml": lambda source: (
        partitions_with_changes(source, EXPORTS, INDEX),
        read_pending(source, EXPORTS, INDEX),
    ),
}
WORDS = [
    "-1",
    "9" * 5000,
    "1e3",
    "\u0662",
    "",
    "<",
    "&amp;",
    "</",
    "{",
    "\x00",
    "<x>",
    "</x>",
    "0x1",
    "2024-13-45 25:61:61",
    "\ufeff",
]


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str | bytes:
    """Cut pieces out, double them, or put odd words in; as text, or as bytes of some encoding."""
    for _ in range(draw(st.integers(1, 5))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 200)))
        middle = draw(st.sampled_from([*WORDS, text[begin:end] * 2]) | st.text(max_size=10))
        text = text[:begin] + middle + text[end:]
    encoding = draw(st.sampled_from(["", "utf-8", "utf-16", "utf-16-le", "windows-1252"]))
    return text.encode(encoding, errors="replace") if encoding else text


@pytest.mark.parametrize("name", READERS)
def test_a_mutated_file_is_read_or_refused(name):
    text = (DATA / name).read_text(encoding="utf-8")
    ends: Counter[str] = Counter()

    @settings(max_examples=120)
    @given(mutated(text))
    @example(text)
    @example(text[:-20])
    def mutate(source):
        try:
            READERS[name](source)
        except XmlRefused:
            ends["refused"] += 1
        else:
            ends["read"] += 1

    mutate()

    assert set(ends) == {"refused", "read"}


PLACES = {
    "run-history-two-partitions.xml": [
        "step-details",
        "run-number",
        "step-type",
        "stage-add",
        "partition",
        "import-error",
    ],
    "management-agent.xml": ["partition", "selected", "step", "threshold", "allowed-operations", "run-configuration"],
    "csexport-pending-exports.xml": ["delta", "partition-id", "export-delta-operation", "cs-object"],
}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, places in PLACES.items() for place in places])
def test_well_formed_nonsense_is_read(name, place):
    """Renamed elements keep the file well formed: no reader may refuse one but for what it cannot do without."""
    text = (DATA / name).read_text(encoding="utf-8")
    renamed = re.sub(rf"(</?){place}(?=[\s/>])", r"\1unheard-of", text)

    assert renamed != text
    assert READERS[name](renamed)
