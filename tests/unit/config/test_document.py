import pytest

from autosync.config.document import DEEPEST, MOST_VALUES, Document, Spot, read_document
from autosync.config.encoding import LARGEST


def read(text: str | bytes) -> Document:
    return read_document(text.encode() if isinstance(text, str) else text, "f.yaml")


def told(text: str | bytes) -> list[str]:
    return [str(mistake).removeprefix("f.yaml:") for mistake in read(text).mistakes]


def test_every_value_knows_its_place() -> None:
    document = read("a:\n  b: [x, {c: 1}]\n  d:\n    e: 2\n")

    assert document.data == {"a": {"b": ["x", {"c": 1}], "d": {"e": 2}}}
    assert document.spot(("a", "b", 1, "c")) == Spot(2, 14)
    assert document.spot(("a", "b", 1, "c"), on_key=True) == Spot(2, 11)
    assert document.spot(("a", "b", 0)) == Spot(2, 7)


def test_a_mapping_is_at_its_key_and_what_is_missing_at_what_should_have_it() -> None:
    document = read("a:\n  d:\n    e: 2\n")

    assert document.spot(("a", "d")) == Spot(2, 3)
    assert document.spot(("a", "d", "missing", "deeper")) == Spot(2, 3)
    assert document.spot(("missing",)) == Spot(1, 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("10:30", "10:30"),
        ("2026-01-31", "2026-01-31"),
        ("0123", "0123"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
        ("e5", "e5"),
        (".", "."),
        ("-", None),
        ("12", 12),
        ("-7", -7),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_only_plain_numbers_and_true_and_false_are_not_text(text: str, value: object) -> None:
    data = read(f"a: {text}\n").data if text != "-" else {"a": None}

    assert data == {"a": value}
    assert isinstance(data, dict)
    assert type(data["a"]) is type(value)


def test_keys_are_texts_as_they_stand() -> None:
    assert read("1: a\nyes: b\n'null': c\n").data == {"1": "a", "yes": "b", "null": "c"}


def test_a_key_given_twice_is_a_mistake_at_the_second() -> None:
    assert told("a: 1\nb:\n  c: 1\n  c: 2\n") == ['4:3  b: "c" is given twice; first in line 3']


def test_aliases_and_merged_keys_work_and_keep_their_places() -> None:
    document = read("x: &base {q: 1, r: 2}\nc:\n  <<: *base\n  q: 3\nd: {<<: [*base, {s: 4}]}\ne: *base\n")

    assert document.mistakes == ()
    assert document.data == {
        "x": {"q": 1, "r": 2},
        "c": {"q": 3, "r": 2},
        "d": {"q": 1, "r": 2, "s": 4},
        "e": {"q": 1, "r": 2},
    }
    assert document.spot(("c", "r")) == Spot(1, 20)
    assert document.spot(("c", "q")) == Spot(4, 6)


def test_merging_what_is_no_mapping_is_a_mistake() -> None:
    assert told("x: &base 1\nc:\n  <<: *base\n") == [
        "3:7  c: << takes in keys and values (an alias of a mapping, or a list of such)"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1  the file is empty; restore it, or begin with engines: (keys: autosync config schema)"),
        (" \n\n", "1:1  the file is empty; restore it, or begin with engines: (keys: autosync config schema)"),
        ("# x\n", "1:1  the file has nothing but comments; begin with engines: (keys: autosync config schema)"),
        ("- a\n", "1:1  expected keys and values, such as engines: and agents:"),
        ("a: 1\n---\nb: 2\n", "2:1  a second YAML document begins here (---); one file holds one"),
        ("a:\n\t- x\n", "2:1  a: a tab cannot indent YAML; use spaces"),
        ("a: b: c\n", '1:5  a ": " inside a text needs quotes around the text; or the indentation is wrong'),
        ("a: [1, 2\nb: 3\n", "2:2  a: a list in [ ] is not closed, or a comma is missing (it begins in line 1)"),
        ("a: {b: 1\nc: 3\n", "2:2  a: a mapping in { } is not closed, or a comma is missing (it begins in line 1)"),
        ("a: 'x\nb: 3\n", "3:1  a: the file ends inside a quoted text (it begins in line 1)"),
        ("a: @x\n", '1:4  a: a text that begins with "@" needs quotes'),
        ("a: */5 * * *\n", "1:5  a: a text that begins with * or & needs quotes"),
        ("a: *x\n", "1:4  a: this alias has no anchor (&…) above it; a text that begins with * needs quotes"),
        ("a: &x [*x]\n", "1:8  a › 1: this alias stands inside its own anchor, and would never end"),
        (
            "a: {? [b] : c}\n",
            "1:7  a: a key must be a text; put it in quotes if it has braces, brackets or begins with * or !",
        ),
        ("a: \x07\n", "1:4  the invisible character U+0007 may not stand here; delete it"),
        ("a: x\x00\n", "1:5  a NUL byte: the file is damaged (as after a power failure) or binary; restore it"),
    ],
)
def test_each_broken_file_is_told_in_one_plain_sentence(text: str, expected: str) -> None:
    assert told(text) == [expected]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [x]", "!x y", "!!str 5", "! z"])
def test_tags_are_refused(tag: str) -> None:
    assert told(f"a: {tag}\n") == [
        "1:4  a: YAML tags (a word that begins with !) are not used here; a text with ! needs quotes"
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognized(encoding: str) -> None:
    assert told("a: 1\nb: text\n".encode(encoding)) == [
        "1:1  the file is UTF-16; save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)"
    ]


def test_another_encoding_is_told_where_it_shows() -> None:
    assert told("a: 1\nb: caf\xe9\n".encode("latin-1")) == [
        "2:7  byte 0xE9 is not UTF-8; the file seems to be saved in another encoding (Windows-1252, Latin-1): save it as UTF-8"
    ]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    document = read(b"\xef\xbb\xbfa: 1\n")

    assert document.data == {"a": 1}
    assert document.spot(("a",), on_key=True) == Spot(1, 1)


def test_columns_count_characters() -> None:
    assert read("'\N{GRINNING FACE}': {b: 1}\n").spot(("\N{GRINNING FACE}", "b")) == Spot(1, 10)


def test_nesting_is_bounded_and_told() -> None:
    deepest = "a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)

    assert read(deepest).mistakes == ()
    (mistake,) = read("a: " + "[" * 100_000).mistakes
    assert f"more than {DEEPEST} mappings or lists inside each other" in mistake.message


def test_an_alias_bomb_is_counted_unfolded() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))

    (mistake,) = read(bomb).mistakes

    assert f"more than {MOST_VALUES:,} values" in mistake.message


def test_a_huge_file_is_refused_unread() -> None:
    (mistake,) = read(b"a" * (LARGEST + 1)).mistakes

    assert "the file has 4.0 MB" in mistake.message


@pytest.mark.parametrize(
    "text", ["p: *hunter2\n", "p: !hunter2\n", "p: 'hunter2\n", "p: @hunter2\n", "p: {hunter2\n", "p: hunter2: x\n"]
)
def test_no_complaint_about_syntax_repeats_what_may_be_a_password(text: str) -> None:
    messages = told(text)

    assert messages
    assert not any("hunter2" in message for message in messages)
