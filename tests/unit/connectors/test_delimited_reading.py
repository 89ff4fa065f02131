"""A delimited file is read whole or it is said what is wrong, by line."""

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.syncengine.connectors.delimited import records
from autosync.syncengine.connectors.delimited.records import Format, Scanner
from autosync.syncengine.connectors.delimited.settings import Quoting
from autosync.syncengine.connectors.port import ConnectorError, EntryError
from autosync.syncengine.connectors.registry import make_connector
from tests.unit.connectors.systems import Reading

HEAD = b"id,name,number\n"


def connector(folder: Path, content: bytes | None, **settings):
    if content is not None:
        (folder / "in.csv").write_bytes(content)
    return make_connector({"type": "csv", "path": "in.csv", "anchor": "id", **settings}, folder)


def read(folder: Path, content: bytes, **settings) -> Reading:
    return Reading(connector(folder, content, **settings).open_full("default"))


@pytest.mark.parametrize(
    ("content", "line", "error_type", "says"),
    [
        (HEAD + b"1,a,1\n2,b\n3,c,3\n", 3, "parse-error", "2 fields instead of 3"),
        (HEAD + b"1,a,1\n2,b,2,x\n", 3, "parse-error", "4 fields instead of 3"),
        (HEAD + b"1,a,1\n,b,2\n", 3, "missing-anchor-component", "no id"),
        (HEAD + b"1,a,1\n2,b,2\n1,c,3\n", 4, "duplicate-object", "line 2"),
        (HEAD + b'"1",a,1\n2,b,2\n1,c,3\n', 4, "duplicate-object", "line 2"),
        (HEAD + b"1,a,1\n2,b\0c,2\n", 3, "parse-error", "NUL"),
        (HEAD + b'1,a,1\n2,"b\nc,2\n3,d,3\n', 3, "parse-error", "not closed"),
        (HEAD + b'1,a,1\n2,"b\nx"y,2\n3,d,3\n', 3, "parse-error", "lines 3 to 4"),
        (HEAD + b'1,"a\nb",1\n2,c\n', 4, "parse-error", "2 fields"),
        (HEAD + b"1,a,1\n2,b", 3, "parse-error", "not whole"),
        (HEAD + b'1,a,1\n2,"b', 3, "parse-error", "not closed"),
        (HEAD + b"\n1,a,1\r\n\r\n2,b\r\n", 5, "parse-error", "2 fields"),
        (HEAD + b"1,a,1\r2,b\r", 3, "parse-error", "2 fields"),
    ],
)
def test_a_bad_row_is_reported_by_its_line_and_makes_the_reading_incomplete(tmp_path, content, line, error_type, says):
    reading = read(tmp_path, content)

    (error,) = reading.errors
    assert (error.line, error.error_type) == (line, error_type)
    assert says in error.message
    assert f"line {line}" in error.message or "lines" in error.message
    assert not reading.complete
    assert "1" in reading.entries


def test_a_byte_in_another_encoding_is_named_and_only_that_object_is_in_doubt(tmp_path) -> None:
    reading = read(tmp_path, HEAD + b"1,a,1\n2,\xe9,2\n3,c,3\n")

    (error,) = reading.errors
    assert (error.line, error.anchor, error.error_type) == (3, "2", "parse-error")
    assert "0xe9 is not utf-8" in error.message
    assert set(reading.entries) == {"1", "3"}
    assert reading.complete


def test_a_byte_in_another_encoding_in_the_anchor_hides_the_object(tmp_path) -> None:
    reading = read(tmp_path, HEAD + b"1,a,1\n\xe9,b,2\n")

    assert [error.anchor for error in reading.errors] == [None]
    assert not reading.complete


@pytest.mark.parametrize(
    ("kind", "text", "error_type"),
    [
        ("integer", "1_000", "invalid-numeric-value"),
        ("integer", "9223372036854775808", "invalid-numeric-value"),
        ("integer", "1.5", "invalid-numeric-value"),
        ("boolean", "maybe", "invalid-boolean-value"),
        ("binary", "a*b", "invalid-base64-value"),
    ],
)
def test_a_bad_value_is_the_objects_error_with_its_line(tmp_path, kind, text, error_type) -> None:
    reader = connector(tmp_path, HEAD + f"1,a,{text}\n".encode(), types={"number": kind}).open_full("default")

    with reader:
        (batch,) = list(reader)
        with pytest.raises(EntryError) as caught:
            batch.entry(0)

    error = caught.value.error
    assert (error.line, error.anchor, error.attribute, error.error_type) == (2, "1", "number", error_type)
    assert text in error.message
    assert reader.complete


