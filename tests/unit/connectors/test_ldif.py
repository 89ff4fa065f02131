"""LDIF (RFC 2849): reading, files of changes, writing."""

import base64
from pathlib import Path

import pytest

from autosync.syncengine.connectors.ldif import blocks
from autosync.syncengine.connectors.ldif.delta import parent_of
from autosync.syncengine.connectors.port import Change, ChangeKind, ConnectorError, EntryError, ReferenceBy
from autosync.syncengine.connectors.registry import make_connector
from tests.unit.connectors.systems import Reading

ADA = b"dn: uid=ada,dc=x\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\n"
BOB = b"dn: uid=bob,dc=x\nobjectClass: inetOrgPerson\nuid: bob\ncn: Bob\n"


def connector(folder: Path, content: bytes | None = None, **settings):
    if content is not None:
        (folder / "x.ldif").write_bytes(content)
    types = {"inetOrgPerson": "person", "groupOfNames": "group"}
    return make_connector({"type": "ldif", "path": "x.ldif", "object-types": types, **settings}, folder)


def read(folder: Path, content: bytes, **settings) -> Reading:
    return Reading(connector(folder, content, **settings).open_full("default"))


def export(target, *changes: Change):
    writer = target.open_export("default")
    outcomes = writer.write(changes)
    writer.close()
    return outcomes


def change(kind: ChangeKind, dn: str, **attributes) -> Change:
    return Change(kind=kind, object_type="person", anchor=dn, dn=dn, attributes=attributes)


def test_folds_base64_comments_and_several_values(tmp_path) -> None:
    content = (
        b"version: 1\n# a comment\n#  that goes\n  on\ndn: uid=ada,\n dc=x\nobjectclass: top\nobjectClass: INETORGPERSON\n"
        b"cn:: "
        + base64.b64encode("Adä\n".encode())
        + b"\n# inside\ndescription: a lo\n ng li\n ne\nphone:1\nphone: 2\nempty:\n"
        b"manager: uid=bob,dc=x\njpegPhoto:: AP8=\nactive: TRUE\n\n\n\n" + BOB
    )

    reading = read(tmp_path, content, types={"jpegPhoto": "binary", "active": "boolean"}, **{"multi-valued": ["phone"]})

    ada = reading.entries["uid=ada,dc=x"]
    assert reading.errors == []
    assert reading.complete
    assert ada.object_type == "person"
    assert ada.attributes == {
        "objectClass": ["top", "INETORGPERSON"],
        "cn": "Adä\n",
        "description": "a long line",
        "phone": ["1", "2"],
        "manager": "uid=bob,dc=x",
        "jpegPhoto": b"\0\xff",
        "active": True,
    }
    assert reading.objects["uid=bob,dc=x"] == {"uid": "bob", "cn": "Bob"}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1 << 20])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_pieces_of_any_size_give_the_same(tmp_path, monkeypatch, size, newline) -> None:
    monkeypatch.setattr(blocks, "CHUNK_BYTES", size)
    content = (b"version: 1\n\n" + ADA + b"\n\n\n" + BOB).replace(b"\n", newline)

    reading = read(tmp_path, content)

    assert reading.objects == {"uid=ada,dc=x": {"uid": "ada", "cn": "Ada"}, "uid=bob,dc=x": {"uid": "bob", "cn": "Bob"}}
    assert reading.complete


@pytest.mark.parametrize(
    ("record", "error_type", "line"),
    [
        (b"cn: nobody\nobjectClass: inetOrgPerson\n", "missing-dn", 6),
        (b"dn: uid=eve,dc=x\nobjectClass: inetOrgPerson\n", "missing-anchor-component", 6),
        (b"dn:: ***\nuid: eve\n", "invalid-base64-value", 6),
        (b"dn: uid=eve,dc=x\nuid: eve\nchangetype: delete\n", "invalid-change-type", 6),
        (ADA, "duplicate-object", 6),
        (b"dn: uid=\xff,dc=x\nuid: eve\n", "parse-error", 6),
    ],
)
def test_a_record_that_nobody_can_assign_is_reported_by_its_line(tmp_path, record, error_type, line) -> None:
    reading = read(tmp_path, ADA + b"\n" + record + b"\n" + BOB, anchor="uid")

    assert [(error.error_type, error.line) for error in reading.errors] == [(error_type, line)]
    assert set(reading.entries) == {"ada", "bob"}
    assert not reading.complete


