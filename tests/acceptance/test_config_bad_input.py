"""Bad configuration files: a clear message with the place and the way out, never a crash, never half a file taken for a whole.

The predecessor's service did not start with an empty or half-written file (W53, #185), and failed on one whose names matched
while its ids did not (#117).
"""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosync.config.document import DEEPEST
from autosync.config.encoding import LARGEST
from autosync.config.load import Loaded, load
from autosync.config.mistakes import report
from autosync.config.reload import after_edit
from autosync.model.errors import ConfigError
from tests.unit.config.examples import WHOLE
from tests.unit.config.kinds import REGISTRIES, loaded

GOOD = WHOLE.encode()
_BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def assert_told_inside_the_file(content: bytes, result: Loaded) -> None:
    """Check what must hold for any bytes: a configuration, or mistakes that stand where the file has text."""
    assert (result.configuration is None) == bool(result.mistakes)
    lines = _BREAKS.split(content.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff"))
    for mistake in (*result.mistakes, *result.warnings):
        assert 1 <= mistake.line <= len(lines), mistake
        assert 1 <= mistake.column <= len(lines[mistake.line - 1]) + 1, mistake
        assert mistake.message.strip(), mistake
        assert "\n" not in str(mistake), mistake
        assert str(mistake).isprintable(), mistake


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only a comment\n", b"\xef\xbb\xbf", b"---\n", b"...\n"])
def test_an_empty_file_is_told_and_the_running_configuration_stays_w53(content: bytes) -> None:
    running, edited = loaded(GOOD), loaded(content)

    result = after_edit(running, edited)

    assert result.loaded is running
    assert len(result.mistakes) == 1
    assert_told_inside_the_file(content, edited)


def test_a_file_cut_anywhere_is_never_taken_for_the_whole_w53_185() -> None:
    running = loaded(GOOD)
    whole = len(GOOD.rstrip())
    good_halves = 0

    for end in range(0, whole, 7):
        half = loaded(GOOD[:end])
        assert_told_inside_the_file(GOOD[:end], half)
        good_halves += half.configuration is not None
        assert not after_edit(running, half).is_taken_over, GOOD[:end]

    assert good_halves > 5, "no cut left a file that is good by itself: the rule was not tried"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(range(256)) * 10, "binary"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\xff" * 50, "binary"),
        (GOOD[:100] + b"\x00" * 400, "NUL byte: the file is damaged"),
        (WHOLE.encode("utf-16"), "UTF-16; save it as UTF-8"),
        (WHOLE.encode("utf-16-le"), "UTF-16; save it as UTF-8"),
        (WHOLE.replace("sync01", "sync\xe9").encode("latin-1"), "is not UTF-8"),
        (b'<?xml version="1.0"?><lithnet-autosync><version>0</version></lithnet-autosync>', "expected keys and values"),
        (b'{"engines": {"home": {"type": "embedded", "agents": {"hr": {"connector": {}}}', "not closed"),
        (b"a" * (LARGEST + 1), "4.0 MB"),
        (b"engines: " + b"[" * 100_000, f"more than {DEEPEST} mappings or lists"),
        (b"engines: " + b"{a: " * 100_000, f"more than {DEEPEST} mappings or lists"),
    ],
)
def test_a_file_of_another_kind_says_what_it_is(content: bytes, words: str) -> None:
    result = loaded(content)

    assert words in result.mistakes[0].message
    assert_told_inside_the_file(content, result)


def test_json_is_yaml_too() -> None:
    result = loaded(b'{"engines": {"home": {"type": "embedded", "agents": {"hr": {"connector": {}}}}}}')

    assert result.mistakes == ()


def test_aliases_do_not_unfold_to_gigabytes() -> None:
    bomb = "x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 20))

    result = loaded(bomb + WHOLE)

    assert "aliases unfolded: too much for a configuration" in result.mistakes[0].message


def test_merged_aliases_do_not_unfold_either() -> None:
    bomb = "x-0: &a0 {" + ", ".join(f"k{n}: v" for n in range(100)) + "}\n"
    bomb += "".join(f"x-{n}: &a{n} {{p: *a{n - 1}, q: *a{n - 1}, <<: *a{n - 1}}}\n" for n in range(1, 30))

    result = loaded(bomb + WHOLE)

    assert "too much for a configuration" in result.mistakes[0].message


def test_ids_of_another_environment_do_not_exist_here_names_count_117() -> None:
    moved = loaded(WHOLE.replace("sync01.corp.example", "sync99.other.example"))

    assert moved.mistakes == ()
    assert set(moved.required().settings.agents) == set(loaded(WHOLE).required().settings.agents)