def test_each_of_many_duplicates_names_both_lines(tmp_path) -> None:
    rows = b"".join(b"%d,a,1\n" % (number % 7) for number in range(20))

    reading = read(tmp_path, HEAD + rows)

    assert set(reading.entries) == {str(number) for number in range(7)}
    assert [error.line for error in reading.errors] == list(range(9, 22))
    assert all(f"in line {2 + (index % 7)} already" in error.message for index, error in enumerate(reading.errors))


def test_a_duplicate_in_a_later_batch_names_both_lines(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(records, "CHUNK_BYTES", 64)
    rows = b"".join(b"%d,a,1\n" % number for number in range(100))

    reading = read(tmp_path, HEAD + rows + b"3,x,1\n")

    assert [(error.line, error.anchor) for error in reading.errors] == [(102, "3")]
    assert "in line 5 already" in reading.errors[0].message
    assert reading.objects["3"]["name"] == "a"


@pytest.mark.parametrize(
    ("content", "settings", "status"),
    [
        (None, {}, "no-start-file-not-found"),
        (b"", {}, "no-start-header-row-mismatch"),
        (b"name,number\na,1\n", {}, "no-start-header-row-mismatch"),
        (b"id,id\n1,2\n", {}, "no-start-header-row-mismatch"),
        (b"id,,x\n1,2,3\n", {}, "no-start-header-row-mismatch"),
        (HEAD, {"columns": ["id", "names", "number"]}, "no-start-header-row-mismatch"),
        (HEAD, {"types": {"numbr": "integer"}}, "no-start-header-row-mismatch"),
        (b"id,n\xe9\n", {}, "stopped-code-page-conversion"),
        ("id,name\n1,a\n".encode("utf-16"), {}, "stopped-code-page-conversion"),
        (b"i\0d\0\0\xd8a\0", {"encoding": "utf-16"}, "stopped-code-page-conversion"),
    ],
)
def test_a_file_that_cannot_be_understood_does_not_start(tmp_path, content, settings, status) -> None:
    with pytest.raises(ConnectorError) as caught:
        Reading(connector(tmp_path, content, **settings).open_full("default"))

    assert caught.value.status == status
    assert "in.csv" in str(caught.value)


def test_a_header_that_is_nearly_right_is_told_so(tmp_path) -> None:
    with pytest.raises(ConnectorError, match="did you mean 'number'"):
        read(tmp_path, HEAD, types={"numbr": "integer"})


def test_a_directory_in_place_of_the_file(tmp_path) -> None:
    (tmp_path / "in.csv").mkdir()

    with pytest.raises(ConnectorError) as caught:
        connector(tmp_path, None).open_full("default")

    assert caught.value.status == "no-start-file-open"


@pytest.mark.parametrize(
    ("winerror", "status"), [(32, "no-start-file-sharing-violation"), (5, "no-start-file-access-denied")]
)
def test_a_file_that_another_program_holds(tmp_path, monkeypatch, winerror, status) -> None:
    def refuse(*_args, **_kwargs):
        error = PermissionError(13, "denied")
        error.winerror = winerror  # type: ignore[attr-defined]
        raise error

    held = connector(tmp_path, HEAD)
    monkeypatch.setattr(Path, "open", refuse)

    with pytest.raises(ConnectorError) as caught:
        held.open_full("default")

    assert caught.value.status == status


def test_a_file_with_only_its_header_is_complete_and_empty(tmp_path) -> None:
    reading = read(tmp_path, HEAD)

    assert (reading.entries, reading.errors, reading.complete) == ({}, [], True)


@pytest.mark.parametrize("change", ["append", "replace", "touch", "remove"])
def test_a_file_that_changes_while_it_is_read_is_not_taken_for_whole(tmp_path, change) -> None:
    reader = connector(tmp_path, HEAD + b"1,a,1\n").open_full("default")
    path = tmp_path / "in.csv"
    with reader:
        batches = iter(reader)
        next(batches)
        match change:
            case "append":
                path.write_bytes(path.read_bytes() + b"2,b,2\n")
            case "replace":
                (tmp_path / "new").write_bytes(path.read_bytes())
                Path(tmp_path / "new").replace(path)
            case "touch":
                os.utime(path, ns=(1, 1))
            case "remove":
                path.unlink()
        errors = [error for batch in batches for error in batch.errors]

    assert [error.error_type for error in errors] == ["read-error"]
    assert not reader.complete


def test_a_last_row_without_line_end_that_is_whole_counts(tmp_path) -> None:
    reading = read(tmp_path, HEAD + b"1,a,1\n2,b,2")

    assert set(reading.entries) == {"1", "2"}
    assert reading.complete


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "shift_jis"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, newline) -> None:
    text = "テ" if encoding == "shift_jis" else "é"
    content = newline.join(["id,name,number", f"1,{text},1", f'2,"x{newline}y",2', ""]).encode(encoding)

    reading = read(tmp_path, content, encoding=encoding)

    assert reading.objects == {
        "1": {"id": "1", "name": text, "number": "1"},
        "2": {"id": "2", "name": f"x{newline}y", "number": "2"},
    }
    assert reading.complete


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path) -> None:
    assert set(read(tmp_path, b"\xef\xbb\xbf" + HEAD + b"1,a,1\n").entries) == {"1"}