@pytest.mark.parametrize(
    ("line", "error_type"),
    [
        (b"number: x", "invalid-numeric-value"),
        (b"cn: again", "multi-single-mismatch"),
        (b"photo:: *", "invalid-base64-value"),
        (b"photo:< file:///etc/passwd", "unsupported-value-type"),
        (b"no colon", "parse-error"),
        (b"sn:: /w==", "parse-error"),
    ],
)
def test_a_bad_value_is_the_entrys_error_with_its_line(tmp_path, line, error_type) -> None:
    reader = connector(tmp_path, BOB + b"\n" + ADA + line + b"\n", types={"number": "integer"}).open_full("default")

    with reader:
        batches = {anchor: batch for batch in reader for anchor in batch.anchors}
        batch = batches["uid=ada,dc=x"]
        with pytest.raises(EntryError) as caught:
            batch.entry(batch.anchors.index("uid=ada,dc=x"))

    assert (caught.value.error.error_type, caught.value.error.line) == (error_type, 10)
    assert reader.complete


@pytest.mark.parametrize(
    ("classes", "error_type"), [(b"", "missing-object-class"), (b"objectClass: device\n", "unmappable-object-type")]
)
def test_an_entry_of_no_known_class(tmp_path, classes, error_type) -> None:
    reader = connector(tmp_path, b"dn: cn=x\n" + classes).open_full("default")

    with reader, pytest.raises(EntryError) as caught:
        next(iter(reader)).entry(0)

    assert caught.value.error.error_type == error_type


def test_a_file_that_ends_in_the_middle_of_a_line_is_not_whole(tmp_path) -> None:
    assert not read(tmp_path, ADA + b"\n" + BOB + b"mai").complete
    assert read(tmp_path, ADA + b"\n" + BOB + b"mail: b@x").complete


def test_a_missing_file(tmp_path) -> None:
    with pytest.raises(ConnectorError) as caught:
        connector(tmp_path).open_full("default")

    assert caught.value.status == "no-start-file-not-found"


def test_changes_are_applied_to_the_entries_in_the_content_file(tmp_path) -> None:
    source = connector(tmp_path, ADA + b"\n" + BOB, changes="c.ldif", **{"multi-valued": ["mail"]})
    token = Reading(source.open_full("default")).token
    (tmp_path / "c.ldif").write_bytes(
        b"version: 1\n\n"
        b"dn: uid=ada,dc=x\nchangetype: modify\nreplace: cn\ncn: Ada L\n-\nadd: mail\nmail: a@x\nmail: l@x\n-\n\n"
        b"dn: uid=ada,dc=x\nchangetype: modify\ndelete: mail\nmail: a@x\n-\ndelete: uid\n-\n\n"
        b"dn: uid=bob,dc=x\nchangetype: modrdn\nnewrdn: uid=rob\ndeleteoldrdn: 1\nnewsuperior: ou=p,dc=x\n\n"
        b"dn: uid=eve,dc=x\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Eve\n\n"
        b"dn: uid=old,dc=x\nchangetype: delete\n"
    )

    reading = Reading(source.open_delta("default", token))

    assert reading.objects == {
        "uid=ada,dc=x": {"cn": "Ada L", "mail": ["l@x"]},
        "uid=rob,ou=p,dc=x": {"uid": "bob", "cn": "Bob"},
        "uid=eve,dc=x": {"cn": "Eve"},
    }
    assert sorted(reading.deleted) == ["uid=bob,dc=x", "uid=old,dc=x"]
    assert reading.complete


@pytest.mark.parametrize(
    ("record", "error_type"),
    [
        (b"dn: uid=nobody,dc=x\nchangetype: modify\nreplace: cn\ncn: x\n-\n", "need-full-object"),
        (b"dn: uid=ada,dc=x\nchangetype: modify\nfrobnicate: cn\ncn: x\n-\n", "invalid-modification-type"),
        (b"dn: uid=ada,dc=x\nchangetype: frobnicate\n", "invalid-change-type"),
        (b"dn: uid=ada,dc=x\nchangetype: modrdn\n", "parse-error"),
        (b"changetype: delete\n", "missing-dn"),
    ],
)
def test_a_change_that_cannot_be_applied_is_an_error(tmp_path, record, error_type) -> None:
    source = connector(tmp_path, ADA, changes="c.ldif")
    token = Reading(source.open_full("default")).token
    (tmp_path / "c.ldif").write_bytes(record)

    reading = Reading(source.open_delta("default", token))

    assert [error.error_type for error in reading.errors] == [error_type]
    assert not reading.complete


