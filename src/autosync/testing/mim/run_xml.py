"""Run history as ``RunDetails`` writes it: newest step first, all counters in all steps, declared as UTF-16."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from typing import Final

from autosync.model.counts import ChangeKind, Counts, ObjectError
from autosync.testing.mim.plan import MimAgent, guid_of
from autosync.testing.mim.runs import MimRun, RanStep
from autosync.testing.mim.step_xml import custom_data, step_type

DECLARATION: Final = '<?xml version="1.0" encoding="utf-16"?>'
NEVER_RAN: Final = f"{DECLARATION}\n<run-history>\n</run-history>"

_WORDS: Final = {
    ChangeKind.ADDS: "add",
    ChangeKind.UPDATES: "update",
    ChangeKind.RENAMES: "rename",
    ChangeKind.DELETES: "delete",
    ChangeKind.DELETE_ADDS: "delete-add",
}
_INBOUND: Final = """
    disconnector-filtered disconnector-joined-no-flow disconnector-joined-flow disconnector-joined-remove-mv
    disconnector-projected-no-flow disconnector-projected-flow disconnector-projected-remove-mv disconnector-remains
    connector-filtered-remove-mv connector-filtered-leave-mv connector-flow connector-flow-remove-mv connector-no-flow
    connector-delete-remove-mv connector-delete-leave-mv connector-delete-add-processed flow-failure
"""
_NO_LIST: Final = frozenset({"stage-no-change", "disconnector-remains"})
_UNCHANGED: Final = 7
"""Connectors of each target that a synchronization looked at and left as they were."""


def written(moment: datetime) -> str:
    """Return a moment as the server writes it: UTC, milliseconds, no zone."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def run_history(run: MimRun, agent: MimAgent, guids: dict[str, str]) -> str:
    """Return the history of one run. ``guids`` are all agents' ids by name."""
    steps = "\n".join(_step(step, run, agent, guids) for step in reversed(run.steps))
    return (
        f"{DECLARATION}\n<run-history>\n <run-details>\n  <ma-id>{run.guid}</ma-id>\n"
        f"  <ma-name>{escape(run.agent)}</ma-name>\n  <run-number>{run.number}</run-number>\n"
        f"  <run-profile-name>{escape(run.profile.name)}</run-profile-name>\n"
        f"  <security-id>{escape(run.account)}</security-id>\n{steps}\n </run-details>\n</run-history>"
    )


def _step(step: RanStep, run: MimRun, agent: MimAgent, guids: dict[str, str]) -> str:
    ended = f"<end-date>{written(step.ended)}</end-date>" if step.ended else ""
    parts = (
        f"<start-date>{written(step.began)}</start-date>{ended}<step-result>{escape(step.status)}</step-result>",
        _holder("step-description", (step_type(step.step), _partition(step, agent), custom_data(agent))),
        "<current-export-step-counter>0</current-export-step-counter>",
        "<last-successful-export-step-counter>0</last-successful-export-step-counter>",
        _connection(step, agent),
        _holder("ma-discovery-errors", _errors(step, "discovery", "ma-object-error")),
        "<ma-discovery-counters></ma-discovery-counters>",
        _holder("synchronization-errors", _sync_errors(step)),
        "<mv-retry-errors/>",
        *_outbound(step, guids),
        *_counters(step, run),
    )
    inside = "\n   ".join(part for part in parts if part)
    return f'  <step-details step-number="{step.number}" step-id="{step.id}">\n   {inside}\n  </step-details>'


def _partition(step: RanStep, agent: MimAgent) -> str:
    """Return the partition as history names it: by the display name where an administrator gave one."""
    found = next((each for each in agent.partitions if each.name == step.step.partition), None)
    return f"<partition>{escape((found.display_name if found else '') or step.step.partition)}</partition>"


def _connection(step: RanStep, agent: MimAgent) -> str:
    if not (step.step.kind.imports or step.step.kind.exports):
        return "<ma-connection>\n   </ma-connection>"
    server = escape(agent.forest or agent.service_host or "server1")
    results = step.incidents or ("success",)
    log = "".join(
        f"<incident><connection-result>{escape(result)}</connection-result><date>{written(step.began)}</date>"
        f"<server>{server}</server>{_CD_ERROR if result != 'success' else ''}</incident>"
        for result in results
    )
    return (
        f"<ma-connection><connection-result>{escape(results[-1])}</connection-result><server>{server}</server>"
        f"<connection-log>{log}</connection-log></ma-connection>"
    )