def test_words_for_nothing_trim_comments_and_deleted_rows(tmp_path) -> None:
    content = b'# made by hr\nid,name,number\n# it\'s "quoted\n 1 , NULL ,x\n2,-,deleted\n3,"a\n# no comment",y\n'

    reading = read(
        tmp_path, content, trim=True, comment="#", **{"null-words": ["NULL", "-"]}, deleted={"column": "number"}
    )

    assert reading.objects == {
        "1": {"id": "1", "number": "x"},
        "3": {"id": "3", "name": "a\n# no comment", "number": "y"},
    }
    assert reading.complete


def test_types_and_several_values(tmp_path) -> None:
    content = b"id;a;b;c;d\n1;x|y||x;J;-5;AP8=\n"

    reading = read(
        tmp_path,
        content,
        delimiter="semicolon",
        types={"b": "boolean", "c": "integer", "d": "binary"},
        booleans={"true-words": ["J"], "false-words": ["N"]},
        **{"multi-valued": {"a": "|"}, "object-type": {"column": "b"}},
    )

    assert reading.objects["1"] == {"id": "1", "a": ["x", "y"], "b": True, "c": -5, "d": b"\0\xff"}
    assert reading.entries["1"].object_type == "J"


def test_several_columns_make_one_anchor_without_confusion(tmp_path) -> None:
    reading = read(tmp_path, b"a,b\nx|y,z\nx,y|z\n\\,x\n", anchor=["a", "b"])

    assert len(reading.entries) == 3
    assert reading.complete


def test_a_file_without_header(tmp_path) -> None:
    reading = read(tmp_path, b"1,a\n2,b\n", header=False, columns=["id", "name"])

    assert reading.objects["2"] == {"id": "2", "name": "b"}


def test_quotes_mean_nothing_where_quoting_is_none(tmp_path) -> None:
    assert read(tmp_path, b'id,name\n1,5" pipe\n2,"x\n', quoting="none").objects["1"]["name"] == '5" pipe'


def test_a_quote_inside_an_unquoted_field_is_a_letter(tmp_path) -> None:
    assert read(tmp_path, b'id,name\n1,5" pipe\n').objects["1"]["name"] == '5" pipe'


