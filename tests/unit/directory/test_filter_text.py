"""Filters as people write them (RFC 4515)."""

import pytest

from autosync.directory.errors import BadFilter
from autosync.directory.filter_text import parse_filter
from autosync.directory.filters import And, AtLeast, AtMost, Equals, Matches, Not, Or, Parts, Present, Sounds


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(cn=Babs Jensen)", Equals("cn", "Babs Jensen")),
        ("cn=x", Equals("cn", "x")),
        ("(!(cn=Tim Howes))", Not(Equals("cn", "Tim Howes"))),
        (
            "(&(objectClass=Person)(|(sn=Jensen)(cn=Babs J*)))",
            And(
                (Equals("objectClass", "Person"), Or((Equals("sn", "Jensen"), Parts(attribute="cn", begins="Babs J"))))
            ),
        ),
        ("(o=univ*of*mich*)", Parts(attribute="o", begins="univ", contains=("of", "mich"))),
        ("(seeAlso=)", Equals("seeAlso", "")),
        (
            "(cn:caseExactMatch:=Fred Flintstone)",
            Matches(value="Fred Flintstone", attribute="cn", rule="caseExactMatch"),
        ),
        ("(cn:=Betty)", Matches(value="Betty", attribute="cn")),
        ("(sn:dn:2.4.6.8.10:=Barney)", Matches(value="Barney", attribute="sn", rule="2.4.6.8.10", dn_too=True)),
        ("(o:dn:=Ace)", Matches(value="Ace", attribute="o", dn_too=True)),
        ("(:1.2.3:=Wilma)", Matches(value="Wilma", rule="1.2.3")),
        (r"(o=Parens R Us \28for all your needs\29)", Equals("o", "Parens R Us (for all your needs)")),
        (r"(cn=*\2A*)", Parts(attribute="cn", contains=("*",))),
        (r"(filename=C:\5cMyFile)", Equals("filename", "C:\\MyFile")),
        (r"(bin=\00\00\ff)", Equals("bin", b"\0\0\xff")),
        (r"(sn=Lu\c4\8di\c4\87)", Equals("sn", "Lučić")),
        (
            "( & (a>=1) (b<=2) (c~=3) (d=*) )",
            And((AtLeast("a", "1"), AtMost("b", "2"), Sounds("c", "3"), Present("d"))),
        ),
        ("(&)", And(())),
        ("(cn;lang-de=x)", Equals("cn;lang-de", "x")),
    ],
)
def test_the_examples_of_the_rfc(text: str, wanted: object) -> None:
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(cn=a", r"at its end: expected '\)'"),
        ("(cn=a))", "nothing may follow"),
        ("(c n=a)", "'c n' is no name"),
        ("(cn=a**b)", "side by side"),
        ("(!)", r"character 3"),
        ("()", "name of an attribute is missing"),
        (r"(cn=a\zz)", r"written \\5c"),
        ("(cn=(x))", r"written \\28"),
        ("(cn>5)", "expected '='"),
        ("(cn>=*)", r"written \\2a"),
        ("(:=x)", "must be named"),
        ("(a:b:c:d:=x)", "expected attribute:rule"),
        ("(" * 200, "deeper|missing"),
        ("(!" * 200 + "(a=b)" + ")" * 200, "deeper"),
        ("", "missing"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(BadFilter, match=reason):
        parse_filter(text)
