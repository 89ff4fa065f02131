"""Names in queries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.testing.mim.wql import query_of
from autosync.windows_remoting.failures import RemotingFailed
from autosync.windows_remoting.wql import legal, quoted

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))


@given(NAMES, NAMES)
def test_a_quoted_name_is_compared_and_nothing_else(name: str, other: str) -> None:
    test = query_of(f"SELECT * FROM C WHERE Name = {quoted(name)}").test

    assert test({"name": name})
    assert test({"name": other}) is (other.casefold() == name.casefold())


@pytest.mark.parametrize("name", ["a\0b", "\x1b[2J", "\ud800", "\uffff"])
def test_what_xml_cannot_hold_is_asked_for_nowhere(name: str) -> None:
    with pytest.raises(RemotingFailed):
        legal(name)
