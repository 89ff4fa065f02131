"""The part of WQL that the stand-in understands."""

import pytest

from autosync.testing.mim.wql import NotUnderstood, query_of

ROW = {"name": 'O\'Neill \\ "x"', "status": "success", "number": "7"}


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("Status='success'", True),
        ('STATUS = "SUCCESS"', True),
        ("Status<>'success'", False),
        ("NOT Status != 'success' AND Number='7'", True),
        ("Number > '6' AND (Status = 'x' OR Number <= '7')", True),
        ("Status='x' OR Number='7' AND Status='y'", False),
        (r"""Name='O\'Neill \\ "x"'""", True),
        (r"""Name="O'Neill \\ \"x\"" """, True),
        ("Missing=''", False),
    ],
)
def test_rows_are_compared_as_wmi_does(where: str, fits: bool) -> None:
    assert query_of(f"SELECT * FROM MIIS_RunHistory WHERE {where}").test(ROW) is fits


def test_a_query_names_its_class_and_what_it_wants() -> None:
    query = query_of("select Key , RunNumber from MIIS_RunHistory")

    assert (query.of, query.names) == ("MIIS_RunHistory", ("Key", "RunNumber"))
    assert query.wants("key")
    assert not query.wants("RunStatus")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT",
        "SELECT * FROM",
        "SELECT * FROM A WHERE",
        "SELECT * FROM A WHERE B",
        "SELECT * FROM A WHERE B LIKE 'x'",
        "SELECT * FROM A WHERE B='x' OR 'y'='y'",
        "SELECT * FROM A WHERE (B='x'",
        "SELECT * FROM A; SELECT * FROM B",
        "SELECT 'x' FROM A",
    ],
)
def test_what_it_has_not_is_not_guessed(text: str) -> None:
    with pytest.raises(NotUnderstood):
        query_of(text)
