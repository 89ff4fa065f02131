"""XML that nobody vouches for is read with bounds, or refused with a reason."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.untrusted_xml import Choice, Limits, Node, SubtreeReader, XmlRefused, rooted, subtrees, whole

DECLARED = '<?xml version="1.0" encoding="utf-16"?>\r\n<a b="1">\N{LATIN SMALL LETTER E WITH ACUTE}<c/>d</a>'
MEANT = Node("a", {"b": "1"}, "\N{LATIN SMALL LETTER E WITH ACUTE}d", [Node("c", {})])


@pytest.mark.parametrize(
    "source",
    [
        DECLARED,
        "\ufeff \r\n" + DECLARED,
        DECLARED.encode("utf-8"),
        b"\xef\xbb\xbf\r\n" + DECLARED.encode("utf-8"),
        DECLARED.encode("utf-16"),
        DECLARED.encode("utf-16-le"),
        DECLARED.encode("utf-16-be"),
        ("\ufeff\n" + DECLARED).encode("utf-16-le"),
        DECLARED.replace("utf-16", "windows-1252").encode("windows-1252"),
        list(DECLARED),
        [bytes([byte]) for byte in DECLARED.encode("utf-16")],
        [b" " * 70_000, DECLARED.encode("utf-8")],
    ],
)
def test_the_declared_encoding_yields_to_the_real_one(source):
    assert whole(source) == MEANT


BOMB = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>'
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (BOMB, "document type declaration"),
        (OUTSIDE, "document type declaration"),
        ("<a>&lurking;</a>", "undefined entity"),
        ("<a>" * 101 + "</a>" * 101, "more than 100 elements inside each other"),
        ("<a " + " ".join(f'b{number}="1"' for number in range(65)) + "/>", "more than 64 attributes"),
        (b"", "empty"),
        (" \n", "empty"),
        (b"\xff\xfe", "empty"),
        ("access-denied", "this is no XML"),
        ("<a>", "this is no XML"),
        ("<a/><b/>", "this is no XML"),
        ("<a>\x00</a>", "this is no XML"),
        ("<a>\ud800</a>", "no characters"),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "encoding that cannot be read"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "encoding that cannot be read"),
    ],
)
def test_hostile_and_broken_xml_is_refused_with_a_reason(source, reason):
    with pytest.raises(XmlRefused, match=reason):
        whole(source)


def test_what_stands_in_the_file_is_not_repeated():
    with pytest.raises(XmlRefused) as refused:
        whole("<a><secret-password</a>")

    assert "secret" not in str(refused.value)


def test_a_file_that_is_too_long_is_refused_before_it_is_read_to_the_end():
    def endless() -> Iterator[str]:
        yield "<a>"
        while True:
            yield "<b/>" * 1000

    with pytest.raises(XmlRefused, match="longer than 100,000"):
        list(subtrees(endless(), lambda _: Choice.ENTER, limits=Limits(size=100_000)))


def test_a_stream_without_end_cannot_fill_the_memory_with_one_element():
    def endless(piece: str) -> Iterator[str]:
        yield "<a>"
        while True:
            yield piece

    for piece in ("<b/>" * 1000, "x" * 4000):
        with pytest.raises(XmlRefused, match="holds more than 50,000"):
            list(subtrees(endless(piece), lambda _: Choice.KEEP, limits=Limits(size=None, kept=50_000)))


def test_a_stream_without_end_cannot_fill_the_memory_with_one_tag():
    def endless() -> Iterator[str]:
        yield '<a b="'
        while True:
            yield "x" * 10_000

    with pytest.raises(XmlRefused, match="longer than 100,000 bytes"):
        list(subtrees(endless(), lambda _: Choice.SKIP, limits=Limits(size=None, token=100_000)))


def test_only_what_is_wanted_is_built():
    source = "<r><x><k>no</k></x><y><k>1<drop>secret<k>2</k></drop>3</k></y><k>4</k></r>"

    def choose(path: tuple[str, ...]) -> Choice:
        return Choice.KEEP if path[-1] == "k" else Choice.SKIP if path[-1] == "x" else Choice.ENTER

    found = list(subtrees(source, choose, dropped=frozenset({"drop"})))

    assert found == [Node("k", {}, "13"), Node("k", {}, "4")]


def test_subtrees_come_out_as_soon_as_they_end():
    reader = SubtreeReader(lambda path: Choice.KEEP if len(path) == 2 else Choice.ENTER)
    padding = "<!--" + "x" * 600 + "-->"

    assert reader.feed(f"<r>{padding}<a/>{padding}") == [Node("a", {})]
    assert reader.feed("<b") == []
    assert reader.feed(f"/>{padding}") == [Node("b", {})]


def test_fragments_get_a_root():
    pieces = ['\ufeff<?xml version="1.0" encoding="utf-16"?><a/>', "<b/>text"]

    assert whole(rooted(pieces, "r")) == Node("r", {}, "text", [Node("a", {}), Node("b", {})])


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything_is_read_or_refused(source):
    with suppress(XmlRefused):
        assert whole(source).name
