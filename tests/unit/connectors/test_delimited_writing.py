"""An export replaces a delimited file as a whole, and keeps what it does not manage."""

import codecs
import errno
import os
import stat
from pathlib import Path

import pytest

from autosync.syncengine.connectors import replacement
from autosync.syncengine.connectors.port import Change, ChangeKind, ConnectorError
from autosync.syncengine.connectors.registry import make_connector
from tests.unit.connectors.systems import Reading


def connector(folder: Path, content: bytes | None = None, **settings):
    if content is not None:
        (folder / "out.csv").write_bytes(content)
    return make_connector({"type": "csv", "path": "out.csv", "anchor": "id", **settings}, folder)


def change(kind: ChangeKind, anchor: str | None, dn: str | None = None, **attributes) -> Change:
    return Change(kind=kind, object_type="person", anchor=anchor, dn=dn or anchor or "", attributes=attributes)


def export(target, *changes: Change):
    writer = target.open_export("default")
    outcomes = writer.write(changes)
    writer.close()
    return outcomes


def test_what_is_not_managed_stays_byte_by_byte(tmp_path) -> None:
    content = b'# by hand\nid,name,extra\n\n"1",a,x\n2,"b ""q""",y\nbroken\n3,c,z'
    target = connector(tmp_path, content, comment="#")

    export(
        target,
        change(ChangeKind.UPDATE, "2", name="new"),
        change(ChangeKind.DELETE, "1"),
        change(ChangeKind.ADD, "4", id="4", name="d"),
    )

    assert (tmp_path / "out.csv").read_bytes() == b"# by hand\nid,name,extra\n\n2,new,y\nbroken\n3,c,z\n4,d,\n"


def test_an_export_without_effect_does_not_touch_the_file(tmp_path) -> None:
    target = connector(tmp_path, b'"id","name"\n"1",a\n')
    os.utime(tmp_path / "out.csv", ns=(5, 5))

    export(target, change(ChangeKind.DELETE, "9"))

    assert (tmp_path / "out.csv").stat().st_mtime_ns == 5


@pytest.mark.parametrize(
    ("encoding", "bom"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-8-sig", codecs.BOM_UTF8),
        ("utf-16", codecs.BOM_UTF16_LE),
        ("utf-16", codecs.BOM_UTF16_BE),
        ("cp1252", b""),
    ],
)
def test_encoding_byte_order_mark_delimiter_and_line_ends_of_the_file_stay(tmp_path, encoding, bom) -> None:
    real = {codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF8: "utf-8"}.get(
        bom, encoding
    )
    target = connector(tmp_path, bom + "id;name\r\n1;é\r\n".encode(real), encoding=encoding, delimiter=";")

    export(target, change(ChangeKind.ADD, "2", id="2", name="ü;x"))

    assert (tmp_path / "out.csv").read_bytes() == bom + 'id;name\r\n1;é\r\n2;"ü;x"\r\n'.encode(real)


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        ({}, b"id,name\n1,a\n"),
        ({"newline": "crlf"}, b"id,name\r\n1,a\r\n"),
        ({"header": False}, b"1,a\n"),
        ({"quoting": "all"}, b'"id","name"\n"1","a"\n'),
        ({"encoding": "utf-8-sig"}, codecs.BOM_UTF8 + b"id,name\n1,a\n"),
        ({"encoding": "utf-16"}, codecs.BOM_UTF16_LE + "id,name\n1,a\n".encode("utf-16-le")),
    ],
)
def test_a_new_file_is_made_as_the_settings_say(tmp_path, settings, written) -> None:
    target = connector(tmp_path, columns=["id", "name"], **settings)

    export(target, change(ChangeKind.ADD, "1", id="1", name="a"))

    assert (tmp_path / "out.csv").read_bytes() == written
    assert Reading(target.open_full("default")).objects == {"1": {"id": "1", "name": "a"}}


def test_a_new_file_needs_columns(tmp_path) -> None:
    with pytest.raises(ConnectorError, match="give columns"):
        connector(tmp_path).open_export("default")


