import pytest

from autosync.config.mistakes import Mistake, report, shown_path
from autosync.options.reading import MOST_MISTAKES
from tests.unit.config.examples import SMALL
from tests.unit.config.kinds import loaded

KEYS = (
    "breaker, controller-script, enabled, full-sync-after-full-import, guards, import-counts, import-if-none-for, "
    "lock-with, partitions, retry, run-limit, stop-long-runs, triggers, wakes"
)
AGENT = SMALL + "agents:\n  home/hr:\n"


def said(text: str) -> list[str]:
    result = loaded(text)
    assert result.configuration is None
    return [mistake.said for mistake in result.mistakes]


def test_places_in_lists_count_from_one() -> None:
    assert shown_path(("agents", "mim/HR", "triggers", 1, "cron")) == "agents › mim/HR › triggers › 2 › cron"


def test_the_report_has_a_line_each_and_says_what_becomes_of_the_running_configuration() -> None:
    mistakes = [
        Mistake(file="a.yaml", line=9, column=5, path=("x",), message="one"),
        Mistake(file="a.yaml", line=31, column=18, path=(), message="two"),
    ]

    assert report(mistakes, 17) == (
        "a.yaml:9:5    x: one\na.yaml:31:18  two\n2 mistakes. The running configuration (revision 17) is unchanged."
    )
    assert report(mistakes[:1]) == "a.yaml:9:5  x: one\n1 mistake."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("servce: {}\n", "servce: unknown key (did you mean service?)"),
        ("zzz: {}\n", "zzz: unknown key (known: agents, engines, exclusions, notify, service)"),
        ("service: []\n", "service: expected keys and values, not a list"),
        (
            "service: {time-zone: Europe/Brusels}\n",
            'service › time-zone: "Europe/Brusels" is no time zone (did you mean Europe/Brussels?)',
        ),
        (
            "service: {time-zone: Mars}\n",
            'service › time-zone: "Mars" is no time zone; write it like Europe/Brussels or UTC',
        ),
        ("service: {no-export: yes}\n", 'service › no-export: expected true or false, not "yes" (did you mean true?)'),
        ("service: {no-export: 1}\n", "service › no-export: expected true or false, not the number 1"),
        (
            "service: {log-level: inf}\n",
            'service › log-level: "inf" is not one of debug, info, warning, error (did you mean info?)',
        ),
        (
            "service: {log-level: 5}\n",
            "service › log-level: expected one of debug, info, warning, error, not the number 5",
        ),
        ("service: {retention: 1h}\n", 'service › retention: "1h" is too short; at least 1d'),
        (
            "service: {listen: here}\n",
            'service › listen: "here" is no address and port; write 127.0.0.1:8480, or 8480 alone',
        ),
        (
            "service: {listen: 127.0.0.1:99999}\n",
            'service › listen: "127.0.0.1:99999" is no address and port; write 127.0.0.1:8480, or 8480 alone',
        ),
        ("service: {token-file: 5}\n", "service › token-file: expected text, not the number 5; put it in quotes"),
        ("service: {token-file: }\n", "service › token-file: is empty; give a value, or delete the key"),
        (
            "service: {store: autosync.db}\n",
            'service › store: "autosync.db" is no kind of store here (known: memory, sqlite); write sqlite:autosync.db',
        ),
        (
            "service: {store: 'sqlite://autosync.db'}\n",
            "service › store: sqlite:// needs a whole path (sqlite:///var/lib/a.db); leave // out for one beside this file",
        ),
        ("service: {store: 'sqlite:'}\n", "service › store: the file is missing; write sqlite:autosync.db"),
    ],
)
def test_mistakes_in_the_service_block(text: str, expected: str) -> None:
    assert said(text + SMALL) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service: {}\n", ["engines is missing"]),
        ("engines:\n", ["engines: there is no engine here; name one, such as  home: {type: embedded, …}"]),
        ("engines: {a: }\n", ["engines › a: type is missing (known engine types: embedded, mim)"]),
        ("engines: {a: {type: mimm}}\n", ['engines › a › type: "mimm" is no engine type (did you mean mim?)']),
        ("engines: {a: {type: zzz}}\n", ['engines › a › type: "zzz" is no engine type (known: embedded, mim)']),
        ("engines: {a: {type: mim, run-mod: x}}\n", ["engines › a › run-mod: unknown key (did you mean run-mode?)"]),
        ("engines: {a: {type: mim, sever: x}}\n", ["engines › a › sever: unknown key (did you mean server?)"]),
        (
            "engines: {a: {type: mim, run-mode: suported}}\n",
            [
                'engines › a › run-mode: "suported" is not one of supported, unsupported, exclusive (did you mean supported?)'
            ],
        ),
        (
            "engines: {a: {type: mim, max-parallel: 0}}\n",
            ["engines › a › max-parallel: expected a whole number from 1 to 1000, not the number 0; or unlimited"],
        ),
        ("engines: {a/b: {type: mim}}\n", ['engines › a/b: "a/b" cannot be the name of an engine: it has a /']),
        (
            "engines: {all: {type: mim}}\n",
            ['engines › all: "all" cannot be the name of an engine: it means every agent in exclusions'],
        ),
        ("engines: {a: {type: embedded, agents: {x: {}}}}\n", ["engines › a › agents › x › connector: is missing"]),
    ],
)
def test_mistakes_in_engines(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (
            "flapping: 1",
            f"flapping: unknown key (known: {KEYS})",
        ),
        ("lock_with: [x]", "lock_with: unknown key (did you mean lock-with?)"),
        ("import-if-none-for: 60", "import-if-none-for: 60 has no unit; write 60s, 60m, 60h or 60d; or never"),
        (
            "triggers: {type: file}",
            "triggers: expected a list, not keys and values; begin each entry with - or put all into [ ]",
        ),
        ("triggers: [5]", "triggers › 1: expected keys and values, not the number 5"),
        ("triggers: [{type: flie}]", 'triggers › 1 › type: "flie" is no trigger type (did you mean file?)'),
        ("triggers: [{type: interval}]", "triggers › 1: every is missing"),
        ("triggers: [{type: interval, every: 1ms}]", 'triggers › 1 › every: "1ms" is too short; at least 1s'),
        (
            "triggers: [{type: schedule}]",
            'triggers › 1: a schedule needs either cron ("0 2 * * sat"), or start and period',
        ),
        (
            'triggers: [{type: schedule, cron: "0 2 * * *", period: 1d}]',
            "triggers › 1: period belongs to start; a cron expression says itself when it fires again",
        ),
        (
            "triggers: [{type: schedule, start: 2026-01-01}]",
            "triggers › 1: period is missing: the time between two firings, such as 1d",
        ),
        (
            "triggers: [{type: interval, every: 1h, name: 'a#b'}]",
            'triggers › 1 › name: "a#b" cannot be the name of a trigger: it has a #',
        ),
        (
            "triggers: [{type: interval, every: 1h, name: a}, {type: interval, every: 2h, name: a}]",
            'triggers › 2 › name: another trigger of this agent has the name "a"; give name: to one of them',
        ),
        (
            "guards: {staged: {deletes: many}}",
            'guards › staged › deletes: "many" is no limit; write 20, 2%, 20 or 2%, or unlimited',
        ),
        (
            "guards: {flapping-after: 1}",
            "guards › flapping-after: expected a whole number from 2 to 1000, not the number 1; or never",
        ),
        (
            "partitions: {default: {export: }}",
            "partitions › default › export: give the name of a run profile; false means: never do this",
        ),
        ("partitions: {default: {exprt: EX}}", "partitions › default › exprt: unknown key (did you mean export?)"),
        ("retry: {first-delay: 20m}", "retry › first-delay: first-delay is longer than longest-delay"),
        ("retry: {jitter: 2}", "retry › jitter: expected a number from 0 to 0.9, not the number 2"),
        ("stop-long-runs: true", "stop-long-runs: run-limit is missing: how long is too long?"),
        ("lock-with: [home/hr]", "lock-with › 1: an agent cannot be named beside itself"),
        ("lock-with: home/xy", 'lock-with: "home/xy": no such agent on home (known: hr)'),
        ("wakes: [homme/hr]", 'wakes › 1: "homme/hr": no such engine: "homme" (did you mean home?)'),
    ],
)
def test_mistakes_in_an_agent(agent: str, expected: str) -> None:
    assert said(f"{AGENT}    {agent}\n") == [f"agents › home/hr › {expected}"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("home/Hr", 'agents › home/Hr: no such agent on home (did you mean "home/hr"?)'),
        ("hom/hr", 'agents › hom/hr: no such engine: "hom" (did you mean home?)'),
        ("hr", 'agents › hr: "hr" names no agent; write engine/agent'),
    ],
)
def test_an_agent_that_does_not_exist_is_told_with_the_nearest(name: str, expected: str) -> None:
    assert said(SMALL + f"agents:\n  {name}:\n") == [expected]