def test_an_export_touches_only_the_lines_that_change(tmp_path) -> None:
    head = b"version: 1\n\n# people\n\ndn: uid=ada,dc=x\nobjectClass: inetOrgPerson\n# kept\nuid: ada\n"
    target = connector(tmp_path, head + b"cn: A\nsn: fold\n ed\n\n" + BOB)

    outcomes = export(
        target,
        change(ChangeKind.UPDATE, "uid=ada,dc=x", cn="Ada L", mail="a@x"),
        change(ChangeKind.ADD, "uid=eve,dc=x", uid="eve"),
    )

    assert [outcome.error_type for outcome in outcomes] == [None, None]
    assert (tmp_path / "x.ldif").read_bytes() == (
        head + b"cn: Ada L\nsn: fold\n ed\nmail: a@x\n\n" + BOB + b"\n"
        b"dn: uid=eve,dc=x\nobjectClass: inetOrgPerson\nuid: eve\n\n"
    )


def test_line_ends_of_the_file_stay(tmp_path) -> None:
    target = connector(tmp_path, ADA.replace(b"\n", b"\r\n"))

    export(target, change(ChangeKind.UPDATE, "uid=ada,dc=x", cn="L"))

    assert (tmp_path / "x.ldif").read_bytes() == ADA.replace(b"Ada", b"L").replace(b"\n", b"\r\n") + b"\r\n"


def test_long_and_unsafe_values_are_folded_and_encoded(tmp_path) -> None:
    target = connector(tmp_path)

    export(target, change(ChangeKind.ADD, "uid=é,dc=x", cn="x" * 200, sn=" s", photo="é" * 90))

    written = (tmp_path / "x.ldif").read_bytes()
    assert max(map(len, written.splitlines())) <= 76
    assert written.isascii()
    assert Reading(target.open_full("default")).objects == {
        "uid=é,dc=x": {"cn": "x" * 200, "sn": " s", "photo": "é" * 90}
    }


def test_a_rename_gives_the_entry_another_dn(tmp_path) -> None:
    target = connector(tmp_path, ADA + b"\n" + BOB)
    rename = Change(
        kind=ChangeKind.RENAME, object_type="person", anchor="uid=ada,dc=x", dn="uid=al,dc=x", old_dn="uid=ada,dc=x"
    )
    clash = Change(kind=ChangeKind.RENAME, object_type="person", anchor="uid=bob,dc=x", dn="UID=al,dc=x")

    outcomes = [export(target, each)[0] for each in (rename, rename, clash)]

    assert [outcome.error_type for outcome in outcomes] == [None, None, "cd-existing-object"]
    assert outcomes[0].anchor == "uid=al,dc=x"
    assert set(Reading(target.open_full("default")).entries) == {"uid=al,dc=x", "uid=bob,dc=x"}


def test_an_anchor_attribute_stays_the_anchor_through_a_rename(tmp_path) -> None:
    target = connector(tmp_path, ADA, anchor="uid")
    rename = Change(kind=ChangeKind.RENAME, object_type="person", anchor="ada", dn="uid=ada,ou=p,dc=x")

    outcomes = export(
        target,
        rename,
        Change(kind=ChangeKind.UPDATE, object_type="person", anchor="ada", dn="", attributes={"uid": "x"}),
    )

    assert [outcome.error_type for outcome in outcomes] == [None, "modify-naming-attribute"]
    assert Reading(target.open_full("default")).entries["ada"].dn == "uid=ada,ou=p,dc=x"