def test_an_open_quote_does_not_swallow_the_memory(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(records, "LONGEST_RECORD", 5000)
    monkeypatch.setattr(records, "CHUNK_BYTES", 1000)

    with pytest.raises(ConnectorError) as caught:
        read(tmp_path, HEAD + b'1,"a,1\n' + b"2,b,2\n" * 5000)

    assert caught.value.status == "stopped-parsing-errors"


def test_a_changed_setting_changes_every_digest(tmp_path) -> None:
    content = HEAD + b"1,a,1\n"

    assert read(tmp_path, content).digests["1"] != read(tmp_path, content, trim=True).digests["1"]
    assert read(tmp_path, content).digests["1"] != read(tmp_path, b"id,nom,number\n1,a,1\n").digests["1"]


def test_a_delta_file_says_what_happened(tmp_path) -> None:
    settings = {"delta": {"path": "delta.csv", "column": "change"}}
    source = connector(tmp_path, HEAD + b"1,a,1\n", **settings)
    token = Reading(source.open_full("default")).token
    delta = b"id,name,number,change\n1,b,1,M\n2,x,2,A\n3,,,D\n2,y,2,M\n4,z,4,A\n4,,,D\n5,q,5,?\n"
    (tmp_path / "delta.csv").write_bytes(delta)

    reading = Reading(source.open_delta("default", token))

    assert reading.objects == {
        "1": {"id": "1", "name": "b", "number": "1"},
        "2": {"id": "2", "name": "y", "number": "2"},
    }
    assert reading.deleted == ["3", "4"]
    assert [(error.line, error.error_type) for error in reading.errors] == [(8, "invalid-change-type")]
    assert not reading.complete


def test_a_delta_file_older_than_the_full_file_is_part_of_it(tmp_path) -> None:
    (tmp_path / "delta.csv").write_bytes(b"id,name,number,change\n1,old,1,M\n")
    os.utime(tmp_path / "delta.csv", (1, 1))
    source = connector(tmp_path, HEAD + b"1,new,1\n", delta={"path": "delta.csv", "column": "change"})
    token = Reading(source.open_full("default")).token

    assert Reading(source.open_delta("default", token)).objects == {}


CELLS = st.text(st.sampled_from('ab,"\n\r# é'), max_size=5)


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=12), size=st.integers(1, 40))
def test_cutting_agrees_with_the_csv_module_whatever_the_size_of_the_pieces(rows, size) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    form = Format("utf-8", ",", '"', Quoting.MINIMAL, None)
    stream = io.BytesIO(text.getvalue().encode())

    class Small:
        def read(self, _size: int) -> bytes:
            return stream.read(size)

    scanner = Scanner(Small(), form, Path("x.csv"))
    found, lines = [], []
    for block in scanner:
        assert not block.broken
        found += [form.fields(record) for record in block.records]
        lines += [block.line(index) for index in range(len(block.records))]

    assert found == list(csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True))
    reader = csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)
    ends = [0, *(reader.line_num for _ in reader)]
    assert lines == [end + 1 for end in ends[:-1]]


def readings(folder: Path, *contents: bytes, **settings) -> list[Reading]:
    """Read versions of a file one after the other, as imports do that remember the token of the last complete one."""
    found, token = [], None
    for content in contents:
        reader = connector(folder, content, **settings).open_full("default")
        reader.recall(token)
        found.append(Reading(reader))
        token = found[-1].token if found[-1].complete else token
    return found


WHOLE = HEAD + b"1,a,1\n2,b,20\n"


def test_a_file_cut_inside_its_last_value_is_refused_when_it_ended_with_a_line_end_before(tmp_path):
    first, cut, again = readings(tmp_path, WHOLE, WHOLE[:-2], WHOLE)

    assert (first.complete, first.remark) == (True, "")
    assert not cut.complete
    assert (set(cut.objects), cut.errors[0].line) == ({"1"}, 3)
    assert "may be cut" in cut.errors[0].message
    assert "final-newline: optional" in cut.errors[0].message
    assert again.complete
    assert again.objects["2"]["number"] == "20"


def test_a_file_that_never_ended_with_a_line_end_is_taken_and_told_once(tmp_path):
    first, second, third = readings(tmp_path, WHOLE[:-1], WHOLE[:-2], WHOLE)

    assert [each.complete for each in (first, second, third)] == [True, True, True]
    assert "see whether its last line is whole" in first.remark
    assert (second.remark, third.remark) == ("", "")


@pytest.mark.parametrize("end", [HEAD[:-1], HEAD + b"1,a,1\n# the e"])
def test_an_end_where_no_row_stands_is_doubted_too(tmp_path, end):
    _, cut = readings(tmp_path, WHOLE, end, comment="#")

    assert not cut.complete
    assert "may be cut" in cut.errors[0].message


def test_the_rule_for_the_end_can_be_given(tmp_path):
    (required,) = readings(tmp_path, WHOLE[:-1], **{"final-newline": "required"})
    _, optional = readings(tmp_path, WHOLE, WHOLE[:-2], **{"final-newline": "optional"})

    assert not required.complete
    assert optional.complete
    assert optional.objects["2"]["number"] == "2"


def test_a_delta_import_in_between_does_not_forget_how_the_full_file_ended(tmp_path):
    settings = {"delta": {"path": "delta.csv", "column": "change"}}
    delta = tmp_path / "delta.csv"
    delta.write_bytes(b"id,name,number,change\n")
    (first,) = readings(tmp_path, WHOLE, **settings)
    delta.write_bytes(b"id,name,number,change\n1,c,1,M\n")
    source = connector(tmp_path, None, **settings)
    changed = Reading(source.open_delta("default", first.token))
    nothing = Reading(source.open_delta("default", changed.token))
    reader = connector(tmp_path, WHOLE[:-2], **settings).open_full("default")
    reader.recall(nothing.token)

    assert (set(changed.objects), set(nothing.objects)) == ({"1"}, set())
    assert not Reading(reader).complete