def test_an_agent_that_only_its_engine_knows_is_doubted_but_taken() -> None:
    result = loaded("engines: {m: {type: mim}}\nagents: {m/HR: {lock-with: [m/Corp Ad]}, m/Corp AD: }\n")

    assert result.configuration is not None
    assert [warning.said for warning in result.warnings] == [
        'agents › m/HR › lock-with › 1: "m/Corp Ad" is not named under agents (did you mean "m/Corp AD"?)'
    ]


def test_a_word_near_a_slot_is_doubted_but_taken_as_a_profile() -> None:
    result = loaded(AGENT + "    triggers: [{type: interval, every: 1h, run: full-imports}]\n")

    assert result.configuration is not None
    assert [warning.message for warning in result.warnings] == [
        '"full-imports" is taken as the name of a run profile (did you mean full-import?)'
    ]


def test_an_api_that_others_can_reach_is_doubted() -> None:
    (warning,) = loaded("service: {listen: 0.0.0.0:8480}\n" + SMALL).warnings

    assert "0.0.0.0:8480 can be reached from other machines" in warning.message


@pytest.mark.parametrize(
    ("exclusion", "expected"),
    [
        ('weekly: "Snu 02:00-03:00"', '1 › weekly: "Snu" is no weekday (did you mean sun?)'),
        ("name: x", "1: an exclusion needs one of: weekly; from and until; cron and lasts"),
        ("weekly: Sun, from: 2026-01-01", "1: an exclusion needs one of: weekly; from and until; cron and lasts"),
        ("from: 2026-01-01", "1: until is missing"),
        ("until: 2026-01-01", "1: from is missing"),
        ("lasts: 1h", "1: cron is missing"),
        ("from: 2026-01-03, until: 2026-01-02", "1: until (2026-01-02) is not after from (2026-01-03)"),
        (
            "weekly: Sun, only: export",
            '1 › only: "export" is not one of imports, syncs, exports (did you mean exports?)',
        ),
        (
            "weekly: Sun, agents: [home/hr, homme]",
            '1 › agents › 2: "homme": no such engine: "homme" (did you mean home?)',
        ),
    ],
)
def test_mistakes_in_exclusions(exclusion: str, expected: str) -> None:
    assert said(SMALL + f"exclusions: [{{{exclusion}}}]\n") == [f"exclusions › {expected}"]