def test_what_cannot_be_added(tmp_path) -> None:
    target = connector(tmp_path, ADA, anchor="uid")
    changes = [
        Change(kind=ChangeKind.ADD, object_type="person", anchor=None, dn="uid=b,dc=x", attributes={"cn": "b"}),
        Change(kind=ChangeKind.ADD, object_type="person", anchor=None, dn="uid=ada,dc=x", attributes={"uid": "b"}),
        Change(kind=ChangeKind.ADD, object_type="rock", anchor="r", dn="uid=r,dc=x", attributes={}),
        Change(kind=ChangeKind.ADD, object_type="person", anchor="n", dn="uid=n,dc=x", attributes={"no name": "x"}),
        Change(kind=ChangeKind.ADD, object_type="person", anchor="s", dn="uid=s,dc=x", attributes={"cn": "\ud800"}),
    ]

    outcomes = export(target, *changes)

    assert [outcome.error_type for outcome in outcomes] == [
        "missing-anchor-component",
        "cd-existing-object",
        "missing-object-class",
        "schema-violation",
        "code-page-conversion",
    ]
    assert (tmp_path / "x.ldif").read_bytes() == ADA


def test_the_description_knows_the_attributes_in_the_file(tmp_path) -> None:
    description = connector(tmp_path, ADA, attributes=["title"]).describe()

    names = {each.name: each for each in description.attributes["person"]}
    assert {"title", "uid", "cn", "objectClass"} <= set(names)
    assert names["objectClass"].multivalued
    assert description.reference_by is ReferenceBy.DN
    assert set(description.attributes) == {"person", "group"}


def test_the_parent_of_a_name_with_an_escaped_comma() -> None:
    assert parent_of(r"cn=Doe\, John, ou=x,dc=y") == "ou=x,dc=y"
    assert parent_of("dc=y") == ""


def test_without_a_mapping_the_last_class_is_the_object_type(tmp_path) -> None:
    target = connector(tmp_path, b"dn: dc=x\nobjectClass: top\nobjectClass: domain\n\n" + ADA, **{"object-types": None})
    eve = Change(kind=ChangeKind.ADD, object_type="inetOrgPerson", anchor=None, dn="cn=eve", attributes={"cn": "Eve"})

    export(target, eve)

    reading = Reading(target.open_full("default"))
    assert {dn: entry.object_type for dn, entry in reading.entries.items()} == {
        "dc=x": "domain",
        "uid=ada,dc=x": "inetOrgPerson",
        "cn=eve": "inetOrgPerson",
    }
    described = target.describe().attributes
    assert "telephoneNumber" in {each.name for each in described["inetOrgPerson"]}
    assert "domain" in described


@pytest.mark.parametrize("how", ["full", "changes"])
def test_a_file_that_changes_while_it_is_read_is_not_taken_for_whole(tmp_path, how) -> None:
    source = connector(tmp_path, ADA, changes="c.ldif")
    token = Reading(source.open_full("default")).token
    (tmp_path / "c.ldif").write_bytes(BOB)
    reader = source.open_full("default") if how == "full" else source.open_delta("default", token)
    with (tmp_path / ("x.ldif" if how == "full" else "c.ldif")).open("ab") as file:
        file.write(b"\n" + BOB)

    reading = Reading(reader)

    assert not reading.complete


def test_somebody_elses_change_during_the_export_is_not_lost(tmp_path) -> None:
    writer = connector(tmp_path, ADA).open_export("default")
    writer.write([change(ChangeKind.DELETE, "uid=ada,dc=x")])
    (tmp_path / "x.ldif").write_bytes(ADA + b"\n" + BOB)

    with pytest.raises(ConnectorError, match="somebody else"):
        writer.close()

    assert (tmp_path / "x.ldif").read_bytes() == ADA + b"\n" + BOB


def test_a_file_cut_inside_its_last_value_is_refused_when_it_ended_with_a_line_end_before(tmp_path) -> None:
    whole = ADA + b"\n" + BOB
    token = read(tmp_path, whole).token
    cut = connector(tmp_path, whole[:-2]).open_full("default")
    cut.recall(token)
    reading = Reading(cut)

    assert not reading.complete
    assert set(reading.entries) == {"uid=ada,dc=x"}
    assert "may be cut" in reading.errors[0].message
    assert read(tmp_path, whole[:-2], **{"final-newline": "optional"}).complete
    assert not read(tmp_path, whole[:-2], **{"final-newline": "required"}).complete
    assert "see whether its last line is whole" in read(tmp_path, whole[:-1]).remark
