"""What the documentation says is true: configurations load, commands exist, links lead somewhere, examples work."""

import ast
import importlib.util
import re
import shlex
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from autosync.cli.main import app
from autosync.config.load import load
from autosync.model.facts import FactKind
from autosync.model.holds import HoldKind, HoldState
from autosync.model.requests import WaitKind
from autosync.model.runs import OutcomeKind
from autosync.syncengine.connectors.registry import make_connector
from autosync.syncengine.connectors.settings_reading import Mistake
from autosync.syncengine.engine import SyncEngine
from autosync.syncengine.rules.functions import RuleFunctions
from autosync.syncengine.rules.inbound import compile_flow
from autosync.syncengine.spec.model import ImportFlow, MetaverseAttribute, MetaverseType
from autosync.syncengine.spec.parse import parse_spec
from autosync.syncengine.spec.parse_expressions import ExpressionParser
from autosync.syncengine.steps import StepKind
from autosync.testing.contracts.trigger import CASES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
PAGE_NAMES = {page: page.relative_to(ROOT).as_posix() for page in PAGES}
FENCE = re.compile(
    r"^(?P<indent>[ ]*)(?:<!-- (?P<mark>[^\n]*?) -->\n[ ]*)?```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")

FRAME: dict[str, Any] = {
    "engines": {
        "home": {
            "type": "embedded",
            "metaverse": {"person": {"attributes": {"id": {"key": True}}}},
            "agents": {
                "hr": {
                    "connector": {"type": "csv", "path": "hr.csv", "anchor": "id"},
                    "person": {"project": "always", "import": {"id": "id"}},
                }
            },
        }
    }
}


class Block:
    """A fenced block of a page."""

    def __init__(self, page: Path, found: re.Match[str]) -> None:
        self.mark = found["mark"] or ""
        self.language = found["language"].strip()
        self.text = textwrap.dedent(found["text"])
        self.line = page.read_text(encoding="utf-8")[: found.start()].count("\n") + 1
        self.name = f"{PAGE_NAMES[page]}:{self.line}"


def blocks(page: Path) -> list[Block]:
    return [Block(page, found) for found in FENCE.finditer(page.read_text(encoding="utf-8"))]


def marked(*beginnings: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.mark.startswith(beginnings)]


def files_of(page: Path, word: str = "file") -> dict[str, str]:
    return {block.mark.partition(": ")[2]: block.text for block in blocks(page) if block.mark.startswith(f"{word}: ")}


def prose_and_code(page: Path) -> str:
    return page.read_text(encoding="utf-8")


# Configurations


def whole(block: Block) -> dict[str, Any]:
    """Return the file that the block is, or is a part of: the mark says which part."""
    data = yaml.safe_load(block.text.replace("\n...", "\n"))
    part = block.mark.partition(": ")[2]
    if not part:
        return dict(data)
    file = yaml.safe_load(yaml.safe_dump(FRAME))
    match part.split():
        case ["service"] | ["root"]:
            file.update(data)
        case ["agent", agent]:
            file["agents"] = {agent: data}
        case ["embedded", "agent", agent]:
            file["engines"]["home"]["agents"][agent].update(data)
        case _:
            raise AssertionError(f"{block.name}: {part!r} is no place for a configuration")
    return dict(file)


@pytest.mark.parametrize("block", marked("configuration"), ids=lambda block: block.name)
def test_a_configuration_on_a_page_is_valid(block: Block, tmp_path: Path) -> None:
    from autosync.bootstrap.kinds import KINDS  # noqa: PLC0415 - loads every adapter

    file = tmp_path / "autosync.yaml"
    file.write_text(yaml.safe_dump(whole(block), sort_keys=False, default_flow_style=None), encoding="utf-8")

    loaded = load(file, KINDS, {})

    assert [str(mistake) for mistake in loaded.mistakes] == []


def test_the_readmes_configuration_is_valid(tmp_path: Path) -> None:
    from autosync.bootstrap.kinds import KINDS  # noqa: PLC0415

    found = [block for block in blocks(ROOT / "README.md") if block.language == "yaml"]
    assert found, "README.md shows no configuration"
    for number, block in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block.text, encoding="utf-8")
        assert [str(mistake) for mistake in load(file, KINDS, {}).mistakes] == [], block.name


def test_pages_that_show_configurations_mark_them() -> None:
    assert {block.name.partition(":")[0] for block in marked("configuration")} >= {
        "docs/first-steps.md", "docs/operating.md", "docs/orchestration.md", "docs/engine/runs.md", "docs/engine/examples.md",
    }  # fmt: skip


# Commands