@pytest.mark.parametrize(
    ("attributes", "settings", "error_type"),
    [
        ({"name": "ü"}, {"encoding": "ascii"}, "code-page-conversion"),
        ({"name": "a\0b"}, {}, "invalid-attribute-value"),
        ({"name": "NULL"}, {"null-words": ["NULL"]}, "invalid-attribute-value"),
        ({"name": " a"}, {"trim": True}, "invalid-attribute-value"),
        ({"name": "a,b"}, {"quoting": "none"}, "invalid-attribute-value"),
        ({"name": ["a", "b"]}, {}, "insufficient-columns"),
        ({"name": ["a;b"]}, {"multi-valued": ["name"]}, "invalid-attribute-value"),
        ({"nme": "a"}, {}, "schema-violation"),
    ],
)
def test_what_would_not_come_back_as_it_is_is_refused(tmp_path, attributes, settings, error_type) -> None:
    target = connector(tmp_path, columns=["id", "name"], **settings)

    outcomes = export(
        target, change(ChangeKind.ADD, "1", id="1", **attributes), change(ChangeKind.ADD, "2", id="2", name="ok")
    )

    assert [outcome.error_type for outcome in outcomes] == [error_type, None]
    assert set(Reading(target.open_full("default")).objects) == {"2"}


def test_an_add_needs_an_anchor_and_gets_it_from_its_columns(tmp_path) -> None:
    target = connector(tmp_path, columns=["id", "b", "name"], anchor=["id", "b"])

    outcomes = export(
        target,
        change(ChangeKind.ADD, None, name="a"),
        change(ChangeKind.ADD, None, id="x", b="y", name="a"),
        change(ChangeKind.ADD, "p|q", name="a"),
    )

    assert [(outcome.error_type, outcome.anchor) for outcome in outcomes] == [
        ("missing-anchor-component", None),
        (None, "x|y"),
        (None, "p|q"),
    ]


def test_a_rename_changes_the_anchors_column_and_can_be_repeated(tmp_path) -> None:
    target = connector(tmp_path, b"id,name\n1,a\n2,b\n")
    rename = Change(kind=ChangeKind.RENAME, object_type="person", anchor="1", dn="9", old_dn="1")

    outcomes = [*export(target, rename), *export(target, rename)]
    taken = export(target, Change(kind=ChangeKind.RENAME, object_type="person", anchor="2", dn="9", old_dn="2"))

    assert [outcome.anchor for outcome in outcomes] == ["9", "9"]
    assert (tmp_path / "out.csv").read_bytes() == b"id,name\n9,a\n2,b\n"
    assert taken[0].error_type == "duplicate-anchor"


def test_an_update_cannot_change_the_anchor(tmp_path) -> None:
    outcomes = export(connector(tmp_path, b"id,name\n1,a\n"), change(ChangeKind.UPDATE, "1", id="2"))

    assert outcomes[0].error_type == "modify-naming-attribute"


def test_somebody_elses_change_during_the_export_is_not_lost(tmp_path) -> None:
    writer = connector(tmp_path, b"id,name\n1,a\n").open_export("default")
    writer.write([change(ChangeKind.DELETE, "1")])
    (tmp_path / "out.csv").write_bytes(b"id,name\n1,a\n2,b\n")

    with pytest.raises(ConnectorError, match="somebody else"):
        writer.close()

    assert (tmp_path / "out.csv").read_bytes() == b"id,name\n1,a\n2,b\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    writer = connector(tmp_path, b"id,name\n1,a\n").open_export("default")
    writer.write([change(ChangeKind.DELETE, "1")])
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ConnectorError) as caught:
        writer.close()

    assert caught.value.status == "stopped-disk-full"
    assert (tmp_path / "out.csv").read_bytes() == b"id,name\n1,a\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_on_windows_a_held_file_is_tried_again(tmp_path, monkeypatch) -> None:
    tries = []
    real = Path.replace

    def held(self: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) < 3:
            raise PermissionError(13, "held")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(replacement, "is_windows", lambda: True)

    export(connector(tmp_path, b"id,name\n1,a\n"), change(ChangeKind.DELETE, "1"))

    assert len(tries) == 3
    assert (tmp_path / "out.csv").read_bytes() == b"id,name\n"


@pytest.mark.skipif(os.name == "nt", reason="links and modes of POSIX")
def test_a_link_stays_a_link_and_the_mode_stays(tmp_path) -> None:
    real = tmp_path / "real.csv"
    real.write_bytes(b"id,name\n1,a\n")
    real.chmod(0o640)
    (tmp_path / "out.csv").symlink_to(real)

    export(connector(tmp_path), change(ChangeKind.DELETE, "1"))

    assert (tmp_path / "out.csv").is_symlink()
    assert real.read_bytes() == b"id,name\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_row_that_looks_like_a_comment_is_quoted(tmp_path) -> None:
    target = connector(tmp_path, columns=["id", "name"], comment="#")

    export(target, change(ChangeKind.ADD, "#1", id="#1"))

    assert set(Reading(target.open_full("default")).objects) == {"#1"}
