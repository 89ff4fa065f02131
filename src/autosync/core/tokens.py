"""Tokens: a trigger has read on only when the import that it caused has ended well."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autosync.core import outcomes
from autosync.core.turn import Turn
from autosync.model.counts import StepResult
from autosync.model.facts import FactKind
from autosync.model.ids import TriggerId
from autosync.model.requests import Request, Token
from autosync.model.rows import TokenRow
from autosync.model.runs import Run
from autosync.model.steps import Profile


def take(turn: Turn, request: Request, profile: Profile) -> Mapping[TriggerId, Token]:
    """Return the tokens that a run stores when it imports well: its request's, and those that earlier imports left.

    What was left says not which partition it is of: only an import of all partitions takes it. It is taken at the start,
    because a run that is going on may have read past a change before it happened. Of one trigger the request's token
    counts: an older one is always safe. The same one stays with what another partition owes.
    """
    known = turn.agent(request.agent)
    imported = {step.partition for step in profile.steps if step.kind.imports}
    whole = known.agent is not None and imported >= set(known.agent.partitions)
    taken = {**(known.row.tokens if whole else {}), **request.tokens}
    owed = {} if whole else known.row.tokens
    kept = {trigger: token for trigger, token in owed.items() if request.tokens.get(trigger, token) == token}
    if kept != known.row.tokens:
        turn.put_agent(replace(known, row=replace(known.row, tokens=kept)))
    return taken


def settle(turn: Turn, run: Run, steps: Sequence[StepResult]) -> None:
    """Store the run's tokens when it imported well, unless the same firing still waits for an import elsewhere."""
    well = run.outcome is not None and run.outcome.kind in outcomes.WELL
    if not well:
        return
    if not all(outcomes.ended_well(step.status) for step in steps if step.kind.imports):
        keep(turn, run)
        return
    for trigger, token in run.tokens.items():
        if _is_shared(turn, run, trigger, token):
            continue
        turn.put_token(TokenRow(trigger=trigger, token=token, stored=turn.now))
        text = f"everything that {trigger} saw until now is imported"
        turn.record(FactKind.TOKEN_STORED, text, agent=run.agent, run=run.id, trigger=trigger)


def _is_shared(turn: Turn, run: Run, trigger: TriggerId, token: Token) -> bool:
    """Return whether an import of another partition owes something to the same firing: the last of them stores it."""
    if turn.agent(run.agent).row.tokens.get(trigger) == token:
        return True
    waits = any(_carries(each, run, trigger, token) for each in turn.requests.now.values())
    return waits or any(_carries(each, run, trigger, token) for each in turn.runs.now.values())


def _carries(carrier: Request | Run, run: Run, trigger: TriggerId, token: Token) -> bool:
    return carrier.agent == run.agent and carrier.tokens.get(trigger) == token


def keep(turn: Turn, run: Run) -> None:
    """Leave the tokens of a run that is not tried again to the agent's next good import."""
    if run.tokens:
        known = turn.agent(run.agent)
        turn.put_agent(replace(known, row=replace(known.row, tokens={**known.row.tokens, **run.tokens})))


def leave(turn: Turn, request: Request) -> None:
    """Leave the tokens of a request that is not run to its agent's next good import."""
    if request.tokens:
        known = turn.agent(request.agent)
        row = replace(known.row, tokens={**known.row.tokens, **request.tokens})
        turn.put_agent(replace(known, row=row))