def commands_of(text: str) -> Iterator[str]:
    """Yield what is typed: lines of shell blocks and after a prompt, and inline code that begins with autosync."""
    for found in FENCE.finditer(text):
        if found["language"].strip() in {"text", "sh", "console", "", "bat"}:
            lines = textwrap.dedent(found["text"]).replace("\\\n", " ").splitlines()
            shell = found["language"].strip() == "sh"
            for line in lines:
                typed = line.strip().removeprefix("$ ") if shell or line.strip().startswith("$ ") else ""
                at = re.match(r"(?:[A-Z_]+=\S+ +)*(?:\S*/)?autosync(?= |$)(.*)", typed.partition("  #")[0])
                if at:
                    yield "autosync" + at[1]
    plain = FENCE.sub("", text)
    for code in re.findall(r"`((?:\S*/)?autosync [^`\n]+)`", plain):
        yield code[code.index("autosync") :]


def no_such_command(written: str) -> str | None:
    """Return what is wrong with a command, None where nothing is."""
    written = re.split(r" [>|]", written.replace("…", "x").replace("[FILE]", "FILE").replace("[ID]", "ID"))[0]
    words = shlex.split(written)[1:]
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        found = command.commands.get(words[0])
        if found is None:
            return f"no command {words[0]!r}"
        command, words = found, words[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options |= {"--help", "--install-completion", "--show-completion"}
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in options]
    if unknown:
        return f"no option {unknown[0]} of {command.name}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES.get)
def test_every_command_on_a_page_exists(page: Path) -> None:
    wrong = [(typed, said) for typed in commands_of(prose_and_code(page)) if (said := no_such_command(typed))]

    assert wrong == []


def test_the_search_for_commands_finds_what_it_looks_for() -> None:
    typed = "```sh\nX=1 .venv/bin/autosync runs --limit 5   # five\n```\nand `autosync hold show H-1`\n"

    assert list(commands_of(typed)) == ["autosync runs --limit 5 ", "autosync hold show H-1"]
    assert sum(len(list(commands_of(prose_and_code(page)))) for page in PAGES) > 80
    assert no_such_command("autosync hold approve H-1 --reason x --seen y") is None
    assert no_such_command("autosync holds") == "no command 'holds'"
    assert no_such_command("autosync runs --newest") == "no option --newest of runs"


def test_every_benchmark_on_a_page_exists() -> None:
    named = {name for page in PAGES for name in re.findall(r"python -m (benchmarks(?:\.\w+)*)", prose_and_code(page))}
    missing = {
        name
        for name in named - {"benchmarks", "benchmarks.NAME"}
        if not (ROOT / name.replace(".", "/")).is_dir() and not (ROOT / (name.replace(".", "/") + ".py")).is_file()
    }

    assert missing == set()


# Links


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", prose_and_code(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES.get)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    dead = []
    for link in LINK.findall(FENCE.sub("", prose_and_code(page))):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)

    assert dead == []


def test_every_page_stands_in_a_table_of_contents() -> None:
    listed = {DOCS / "index.md"}
    for page in PAGES:
        for found in FENCE.finditer(prose_and_code(page)):
            if found["language"].strip() == "{toctree}":
                names = [line for line in found["text"].splitlines() if line and not line.startswith(":")]
                listed |= {(page.parent / f"{name}.md").resolve() for name in names}

    assert {page for page in PAGES if page.is_relative_to(DOCS)} == listed


# Words of the code


def test_every_module_named_in_the_rules_exists() -> None:
    for name in ("orchestration.md", "extending.md"):
        text = prose_and_code(DOCS / name)
        named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", text))
        assert named, name
        missing = {each for each in named if not any((base / each).exists() for base in (ROOT / "src/autosync", ROOT))}
        assert missing == set(), name


def test_every_test_named_in_the_weaknesses_exists_and_every_weakness_is_there() -> None:
    text = prose_and_code(DOCS / "weaknesses.md")
    known = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    named = set(re.findall(r"`(test_\w+)`", text))
    rows = {row[1]: row[0] for row in re.findall(r"^(\| (W\d+) \|.*)$", text, re.MULTILINE)}

    assert named - known == set()
    assert list(rows) == [f"W{number}" for number in range(1, 71)]
    assert [name for name, row in rows.items() if "`test_" not in row and "not yet" not in row] == []


@pytest.mark.parametrize(
    "words", [WaitKind, FactKind, OutcomeKind, HoldState, HoldKind], ids=lambda words: str(words.__name__)
)
def test_an_operator_finds_every_word_that_the_service_uses(words: Any) -> None:
    text = prose_and_code(DOCS / "operating.md")

    assert [each.value for each in words if f"`{each.value}`" not in text and f"*{each.value}*" not in text] == []


def test_every_kind_of_step_is_explained() -> None:
    text = prose_and_code(DOCS / "engine" / "runs.md")

    assert [kind.value for kind in StepKind if f"`{kind.value}`" not in text] == []


# Examples of rules


def expression_rows() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{block.name} {number}", row)
        for block in marked("expressions")
        for number, row in enumerate(yaml.safe_load(block.text), start=1)
    ]


