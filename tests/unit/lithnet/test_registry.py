"""The predecessor's registry values: taken over where they still mean something, told of in any case."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosync.config.lithnet.importer import import_lithnet
from autosync.config.lithnet.notes import Fate, ImportRefused, Notes
from autosync.config.lithnet.registry_file import read_registry
from autosync.config.lithnet.registry_settings import RegistrySettings, registry_settings
from tests.unit.lithnet.importing import NEWEST, REGISTRY, data_of, told

KEY = "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Services\\AutoSync\\Parameters]\n"
HEAD = "Windows Registry Editor Version 5.00\n\n" + KEY


@pytest.mark.parametrize(
    "content",
    [
        REGISTRY.encode("utf-16"),
        REGISTRY.replace("\n", "\r\n").encode("utf-16"),
        REGISTRY.encode("utf-16-le"),
        REGISTRY.encode("utf-8-sig"),
        REGISTRY.encode("windows-1252"),
    ],
)
def test_every_form_of_the_file_is_read(content):
    values = read_registry(content, Notes())

    assert values["retrycodes"] == ("stopped-deadlocked", "no-start")
    assert values["configfile"] == "D:\\AutoSync\\config.xml"
    assert values["retrysleepinterval"] == 60
    assert "start" not in values


def test_the_old_format_has_ansi_texts():
    text = "REGEDIT4\r\n\r\n" + KEY + '"RetryCodes"=hex(7):61,62,00,e9,00,00\r\n"LogPath"="C:\\\\R\xe9"\r\n'

    assert read_registry(text.encode("windows-1252"), Notes()) == {"retrycodes": ("ab", "\xe9"), "logpath": "C:\\R\xe9"}


def test_numbers_and_texts_may_be_written_in_hexadecimal():
    text = HEAD + '"RetryCount"=hex(4):02,00,00,00\n"LogPath"=hex(2):44,00,3a,00,00,00\n"ConfigFile"=-\n'
    notes = Notes()

    assert read_registry(text.encode(), notes) == {"retrycount": 2, "logpath": "D:"}
    assert [note.text for note in notes.all] == ["ConfigFile has a value that cannot be read; taken as not set"]


def test_every_value_is_told_of():
    imported = import_lithnet(NEWEST, registry=REGISTRY.encode("utf-16"))

    for name in REGISTRY.split("\\Parameters]")[1].split("[")[0].split('\n"')[1:]:
        word = name.partition('"')[0].lower()
        default = word in {"postruninterval", "executionstaggerinterval"}
        retry = word in {"retrycount", "retrysleepinterval"}
        assert default or retry or any(word in note.text.lower() for note in imported.notes), word
    assert told(imported, Fate.LOOK, "DEMO\\svc-autosync$")
    assert told(imported, Fate.LOOK, "mystery")
    assert told(imported, Fate.TAKEN, "number and delay of retries")
    assert told(imported, Fate.BETTER, "AutoSyncServerHost")


def test_what_still_means_something_stands_in_the_new_file():
    data = data_of(import_lithnet(NEWEST, registry=REGISTRY.encode("utf-16")))

    assert data["engines"]["mim"]["mim-service-export-is-sync"] is False
    assert data["agents"]["mim/Demo AD"]["retry"] == {"attempts": 3, "first-delay": "1m"}


def test_defaults_change_nothing():
    text = (
        HEAD
        + '"GetSyncLockForFimMAExport"=dword:1\n"RetryCount"=dword:5\n"RetrySleepInterval"=dword:5\n"PostRunInterval"=dword:2\n'
    )

    assert registry_settings(read_registry(text.encode(), Notes()), Notes()) == RegistrySettings()


def test_trying_for_ever_becomes_trying_often():
    notes = Notes()

    assert registry_settings({"retrycount": 0xFFFFFFFF}, notes).attempts == 100
    assert notes.all[0].fate is Fate.LOOK


def test_a_wait_that_somebody_set_stands_as_a_comment():
    imported = import_lithnet(NEWEST, registry=(HEAD + '"ExecutionStaggerInterval"=dword:0000001e\n').encode())

    assert "# stagger: 30s" in imported.yaml
    assert registry_settings({"executionstaggerinterval": 30}, Notes()).stagger == timedelta(seconds=30)


@pytest.mark.parametrize("content", [b"", b"<xml/>", b"\xff\xfe", b"x" * (4 * 1024 * 1024 + 1)])
def test_another_file_is_refused(content):
    with pytest.raises(ImportRefused, match=r"\.reg file"):
        read_registry(content, Notes())


@given(
    st.binary(max_size=100) | st.text(max_size=100).map(lambda text: (HEAD + text).encode("utf-16", errors="replace"))
)
def test_any_file_is_read_or_refused(content):
    try:
        values = read_registry(content, Notes())
    except ImportRefused:
        return
    assert isinstance(registry_settings(values, Notes()), RegistrySettings)