@pytest.mark.parametrize(
    ("notify", "expected"),
    [
        ("mail: {host: x}", "mail: type is missing, and mail is no channel type itself (known: log)"),
        ("teams: {type: webhook, url: x}", 'teams › type: "webhook" is no channel type (known: log)'),
        ("log: {x: 1}", "log › x: unknown key (known: type)"),
        (
            "log: {}, routes: [{when: hodl, to: log}]",
            'routes › 1 › when: "hodl" is nothing that can be told (did you mean hold?)',
        ),
        ("log: {}, routes: [{when: hold, to: lgo}]", 'routes › 1 › to: "lgo" is no channel (did you mean log?)'),
        ("log: {}, routes: [{to: log}]", "routes › 1: when is missing"),
    ],
)
def test_mistakes_in_notify(notify: str, expected: str) -> None:
    assert said(SMALL + f"notify: {{{notify}}}\n") == [f"notify › {expected}"]


@pytest.mark.parametrize(
    "password", ["hunter2", "{hunter2: x}", "[hunter2]", "{env: [hunter2]}", "{env: a, file: hunter2}"]
)
def test_a_secret_in_the_file_is_a_mistake_that_does_not_repeat_it(password: str) -> None:
    (message,) = said(f"engines: {{m: {{type: mim, password: {password}}}}}\n")

    assert message.startswith("engines › m › password: ")
    assert "write {env: NAME}, {file: path} or {secret: name}" in message
    assert "hunter2" not in message


def test_a_password_in_the_stores_address_is_not_repeated() -> None:
    messages = said("service: {store: 'memory://u:hunter2@x/y'}\n" + SMALL)

    assert len(messages) == 1
    assert "a password stands in this address" in messages[0]
    assert "hunter2" not in messages[0]


CONNECTOR = (
    "engines:\n  home:\n    type: embedded\n    agents: {{hr: {{connector: {{{}}}, person: {{export: {{{}}}}}}}}}\n"
)


@pytest.mark.parametrize(
    "connector",
    ["type: sql, password: hunter2", "type: sql, url: 'postgresql://u:hunter2@db/x'", "type: sql, password: [hunter2]"],
)
def test_a_secret_is_found_where_its_kind_does_not_look(connector: str) -> None:
    (message,) = said(CONNECTOR.format(connector, ""))

    assert "{env: NAME}" in message
    assert "hunter2" not in message


def test_an_attribute_may_be_called_password() -> None:
    assert loaded(CONNECTOR.format("type: sql, password: {file: pw}", "password: initialPassword")).mistakes == ()


def test_what_is_wrong_inside_makes_no_second_mistake_outside() -> None:
    assert len(said(AGENT + '    triggers: [{type: schedule, cron: "x"}]\n')) == 1
    assert len(said(SMALL + "exclusions: [{from: x, until: 2026-01-01}]\n")) == 1


def test_mistakes_come_in_the_order_of_the_file() -> None:
    mistakes = loaded("zz: 1\n" + SMALL + "aa: 1\nservice: {bb: 1}\n").mistakes

    assert [mistake.line for mistake in mistakes] == [1, 6, 7]


def test_a_file_of_another_kind_is_not_told_to_the_end() -> None:
    mistakes = loaded("".join(f"key{number}: x\n" for number in range(5000))).mistakes

    assert len(mistakes) == MOST_MISTAKES
    assert mistakes[-1].message == f"more than {MOST_MISTAKES} mistakes; the rest is not read"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "{path: x.py, host: {server: app01}}",
            "controller-script › host: only a PowerShell script runs on another machine",
        ),
        ("{path: x.ps1, host: {sever: app01}}", "controller-script › host › sever: unknown key (did you mean server?)"),
        (
            "{path: x.ps1, host: {server: app01}, edition: core}",
            "controller-script › edition: with host: the script runs over there, in what session-configuration names",
        ),
    ],
)
def test_what_does_not_fit_a_script_on_another_machine_is_told(script: str, expected: str) -> None:
    assert f"agents › home/hr › {expected}" in said(AGENT + f"    controller-script: {script}\n")
