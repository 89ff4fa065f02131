import pytest

from autosync.config.plan import Plan, plan
from tests.unit.config.examples import SMALL, WHOLE
from tests.unit.config.kinds import loaded


def edited(*replacements: tuple[str, str], text: str = WHOLE) -> Plan:
    new = text
    for old, becomes in replacements:
        assert old in new
        new = new.replace(old, becomes, 1)
    return plan(loaded(text).required(), loaded(new).required())


def test_what_means_the_same_is_no_change() -> None:
    same = edited(("run-mode: exclusive", "run-mode:   exclusive # a comment"), ("hr.csv", "'hr.csv'"), ("60m", "1h"))

    assert same.is_empty
    assert str(same) == "Nothing changes."
    assert edited(("type: embedded", "type: embedded\n    run-mode: supported"), text=SMALL).is_empty


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("20 or 2%", "50 or 2%", "~ agent mim/HR › guards › staged › deletes: 20 or 2% → 50 or 2% (weaker guard)"),
        ("20 or 2%", "20 or 3%", "~ agent mim/HR › guards › staged › deletes: 20 or 2% → 20 or 3% (weaker guard)"),
        ("20 or 2%", "10 or 1%", "~ agent mim/HR › guards › staged › deletes: 20 or 2% → 10 or 1%"),
        ("20 or 2%", "20", "~ agent mim/HR › guards › staged › deletes: 20 or 2% → 20 (weaker guard)"),
        (
            "changes: 500",
            "changes: unlimited",
            "~ agent mim/HR › guards › staged › changes: 500 → unlimited (weaker guard)",
        ),
        (
            "deletes: 20 or 2%, ",
            "",
            "~ agent mim/HR › guards › staged › deletes: 20 or 2% → 500 or 10% (weaker guard)",
        ),
        ("deletes: unlimited", "deletes: 5", "~ agent mim/Corp AD › guards › exports › deletes: unlimited → 5"),
        ("emptied: false", "emptied: true", "~ agent mim/Corp AD › guards › exports › emptied: false → true"),
        ("flapping-after: never", "flapping-after: 3", "~ agent mim/HR › guards › flapping-after: never → 3"),
        ("failures: 2", "failures: 9", "~ agent mim/HR › breaker › failures: 2 → 9 (weaker guard)"),
        ("rest: 1h", "rest: 1m", "~ agent mim/HR › breaker › rest: 1h → 1m (weaker guard)"),
        ("lock-with: mim/HR", "lock-with: []", "~ agent mim/Corp AD › lock-with: mim/HR → nothing (weaker guard)"),
        ("run-mode: exclusive", "run-mode: supported", "~ engine mim › run-mode: exclusive → supported (weaker guard)"),
        (
            "run-mode: exclusive",
            "mim-service-export-is-sync: false\n    run-mode: exclusive",
            "~ engine mim › mim-service-export-is-sync: true → false (weaker guard)",
        ),
        ("every: 15m", "every: 10m", "~ trigger mim/HR#interval › when: every 15m → every 10m"),
        (
            "0 2 * * sat",
            "0 3 * * sat",
            "~ trigger mim/HR#schedule › when: cron 0 2 * * sat (Europe/Brussels) → cron 0 3 * * sat (Europe/Brussels)",
        ),
        ("path: hr.csv", "path: hr2.csv", "~ trigger mim/HR#file › path: hr.csv → hr2.csv"),
        ("server: sync01", "server: sync02", "~ engine mim › server: sync01.corp.example → sync02.corp.example"),
        (
            "lasts: 30m",
            "lasts: 20m",
            (
                "~ exclusion exclusion 3 › window 1: cron 0 12 * * * for 30m (Asia/Tokyo) for all, only imports, syncs → "
                "cron 0 12 * * * for 20m (Asia/Tokyo) for all, only imports, syncs (weaker guard)"
            ),
        ),
        ("urgent: true", "urgent: false", "~ routes › all: 1 route → 1 route"),
    ],
)
def test_each_change_is_one_line_and_a_weaker_guard_is_marked(old: str, new: str, line: str) -> None:
    assert [str(change) for change in edited((old, new)).changes] == [line]


def test_what_comes_and_goes_is_told_whole() -> None:
    gone = edited(('  - {cron: "0 12 * * *", lasts: 30m, time-zone: Asia/Tokyo, only: [imports, syncs]}\n', ""))
    come = edited(("      - {type: interval", "      - {type: file, path: more.csv}\n      - {type: interval"))

    assert [str(change) for change in gone.changes] == ["- exclusion exclusion 3 (weaker guard)"]
    assert [str(change) for change in come.changes] == ["+ trigger mim/HR#file-3"]
    assert come.triggers == {"mim/HR#file-3"}


def test_no_export_turned_off_is_a_weaker_guard() -> None:
    on = "service: {no-export: true}\n" + SMALL

    (change,) = edited(("no-export: true", "no-export: false"), text=on).changes
    assert change.weaker


def test_an_agent_that_is_no_longer_named_goes_back_to_the_defaults() -> None:
    text = SMALL + "agents: {home/hr: {guards: {staged: {deletes: 5}}}}\n"

    (change,) = edited(("agents: {home/hr: {guards: {staged: {deletes: 5}}}}\n", ""), text=text).changes
    assert str(change) == "~ agent home/hr › guards › staged › deletes: 5 → 500 or 10% (weaker guard)"


def test_only_engines_whose_options_changed_are_built_anew() -> None:
    assert edited(("run-mode: exclusive", "run-mode: supported")).engines == frozenset()
    assert edited(("server: sync01", "server: sync02")).engines == {"mim"}
    assert edited(("agents: {hr: {connector: {}}}", "agents: {hr: {connector: {a: 1}}}")).engines == {"home"}


def test_agents_that_changed_are_named() -> None:
    assert edited(("run-limit: 2h", "run-limit: 3h")).agents == {"mim/HR"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [("listen: 99", True), ("token-file: x", True), ("store: sqlite:x", True), ("retention: 9d", False)],
)
def test_what_a_running_service_cannot_take_over_needs_a_restart(key: str, expected: bool) -> None:
    new = loaded(f"service: {{{key}}}\n" + SMALL).required()

    assert plan(loaded(SMALL).required(), new).needs_restart is expected


def test_the_closing_line_counts() -> None:
    planned = edited(("20 or 2%", "50 or 2%"), ("every: 15m", "every: 10m"))

    assert str(planned).endswith("\n2 changes, 1 weakens a guard.")
    assert len(planned.weaker) == 1


def test_where_a_script_runs_is_shown_as_it_was_written_and_no_secret() -> None:
    def with_host(host: str) -> str:
        return SMALL + f"agents: {{home/hr: {{controller-script: {{path: x.ps1, host: {{{host}}}}}}}}}\n"

    old = loaded(with_host("server: app01")).required()
    sign_in = "sign-in: {user: u, password: {env: APP}}, session-configuration: Own"
    lines = str(plan(old, loaded(with_host(f"server: app02, {sign_in}")).required()))

    assert (
        "~ agent home/hr › controller-script › host: https://app01:5986 → "
        "https://app02:5986 as u password env:APP session Own"
    ) in lines