_CD_ERROR: Final = (
    "<cd-error><error-code>81</error-code><error-literal>Server Down</error-literal>"
    "<server-error-detail>00000000: comment: the stand-in was told so</server-error-detail></cd-error>"
)


def _holder(name: str, inside: Iterable[str]) -> str:
    return f"<{name}>{''.join(inside)}</{name}>"


def _sync_errors(step: RanStep) -> Iterator[str]:
    yield from _errors(step, "sync", "import-error")
    yield from _errors(step, "export", "export-error")


def _errors(step: RanStep, stage: str, name: str) -> Iterator[str]:
    for error in step.errors:
        if error.stage == stage:
            yield _error(error, name, written(step.began))


def _error(error: ObjectError, name: str, when: str) -> str:
    code = f"<cd-error><error-code>8</error-code><error-literal>{escape(error.message)}</error-literal></cd-error>"
    said = code if error.message else ""
    if name == "ma-object-error":
        line = f"<line-number>{error.line}</line-number>" if error.line is not None else ""
        return (
            f"<ma-object-error><error-type>{escape(error.error_type)}</error-type>"
            f"<entry-number>1</entry-number>{line}<dn>{escape(error.dn)}</dn>{said}</ma-object-error>"
        )
    algorithm = "<algorithm-step>import-flow</algorithm-step>" if name == "import-error" else ""
    return (
        f'<{name} cs-guid="{guid_of(error.dn)}" dn="{escape(error.dn)}"><first-occurred>{when}</first-occurred>'
        f"<retry-count>{error.retry_count}</retry-count><date-occurred>{when}</date-occurred>"
        f"<error-type>{escape(error.error_type)}</error-type>{algorithm}{said}</{name}>"
    )


def _outbound(step: RanStep, guids: dict[str, str]) -> Iterator[str]:
    if step.result is None:
        return
    for target, count in (step.result.outbound or {}).items():
        name = str(target).partition("/")[2]
        yield (
            f'<outbound-flow-counters ma="{escape(name)}" ma-id="{guids.get(name, "")}">'
            f"{_counter('connector-flow', count)}{_counter('connector-no-flow', _UNCHANGED)}</outbound-flow-counters>"
        )


def _counters(step: RanStep, run: MimRun) -> Iterator[str]:
    result = step.result
    staged = _block("stage", result.staged if result else None)
    failed = sum(1 for error in step.errors if error.stage == "export") if step.step.kind.exports else 0
    if step.step.kind.is_full_import and result and result.staged:
        staged["stage-no-change"] = max(0, step.population - result.staged.total)
    inbound = dict.fromkeys(_INBOUND.split(), 0)
    inbound["flow-failure"] = sum(1 for error in step.errors if error.stage == "sync")
    if step.step.kind.syncs and result and result.outbound:
        inbound["connector-flow"] = max(result.outbound.values())
    exported = _block("export", result.exported if result else None, failed)
    blocks = {"staging-counters": staged, "inbound-flow-counters": inbound, "export-counters": exported}
    for name, numbers in blocks.items():
        shown: dict[str, int | str] = {**numbers}
        shown.update((word, text) for word, text in run.script.counters.items() if _holds(name, word))
        yield _holder(name, (_counter(word, number) for word, number in shown.items()))


def _holds(block: str, counter: str) -> bool:
    prefix = counter.partition("-")[0]
    return block == {"stage": "staging-counters", "export": "export-counters"}.get(prefix, "inbound-flow-counters")


def _block(prefix: str, counts: Counts | None, failed: int = 0) -> dict[str, int]:
    numbers = {f"{prefix}-no-change": 0} if prefix == "stage" else {}
    found = counts or Counts()
    numbers.update({f"{prefix}-{word}": found.of(kind) for kind, word in _WORDS.items()})
    return {**numbers, f"{prefix}-failure": failed}


def _counter(name: str, number: int | str) -> str:
    detail = "false" if name in _NO_LIST else "true"
    return f'<{name} detail="{detail}">{escape(str(number))}</{name}>'
