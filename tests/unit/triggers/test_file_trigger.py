"""The file trigger for real: content counts, half-written files do not, and every failure has a sentence."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from autosync.adapters.clocks import SystemClock
from autosync.adapters.secrets.sources import Secrets
from autosync.adapters.triggers.file import FILE_KIND, FOLDER_KIND, FileOptions, FileTrigger
from autosync.adapters.triggers.file.looking import look, read
from autosync.model.errors import TriggerFailed
from autosync.ports.registry import Surroundings
from autosync.ports.trigger import Firing, Pulse

QUICK = timedelta(milliseconds=50)


def options(path: Path, **more) -> FileOptions:
    return FileOptions(path=path, settle=timedelta(milliseconds=20), every=QUICK, **more)


def watch(given: FileOptions, play, *, token: str | None = None) -> list[Firing | Pulse]:
    """Return what a watch yielded while ``play()`` went on and half a second after it."""

    async def main():
        seen: list[Firing | Pulse] = []

        async def collect():
            async for each in FileTrigger(given, SystemClock()).watch(token):
                seen.append(each)  # noqa: PERF401 - it never ends

        async with asyncio.TaskGroup() as group:
            task = group.create_task(collect())
            await play()
            await asyncio.sleep(0.4)
            task.cancel()
        return seen

    return asyncio.run(main())


def firings(seen) -> list[Firing]:
    return [each for each in seen if isinstance(each, Firing)]


async def nothing():
    pass


def content_of(given: FileOptions) -> str:
    sight = look(given)
    content = read(given, sight, None)
    assert content is not None
    return content.digest


def test_a_file_that_was_never_imported_fires_at_once(tmp_path):
    (tmp_path / "hr.csv").write_text("id\n1\n", encoding="utf-8")

    (firing,) = firings(watch(options(tmp_path / "hr.csv"), nothing))
    assert "hr.csv" in firing.text
    assert firing.changed is not None


def test_a_touched_but_equal_file_does_not_fire(tmp_path):
    path = tmp_path / "hr.csv"
    path.write_text("id\n1\n", encoding="utf-8")

    async def touch():
        await asyncio.sleep(0.1)
        os.utime(path, (1_800_000_000, 1_800_000_000))

    assert not firings(watch(options(path), touch, token=content_of(options(path))))


def test_a_file_that_is_being_written_fires_only_when_it_is_whole(tmp_path):
    path = tmp_path / "hr.csv"
    path.write_text("", encoding="utf-8")

    async def write_slowly():
        with path.open("w", encoding="utf-8") as file:
            for line in range(40):
                file.write(f"{line}\n")
                file.flush()
                await asyncio.sleep(0.005)

    given = FileOptions(path=path, settle=timedelta(milliseconds=100), every=QUICK)
    seen = firings(watch(given, write_slowly, token=content_of(given)))
    assert [each.token.partition("@")[0] for each in seen if each.token] == [content_of(given)]


def test_a_file_that_is_not_there_is_waited_for(tmp_path):
    async def create():
        await asyncio.sleep(0.1)
        (tmp_path / "hr.csv").write_text("id\n1\n", encoding="utf-8")

    seen = watch(options(tmp_path / "hr.csv"), create)
    pulse = seen[0]
    assert isinstance(pulse, Pulse)
    assert pulse.details["state"] == "waiting for the file"
    assert len(firings(seen)) == 1


def test_a_file_that_is_replaced_by_another_fires(tmp_path):
    path = tmp_path / "hr.csv"
    path.write_text("id\n1\n", encoding="utf-8")

    async def replace():
        (tmp_path / "new").write_text("id\n2\n", encoding="utf-8")
        (tmp_path / "new").replace(path)

    assert len(firings(watch(options(path), replace, token=content_of(options(path))))) == 1


def test_only_files_that_match_count_in_a_folder(tmp_path):
    given = options(tmp_path, patterns=("*.csv",))
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    before = content_of(given)
    (tmp_path / "b.txt").write_text("1", encoding="utf-8")
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "c.csv").write_text("1", encoding="utf-8")

    assert content_of(given) == before
    assert content_of(options(tmp_path, patterns=("*.csv",), recursive=True)) != before


def test_a_deleted_file_of_a_folder_is_a_change(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    before = content_of(options(tmp_path))
    (tmp_path / "b.csv").unlink()

    assert content_of(options(tmp_path)) != before


def test_a_folder_that_is_gone_is_a_failure_with_a_way_out(tmp_path):
    with pytest.raises(TriggerFailed, match="connect the share"):
        look(options(tmp_path / "away" / "hr.csv"))


def test_a_file_that_changes_while_it_is_read_is_not_taken(tmp_path):
    path = tmp_path / "hr.csv"
    path.write_text("1", encoding="utf-8")
    sight = look(options(path))
    path.write_text("12", encoding="utf-8")

    assert read(options(path), sight, None) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_failure_with_a_way_out(tmp_path):
    path = tmp_path / "hr.csv"
    path.write_text("1", encoding="utf-8")
    path.chmod(0)
    with pytest.raises(TriggerFailed, match="right to read"):
        read(options(path), look(options(path)), None)


def test_a_locked_file_is_not_taken(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "hr.csv"
    path.write_text("1", encoding="utf-8")
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        assert read(options(path), look(options(path)), None) is None
    assert read(options(path), look(options(path)), None) is not None


def test_unchanged_files_are_not_read_again(tmp_path):
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    sight = look(options(tmp_path))
    known = read(options(tmp_path), sight, None)
    (tmp_path / "a.csv").unlink()

    assert known is not None
    again = read(options(tmp_path), sight, known)
    assert again is not None
    assert again.digest == known.digest


# In the configuration


def test_all_options_are_read_and_the_path_is_relative_to_the_configuration(tmp_path):
    data = {"path": "in", "patterns": ["*.csv", "*.txt"], "recursive": True, "settle": "1s", "every": "500ms"}
    parsed = FILE_KIND.parse(data, tmp_path)

    assert not parsed.mistakes
    assert parsed.options == FileOptions(
        path=tmp_path / "in",
        patterns=("*.csv", "*.txt"),
        recursive=True,
        settle=timedelta(seconds=1),
        every=timedelta(milliseconds=500),
    )


@pytest.mark.parametrize(
    ("data", "path", "word"),
    [
        ({}, (), "path is missing"),
        ({"path": 5}, ("path",), "text"),
        ({"path": "x", "patterns": []}, ("patterns",), "*.csv"),
        ({"path": "x", "patterns": [1]}, ("patterns", 0), "text"),
        ({"path": "x", "recursive": "yes"}, ("recursive",), "true or false"),
        ({"path": "x", "settle": 5}, ("settle",), "5s"),
        ({"path": "x", "every": "1 fortnight"}, ("every",), "5m"),
        ({"path": "x", "every": 0}, ("every",), "at least 50ms"),
        ({"path": "x", "settel": "1s"}, ("settel",), "settle"),
    ],
)
def test_every_mistake_has_its_place_and_a_way_out(data, path, word, tmp_path):
    (mistake,) = FILE_KIND.parse(data, tmp_path).mistakes

    assert mistake.path == path
    assert word in mistake.message


def test_all_mistakes_are_told_at_once(tmp_path):
    assert len(FILE_KIND.parse({"recursive": 1, "every": [], "what": 1}, tmp_path).mistakes) == 4


def test_every_option_is_described():
    schema = FILE_KIND.json_schema()
    properties = schema["properties"]

    assert isinstance(properties, dict)
    assert set(properties) == {"path", "patterns", "recursive", "settle", "every"}
    assert all(each["description"] for each in properties.values())


def test_the_kind_builds_what_it_parsed(tmp_path):
    parsed = FILE_KIND.parse({"path": "hr.csv"}, tmp_path)
    around = Surroundings(clock=SystemClock(), secrets=Secrets({}, tmp_path))

    assert isinstance(FILE_KIND.build(parsed.options, around), FileTrigger)


# Folders


def folder(path, **given):
    return options(path, must_be_folder=True, **given)


def test_an_emptied_folder_fires(tmp_path):
    (tmp_path / "a.csv").write_text("1", encoding="utf-8")
    before = content_of(folder(tmp_path))

    async def empty():
        await asyncio.sleep(0.2)
        (tmp_path / "a.csv").unlink()

    (fired,) = firings(watch(folder(tmp_path), empty, token=before))
    assert fired.text == "a.csv was removed"


def test_a_folder_that_was_always_empty_fires_nothing(tmp_path):
    async def nothing():
        pass

    assert firings(watch(folder(tmp_path), nothing)) == []


def test_what_happened_to_the_files_is_told(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")

    async def change():
        await asyncio.sleep(0.2)
        (tmp_path / "a.csv").unlink()
        (tmp_path / "b.csv").write_text("another", encoding="utf-8")
        (tmp_path / "c.csv").write_text("1", encoding="utf-8")
        (tmp_path / "d.csv.tmp").write_text("1", encoding="utf-8")

    seen = firings(watch(folder(tmp_path, ignore=("*.tmp",)), change))
    assert seen[-1].text == f"1 new, 1 changed, 1 removed in {tmp_path.name}"


def test_a_folder_that_is_away_or_none_is_told(tmp_path):
    (tmp_path / "file").write_text("1", encoding="utf-8")

    with pytest.raises(TriggerFailed, match="away is not there; create the folder, or connect the share"):
        look(folder(tmp_path / "away"))
    with pytest.raises(TriggerFailed, match="file is no folder; give type: file"):
        look(folder(tmp_path / "file"))


def test_the_options_of_a_folder_are_read(tmp_path):
    parsed = FOLDER_KIND.parse({"path": "in", "patterns": "*.csv", "ignore": ["~*", "*.tmp"]}, tmp_path)

    assert parsed.options == FileOptions(
        path=tmp_path / "in", patterns=("*.csv",), ignore=("~*", "*.tmp"), must_be_folder=True
    )
