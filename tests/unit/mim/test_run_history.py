"""What the run history says becomes what a run did: complete, in order, and without attribute values."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from autosync.adapters.engines.mim.reading.doubts import MOST, Doubts
from autosync.adapters.engines.mim.reading.object_errors import MOST as MOST_ERRORS
from autosync.adapters.engines.mim.reading.partitions import Partition, PartitionIndex
from autosync.adapters.engines.mim.reading.run_history import Known, read_run, read_runs
from autosync.adapters.engines.mim.reading.step_results import Context, step_of_pieces
from autosync.adapters.engines.mim.reading.values import moment
from autosync.model.counts import Counts, ObjectError
from autosync.model.ids import PartitionName
from autosync.model.steps import StepKind
from autosync.untrusted_xml import XmlRefused
from tests.unit.mim.samples import DATA, MIM, demo_agent, real

TEXT = (DATA / "run-history-two-partitions.xml").read_text(encoding="utf-8")
BARE = Known(engine=MIM)
KNOWN = Known(engine=MIM, partitions={"demo ad": demo_agent().index})


def demo(known: Known = KNOWN):
    run = read_run(TEXT, known)
    assert run is not None
    return run


def one_step(*inner: str, known: Known = BARE):
    body = "".join(inner)
    run = read_run(
        "<run-history><run-details><ma-name>A</ma-name><run-number>1</run-number>"
        f'<step-details step-number="1">{body}</step-details></run-details></run-history>',
        known,
    )
    assert run is not None
    return run


def described(step_type: str, partition: str = "default") -> str:
    return f"<step-description>{step_type}<partition>{partition}</partition></step-description>"


IMPORT = described('<step-type type="delta-import"><import-subtype>to-cs</import-subtype></step-type>')
SYNC = described('<step-type type="apply-rules"><apply-rules-subtype>apply-pending</apply-rules-subtype></step-type>')
EXPORT = described('<step-type type="export"/>')
ENDED = "<end-date>2024-05-01 10:00:00.000</end-date><step-result>success</step-result>"
STAGED_NOTHING = "<staging-counters><stage-add>0</stage-add></staging-counters>"


def test_a_run_is_named_and_timed_in_utc():
    run = demo()

    assert (run.agent, run.profile, run.result.handle, run.account) == ("Demo AD", "EDIDS", "41", "DEMO\\svc-autosync")
    assert run.agent_guid == "0f0e0d0c-0b0a-0908-0706-050403020100"
    assert run.result.started == datetime(2024, 5, 1, 10, 0, 0, tzinfo=UTC)
    assert run.result.ended == datetime(2024, 5, 1, 10, 0, 12, 125_000, tzinfo=UTC)
    assert not run.is_running
    assert run.warnings == ()


def test_steps_come_in_the_order_in_which_they_ran():
    steps = demo().result.steps

    assert [step.kind for step in steps] == [
        StepKind.EXPORT,
        StepKind.DELTA_IMPORT,
        StepKind.DELTA_IMPORT_DELTA_SYNC,
    ]
    assert [step.partition for step in steps] == ["DC=demo,DC=example", "DC=lab,DC=example", "DC=demo,DC=example"]


def test_without_numbers_the_last_step_of_the_file_ran_first():
    text = "<run-history><run-details><run-number>1</run-number>{}{}</run-details></run-history>".format(
        f"<step-details>{EXPORT}{ENDED}</step-details>", f"<step-details>{SYNC}{ENDED}</step-details>"
    )
    run = read_run(text, BARE)

    assert run is not None
    assert [step.kind for step in run.result.steps] == [StepKind.DELTA_SYNC, StepKind.EXPORT]


def test_a_missing_counter_of_a_present_block_is_zero_and_of_an_absent_block_unknown():
    export, imported, both = demo().result.steps

    assert export.exported == Counts(adds=1, updates=4)
    assert export.export_failures == 1
    assert both.staged == Counts(adds=1, delete_adds=2)
    assert imported.staged == Counts()
    assert imported.exported is None
    assert imported.export_failures is None


def test_outbound_changes_are_all_but_connectors_without_flow():
    both = demo().result.steps[2]

    assert both.outbound == {"mim/Demo Badge": 2, "mim/Demo Phone": 0}
    assert both.counters["Demo Badge: connector-no-flow"] == 9
    assert both.counters["connector-no-flow"] == 8
    assert both.counters["filtered-objects"] == 46


def test_a_synchronization_without_outbound_blocks_changed_nothing_when_its_other_counters_are_there():
    assert one_step(SYNC, ENDED, STAGED_NOTHING).result.steps[0].outbound == {}
    assert one_step(SYNC, ENDED).result.steps[0].outbound is None


def test_outbound_flow_to_an_agent_without_a_name_is_looked_for_everywhere():
    block = (
        '<outbound-flow-counters ma-id="{0F0E0D0C-0B0A-0908-0706-050403020100}">'
        "<connector-flow>3</connector-flow></outbound-flow-counters>"
    )
    known = replace(BARE, agents={"0f0e0d0c-0b0a-0908-0706-050403020100": "HR"})

    assert one_step(SYNC, ENDED, block).result.steps[0].outbound is None
    assert "names no agent" in one_step(SYNC, ENDED, block).warnings[0]
    assert one_step(SYNC, ENDED, block, known=known).result.steps[0].outbound == {"mim/HR": 3}


def test_errors_name_objects_and_never_hold_values():
    export, _, both = demo().result.steps

    assert export.errors == (
        ObjectError(
            stage="export",
            error_type="ma-extension-error",
            dn="CN=Dan,DC=demo,DC=example",
            message="Attribute is read only. (8202)",
            retry_count=300,
        ),
    )
    assert [(error.stage, error.error_type, error.dn) for error in both.errors] == [
        ("discovery", "missing-anchor-value", "CN=Broken,DC=demo,DC=example"),
        ("sync", "exported-change-not-reimported", "CN=Ada,DC=demo,DC=example"),
        ("sync", "extension-unexpected-attribute-value", "CN=Bob,DC=demo,DC=example"),
        ("sync", "object-in-use", "Carol"),
    ]
    assert both.errors[0].line == 12
    assert both.errors[2].message == ("at import-flow; flow to title; extension Rules.dll import-flow cd.person:title")
    assert both.error_count == 4
    assert both.discovery_errors
    assert not export.discovery_errors
    assert "a-secret-value" in TEXT
    assert "secret" not in repr(demo())


def test_of_many_errors_the_first_are_kept_and_all_are_counted():
    error = '<import-error dn="CN=x"><error-type>join-ambiguous</error-type></import-error>'
    step = one_step(IMPORT, ENDED, f"<synchronization-errors>{error * 150}</synchronization-errors>").result.steps[0]

    assert (len(step.errors), step.error_count) == (MOST_ERRORS, 150)


def test_connection_troubles_are_told_as_text():
    run = demo()

    assert run.connection_log == (
        "step 1: 2024-05-01 10:00:01.000 UTC dc2.demo.example:389: dropped-connection Server Down (81)",
        "step 1: 2024-05-01 10:00:02.000 UTC dc1.demo.example:389: success",
    )
    assert run.result.message == run.connection_log[0]


def test_the_status_of_a_run_hides_no_step_that_went_wrong():
    assert demo().result.status == "completed-sync-errors"
    stopped = "<end-date>2024-05-01</end-date><step-result>stopped-ma</step-result>"
    bad = f'<step-details step-number="1">{EXPORT}{stopped}</step-details>'
    good = f'<step-details step-number="2">{SYNC}{ENDED}</step-details>'
    run = read_run(f"<run-history><run-details><run-number>1</run-number>{good}{bad}</run-details></run-history>", BARE)

    assert run is not None
    assert run.result.status == "stopped-ma"


@pytest.mark.parametrize("status", ["in-progress", "completing-referential-updates", "completing-future-thing"])
def test_a_transitional_status_means_that_the_run_goes_on(status):
    run = one_step(IMPORT, f"<start-date>2024-05-01 10:00:00</start-date><step-result>{status}</step-result>")

    assert run.is_running
    assert run.result.ended is None


def test_a_step_without_an_end_goes_on():
    run = one_step(IMPORT, "<start-date>2024-05-01 10:00:00.000</start-date>")

    assert run.is_running
    assert run.result.status == "in-progress"


def test_unknown_words_are_kept_and_named():
    run = one_step(
        described('<step-type type="defragment"><import-subtype>gently</import-subtype></step-type>'),
        "<end-date>yesterday</end-date><step-result>completely-new</step-result>",
        "<staging-counters><stage-add>1</stage-add><stage-move>2</stage-move></staging-counters>",
        "<export-counters><export-add>many</export-add></export-counters>",
        '<outbound-flow-counters ma="HR"><teleported>4</teleported></outbound-flow-counters>',
    )
    step = run.result.steps[0]

    assert (step.kind, step.status) == (StepKind.UNKNOWN, "completely-new")
    assert (step.staged, step.exported) == (None, None)
    assert step.outbound == {"mim/HR": 4}
    assert step.counters == {"stage-add": 1, "stage-move": 2, "HR: teleported": 4}
    for word in ("defragment", "gently", "yesterday", "completely-new", "stage-move", "export-add", "teleported"):
        assert any(word in warning for warning in run.warnings), word


def test_an_unknown_counter_that_is_zero_changes_nothing():
    step = one_step(
        IMPORT, ENDED, "<staging-counters><stage-add>1</stage-add><stage-move>0</stage-move></staging-counters>"
    ).result.steps[0]

    assert step.staged == Counts(adds=1)


@pytest.mark.parametrize(
    ("step_type", "kind"),
    [
        ('type="delta-import"><import-subtype>to-cs</import-subtype>', StepKind.DELTA_IMPORT),
        ('type="full-import"><import-subtype>to-cs</import-subtype>', StepKind.FULL_IMPORT),
        ('type="delta-import">', StepKind.DELTA_IMPORT_DELTA_SYNC),
        ('type="full-import">', StepKind.FULL_IMPORT_DELTA_SYNC),
        ('type="full-import-reevaluate-rules">', StepKind.FULL_IMPORT_FULL_SYNC),
        (
            'type="full-import"><import-subtype>to-file, resume-from-file, to-cs</import-subtype>',
            StepKind.FULL_IMPORT,
        ),
        (
            'type="full-import"><import-subtype>to-file,resume-from-file</import-subtype><import-subtype>to-cs</import-subtype>',
            StepKind.FULL_IMPORT,
        ),
        ('type="apply-rules"><apply-rules-subtype>apply-pending</apply-rules-subtype>', StepKind.DELTA_SYNC),
        (
            'type="apply-rules"><apply-rules-subtype>reevaluate-flow-connectors</apply-rules-subtype>',
            StepKind.FULL_SYNC,
        ),
        ('type="apply-rules"><apply-rules-subtype>reevaluate-join-flow-all</apply-rules-subtype>', StepKind.FULL_SYNC),
        ('type="export"><export-subtype>to-file</export-subtype>', StepKind.EXPORT),
        ('type="apply-rules">', StepKind.UNKNOWN),
        (">", StepKind.UNKNOWN),
    ],
)
def test_the_step_type_tells_what_a_step_does(step_type, kind):
    assert one_step(described(f"<step-type {step_type}</step-type>"), ENDED).result.steps[0].kind is kind


def test_a_partition_is_found_by_any_of_its_names():
    by_display_name = one_step_of_demo("Demo domain")
    by_id = one_step_of_demo("{c0ffee00-1111-4222-8333-444455556666}")
    other = one_step_of_demo("DC=elsewhere")

    assert by_display_name.result.steps[0].partition == by_id.result.steps[0].partition == "DC=demo,DC=example"
    assert other.result.steps[0].partition == "DC=elsewhere"
    assert "DC=elsewhere" in other.warnings[0]


def one_step_of_demo(partition: str):
    body = described('<step-type type="export"/>', partition) + ENDED
    run = read_run(
        "<run-history><run-details><ma-name>Demo AD</ma-name><run-number>1</run-number>"
        f"<step-details>{body}</step-details></run-details></run-history>",
        KNOWN,
    )
    assert run is not None
    return run


def test_a_saved_history_holds_several_runs():
    one = TEXT.partition("<run-history>")[2].partition("</run-history>")[0]
    two = one.replace("<run-number>41<", "<run-number>142<")
    saved = (
        f"<execution-histories><run-history>{two}</run-history><run-history>{one}</run-history></execution-histories>"
    )

    assert [run.result.handle for run in read_runs(saved, KNOWN)] == ["142", "41"]
    newest = read_run(saved.encode("utf-16"), KNOWN)
    assert newest is not None
    assert newest.result == replace(demo().result, handle="142")


def test_an_agent_that_never_ran_has_no_run():
    assert read_run("<run-history/>", BARE) is None


def test_a_run_with_absurdly_many_steps_is_refused():
    steps = "<step-details/>" * 1001
    with pytest.raises(XmlRefused, match="more than 1000 steps"):
        read_run(f"<run-history><run-details><run-number>1</run-number>{steps}</run-details></run-history>", BARE)


def test_adsync_hands_out_pieces_without_a_root():
    error = "<export-error dn='CN=x'><error-type>InvalidSoftMatch</error-type></export-error>"
    step = step_of_pieces(
        [
            SYNC.removeprefix("<step-description>").removesuffix("</step-description>"),
            "",
            f"<synchronization-errors>{error}</synchronization-errors>",
            '<outbound-flow-counters ma="contoso - AAD"><connector-flow>2</connector-flow></outbound-flow-counters>',
        ],
        {"step-result": "completed-sync-errors", "end-date": "2024-05-01 10:00:00.000"},
        {"StageAdd": 1, "StageDeleteAdd": 2, "ExportUpdate": 3, "DisconnectorRemains": 4},
        Context(engine=MIM, doubts=Doubts()),
    )

    assert (step.kind, step.status) == (StepKind.DELTA_SYNC, "completed-sync-errors")
    assert step.staged == Counts(adds=1, delete_adds=2)
    assert step.exported == Counts(updates=3)
    assert step.outbound == {"mim/contoso - AAD": 2}
    assert step.counters["disconnector-remains"] == 4
    assert [error.error_type for error in step.errors] == ["InvalidSoftMatch"]


def test_warnings_are_bounded_and_told_once():
    doubts = Doubts()
    for number in range(MOST + 10):
        doubts.tell(f"word {number}")
        doubts.tell("word 0")

    assert len(doubts.told) == MOST + 1
    assert doubts.told[-1] == "and 10 more"


def test_real_run_details_are_read_without_a_doubt():
    for path in real("poshmon-*.xml"):
        run = read_run(path.read_bytes(), BARE)
        assert run is not None
        assert (len(run.result.steps), run.warnings) == (2, ())
        if "outbound" in path.name:
            assert run.result.steps[0].outbound == {"mim/MOSS-UserProfile": 26}
            assert run.result.steps[1].outbound == {}
        else:
            assert run.result.status == "stopped-connectivity"
            assert run.result.steps[0].staged == Counts(adds=3, updates=27, renames=2)
            assert "Replication access was denied. (8453)" in run.result.message


def test_a_connection_without_a_log_is_told_from_what_it_says_itself():
    body = (
        "<ma-connection><connection-result>failed-connection</connection-result><cd-error><error-code>81</error-code>"
        "</cd-error></ma-connection>"
    )

    assert one_step(IMPORT, ENDED, body).connection_log == ("step 1: failed-connection 81",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-01-04", datetime(2017, 1, 4, tzinfo=UTC)),
        ("2017-01-04T23:05:00.3Z", datetime(2017, 1, 4, 23, 5, 0, 300_000, tzinfo=UTC)),
        ("2017-02-30 10:00:00", None),
        ("10:00", None),
    ],
)
def test_times_are_utc_in_every_form(text, expected):
    assert moment(text) == expected


def test_a_step_of_an_agent_with_one_partition_needs_no_name_of_it():
    only = PartitionIndex([Partition(id="", name=PartitionName("p"))])
    run = one_step(
        "<step-description><step-type type='export'/></step-description>",
        known=Known(engine=MIM, partitions={"a": only}),
    )

    assert run.result.steps[0].partition == "p"
    assert run.warnings == ()
