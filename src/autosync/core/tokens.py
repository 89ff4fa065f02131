"""Tokens: a trigger has read on only when the import that it caused has ended well."""

from collections.abc import Sequence
from dataclasses import replace

from autosync.core import outcomes
from autosync.core.turn import Turn
from autosync.model.counts import StepResult
from autosync.model.facts import FactKind
from autosync.model.rows import TokenRow
from autosync.model.runs import Run


def settle(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Store the run's tokens, and those that earlier imports of the agent left, when it imported well; else keep them.

    Tokens that earlier imports left say not which partition they are of: an import of all partitions stores them.
    """
    known = turn.agent(run.agent)
    imports = [step for step in steps if step.kind.imports]
    well = run.outcome is not None and run.outcome.kind in outcomes.WELL
    if not well or not all(outcomes.ended_well(step.status) for step in imports):
        return
    partitions = set(known.agent.partitions) if known.agent is not None else set()
    whole = bool(imports) and partitions <= {step.partition for step in imports}
    left = (
        known.row.tokens if whole else {each: token for each, token in known.row.tokens.items() if each in run.tokens}
    )
    for trigger, token in {**left, **run.tokens}.items():
        turn.put_token(TokenRow(trigger=trigger, token=token, stored=turn.now))
        text = f"everything that {trigger} saw until now is imported"
        turn.record(FactKind.TOKEN_STORED, text, agent=run.agent, run=run.id, trigger=trigger)
    if left:
        kept = {each: token for each, token in known.row.tokens.items() if each not in left}
        turn.put_agent(replace(known, row=replace(known.row, tokens=kept)))


def keep(turn: Turn, run: Run) -> None:
    """Leave the tokens of a run that is not tried again to the agent's next good import."""
    if run.tokens and run.outcome is not None and run.outcome.kind not in outcomes.WELL:
        known = turn.agent(run.agent)
        turn.put_agent(replace(known, row=replace(known.row, tokens={**known.row.tokens, **run.tokens})))