def target_of(gives: object) -> MetaverseAttribute:
    types = {bool: "boolean", int: "integer"}
    kind = types.get(type(gives), "string")
    spec = parse_spec(
        {
            "metaverse": {"t": {"attributes": {"v": {"type": kind, "multivalued": isinstance(gives, list)}}}},
            "agents": {},
        }
    )
    return spec.metaverse["t"].attributes["v"]


@pytest.mark.parametrize("row", [row for _, row in expression_rows()], ids=[name for name, _ in expression_rows()])
def test_an_expression_gives_what_the_page_says(row: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text(files_of(DOCS / "engine" / "examples.md")["rules.py"], encoding="utf-8")
    mistakes: list[Mistake] = []
    expression = ExpressionParser(mistakes).expression(row["write"], ())
    values: dict[str, Any] = {}

    flow = compile_flow(
        (ImportFlow(target="v", source=expression),),
        MetaverseType(name="t", attributes={"v": target_of(row["gives"])}),
        RuleFunctions(tmp_path),
    )
    flow(row["from"].get, values)

    assert mistakes == []
    assert values.get("v") == row["gives"]


def test_every_way_to_write_an_expression_has_an_example() -> None:
    from autosync.syncengine.spec.parse_expressions import _READERS  # noqa: PLC0415 - the parser's own list

    written = yaml.safe_dump([row for _, row in expression_rows()])

    assert [word for word in _READERS if f"{word}:" not in written] == ["ref"]  # needs two objects: the whole example


def test_every_way_to_deprovision_is_read() -> None:
    rows = [row for block in marked("deprovision") for row in yaml.safe_load(block.text)]

    assert len(rows) >= 2
    for row in rows:
        person = {"provision": {"dn": "{id}"}, "export": {"id": "id", **row.pop("export", {})}, "deprovision": row}
        parse_spec(
            {
                "metaverse": {"person": {"attributes": {"id": {"key": True}}}},
                "agents": {"phone": {"connector": {"type": "memory"}, "person": person}},
            }
        )


def opened_example(folder: Path) -> SyncEngine:
    page = DOCS / "engine" / "examples.md"
    for name, text in files_of(page).items():
        (folder / name).write_text(text, encoding="utf-8")
    (block,) = [block for block in blocks(page) if block.mark == "configuration"]
    spec = parse_spec(yaml.safe_load(block.text)["engines"]["home"])
    connectors = {name: make_connector(agent.connector, folder) for name, agent in spec.agents.items()}
    return SyncEngine.open(
        spec, folder / "engine.db", connectors, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), rules_folder=folder
    )


def carry(engine: SyncEngine) -> None:
    for profile in ("full import", "delta sync"):
        for agent in engine.describe():
            assert engine.run(agent.name, profile).status == "success", (agent.name, profile)
    assert engine.run("phone", "export").status == "success"


def test_the_whole_example_of_rules_does_what_the_page_says(tmp_path: Path) -> None:
    page, phone = DOCS / "engine" / "examples.md", tmp_path / "phone.csv"
    engine = opened_example(tmp_path)
    try:
        carry(engine)
        assert phone.read_text(encoding="utf-8") == files_of(page, "result")["phone.csv"]

        carry(engine)
        assert phone.read_text(encoding="utf-8") == files_of(page, "result")["phone.csv"]

        for name, gone in (("hr.csv", "2,"), ("contractors.csv", "7,")):
            lines = (tmp_path / name).read_text(encoding="utf-8").splitlines(keepends=True)
            (tmp_path / name).write_text("".join(line for line in lines if not line.startswith(gone)), encoding="utf-8")
        carry(engine)
        assert phone.read_text(encoding="utf-8") == files_of(page, "after")["phone.csv"]
    finally:
        engine.close()


# The example of an adapter


def extension() -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "extension"}
    for word in ("trigger", "suite"):
        (block,) = marked(f"executed: {word}")
        exec(compile(block.text, block.name, "exec"), namespace)
    return namespace


@pytest.mark.parametrize("case", CASES)
def test_the_trigger_of_the_page_keeps_its_promises(case: str) -> None:
    extension()["test_the_version_trigger_keeps_its_promises"](case)


def test_the_kind_of_the_page_reads_its_options(tmp_path: Path) -> None:
    kind = extension()["VERSION_KIND"]

    assert kind.parse({"path": "version.txt"}, tmp_path).options == tmp_path / "version.txt"
    assert [mistake.path for mistake in kind.parse({"pth": "x"}, tmp_path).mistakes] == [("pth",), ()]
    assert set(kind.json_schema()["properties"]) == {"path"}


def test_the_example_does_not_lean_on_a_module_that_is_not_there() -> None:
    for word in ("trigger", "suite"):
        (block,) = marked(f"executed: {word}")
        names = [node.module for node in ast.walk(ast.parse(block.text)) if isinstance(node, ast.ImportFrom)]
        assert [name for name in names if name and importlib.util.find_spec(name) is None] == []
