"""Distinguished names (RFC 4514): read, written, compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.directory.errors import BadName
from autosync.directory.names import (
    ancestors,
    escape_value,
    is_within,
    normal_name,
    parent_of,
    parse_name,
    render_name,
    same_name_key,
    split_name,
)

VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
KINDS = st.sampled_from(["cn", "OU", "dc", "2.5.4.3", "x-y"])
PARTS = st.tuples(KINDS, st.one_of(VALUES, st.binary(min_size=1, max_size=4)))
RDNS = st.lists(PARTS, min_size=1, max_size=2).map(tuple)


@given(st.lists(RDNS, max_size=4).map(tuple))
def test_what_is_rendered_is_parsed(name) -> None:
    assert parse_name(render_name(name)) == name


@given(st.lists(RDNS, min_size=1, max_size=4).map(tuple))
def test_a_key_is_the_same_in_every_spelling(name) -> None:
    text = render_name(name)

    key = same_name_key(text)

    assert same_name_key(key) == key
    assert same_name_key(text.replace(",", " , ") if "\\" not in text else text) == key
    assert len(ancestors(key)) == len(name) - 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=A,DC=B", "cn=a,dc=b"),
        ("cn=a , dc = b", "cn=a,dc=b"),
        ("cn=a;dc=b", "cn=a,dc=b"),
        ("cn=x\\2cy,dc=b", "cn=x\\,y,dc=b"),
        ("2.5.4.3=a,dc=b", "cn=a,dc=b"),
        ("OID.2.5.4.3=a,dc=b", "commonName=a,dc=b"),
        ("cn=a+sn=b,dc=c", "SN=b + CN=a,dc=c"),
        ("cn=two  words,dc=b", "cn=Two Words,dc=b"),
        ('cn="a,b",dc=c', "cn=a\\,b,dc=c"),
        ("cn=\\c3\\89,dc=c", "cn=é,dc=c"),
    ],
)
def test_names_that_mean_the_same_have_the_same_key(one: str, other: str) -> None:
    assert same_name_key(one) == same_name_key(other)


def test_names_that_differ_have_other_keys() -> None:
    texts = ["cn=a,dc=b", "cn=a,dc=c", "cn=a\\,dc=b", "cn=a+dc=b", "cn=#6100,dc=b", "dc=b", "cn=\\#6100,dc=b"]

    assert len({same_name_key(text) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    "text", ["cn", "cn=a,", ",cn=a", "cn=a<b", "=a", "cn=a,,dc=b", "cn=\\ff,dc=b", "cn=a\\", 'cn="a', "1.=a"]
)
def test_what_is_no_name_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(BadName, match="distinguished name"):
        parse_name(text)


def test_parents() -> None:
    assert split_name("cn=a\\,b, ou=x,dc=y") == ("cn=a\\,b", "ou=x,dc=y")
    assert parent_of("dc=y") == ""
    assert ancestors("cn=a\\,b,ou=x,dc=y") == ["ou=x,dc=y", "dc=y"]
    assert is_within("cn=a,dc=y", "dc=y")
    assert is_within("dc=y", "dc=y")
    assert not is_within("cn=a,xdc=y", "dc=y")
    assert not is_within("dc=y", "cn=a,dc=y")
    with pytest.raises(BadName, match="no parent"):
        split_name("")


def test_escaped_values_stand_in_names() -> None:
    for value in [" a ", "#a", "a,b", 'a"b', "a+b", "a\\b", "é", "a=b", "\n", "a;b<c>"]:
        assert parse_name(f"cn={escape_value(value)},dc=x")[0] == (("cn", value),)


def test_normal_names_keep_octets() -> None:
    assert normal_name(parse_name("CN=#0403")) == ((("cn", b"\x04\x03"),),)