def test_two_mistakes_are_told_together_with_their_places_and_a_closing_line() -> None:
    text = """\
engines:
  sync01:
    type: embedded
    agents:
      HR: {connector: {type: csv}}
      Corp AD: {connector: {type: csv}}
agents:
  sync01/HR:
    triggers:
      - {type: interval, every: 15m}
      - type: schedule
        cron: "0 2 * * sta"
  sync01/Corp Ad:
    enabled: true
"""

    assert report(loaded(text).mistakes, 17) == (
        'autosync.yaml:12:15  agents › sync01/HR › triggers › 2 › cron: "0 2 * * sta" is no cron expression: '
        '"sta" is no weekday (did you mean sat?)\n'
        'autosync.yaml:13:3   agents › sync01/Corp Ad: no such agent on sync01 (did you mean "sync01/Corp AD"?)\n'
        "2 mistakes. The running configuration (revision 17) is unchanged."
    )


def test_a_file_that_is_not_there_or_is_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "autosync.yaml", REGISTRIES, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, REGISTRIES, {})


def test_relative_paths_start_in_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "autosync.yaml").write_text(WHOLE, encoding="utf-8")

    result = load(tmp_path / "autosync.yaml", REGISTRIES, {"MIM_PASSWORD": "x"})

    assert result.required().triggers[0].options == tmp_path / "hr.csv"
    assert result.required().service.token_file == tmp_path / "autosync.token"


SPICE = [
    "\t",
    "  ",
    "\n",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    "&a ",
    "*a",
    "!x ",
    "<<: ",
    "#",
    "|",
    ">",
    "%",
    "@",
    "---\n",
    "\x00",
    "\u2028",
    "\N{GRINNING FACE}",
    "999999999999",
    "null",
]


def spoilt(seed: int) -> bytes:
    """Return the good file with some of it cut out, doubled, put elsewhere or sprinkled with what YAML reacts to."""
    chance = random.Random(seed)
    text = WHOLE
    for _ in range(chance.randint(1, 3)):
        at, length = chance.randrange(len(text) + 1), chance.randrange(40)
        piece = text[at : at + length]
        match chance.randrange(5):
            case 0:
                text = text[:at] + text[at + length :]
            case 1:
                text = text[:at] + piece + text[at:]
            case 2:
                text = text[:at]
            case 3:
                text = text[:at] + chance.choice(SPICE) + text[at:]
            case _:
                to = chance.randrange(len(text) + 1)
                text = text[:to] + piece + text[to:]
    content = text.encode()
    if chance.random() < 0.1 and content:
        at = chance.randrange(len(content))
        content = content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
    return content


def test_a_hundred_spoilt_files_never_crash_and_tell_places_inside_the_file() -> None:
    kinds = {"good": 0, "one": 0, "several": 0}

    for seed in range(150):
        content = spoilt(seed)
        result = loaded(content)
        assert_told_inside_the_file(content, result)
        kinds["good" if not result.mistakes else "one" if len(result.mistakes) == 1 else "several"] += 1

    assert min(kinds.values()) > 3, f"some kind of file was not tried: {kinds}"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reading(content: bytes) -> None:
    assert_told_inside_the_file(content, loaded(content))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*SPICE, "engines", "agents", "home/hr", "type", "mim", "cron", "1", "x", " ", ", "]),
        max_size=40,
    )
)
def test_no_mixture_of_yamls_signs_crashes_the_reading(pieces: list[str]) -> None:
    content = "".join(pieces).encode()

    assert_told_inside_the_file(content, loaded(content))


KEYS = st.sampled_from(["type", "cron", "every", "deletes", "x"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    "service",
    "service/listen",
    "service/store",
    "service/retention",
    "engines",
    "engines/m",
    "engines/m/type",
    "engines/m/password",
    "agents",
    "agents/m~a",
    "agents/m~a/triggers",
    "agents/m~a/guards",
    "agents/m~a/guards/staged/deletes",
    "agents/m~a/retry",
    "agents/m~a/lock-with",
    "agents/m~a/partitions",
    "exclusions",
    "notify",
    "notify/routes",
    "notify/log",
    "x-mine",
]


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from(PATHS), value=PLAIN, in_list=st.booleans())
def test_no_value_in_any_place_crashes_the_reading(path: str, value: object, in_list: bool) -> None:
    data: object = [value] if in_list else value
    for key in reversed(path.split("/")):
        data = {key.replace("~", "/"): data}
    assert isinstance(data, dict)
    content = json.dumps({"engines": {"m": {"type": "mim"}}, **data}).encode()

    result = loaded(content)

    assert_told_inside_the_file(content, result)
