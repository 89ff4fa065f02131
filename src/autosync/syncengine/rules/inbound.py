"""What an agent's object says to the metaverse: filter, join, projection and import flow, as compiled functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autosync.syncengine.errors import FlowError
from autosync.syncengine.rules.codegen import Source
from autosync.syncengine.rules.coercion import Misfit
from autosync.syncengine.rules.functions import RuleFunctions
from autosync.syncengine.spec.expressions import Attribute, Condition, Expression, Function, Reference, attribute_names
from autosync.syncengine.spec.model import ImportFlow, MetaverseAttribute, MetaverseType, TypeRules

Values = dict[str, Any]
Test = Callable[[Callable[[str], Any]], bool]
BETWEEN_KEYS = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One join criterion: the metaverse index that it asks, and what it asks there (None: nothing to ask with)."""

    index: str
    key: Callable[[Callable[[str], Any]], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRules:
    """The compiled rules of one agent for one metaverse type. ``reads`` None stands for every attribute."""

    metaverse_type: str
    filter: Test | None
    criteria: tuple[Criterion, ...]
    project: bool | Test
    flow: Callable[[Callable[[str], Any], Values], None]
    each_flow: tuple[tuple[str, Callable[..., None]], ...]
    single_references: tuple[tuple[str, str], ...]
    """``(metaverse attribute, agent's attribute)``."""
    multiple_references: tuple[tuple[str, str], ...]
    reads: frozenset[str] | None

    def projects(self, attributes: Values) -> bool:
        """Return whether the object may become a new metaverse object."""
        if isinstance(self.project, bool):
            return self.project
        return guarded(self.project, attributes, "projection")

    def filtered(self, attributes: Values) -> bool:
        """Return whether the connector filter keeps the object out of the metaverse."""
        return self.filter is not None and guarded(self.filter, attributes, "connector-filter")

    def contribute(self, attributes: Values) -> Values:
        """Return what flows into the metaverse, references aside; raise ``FlowError`` that names the attribute."""
        values: Values = {}
        try:
            self.flow(attributes.get, values)
        except (FlowError, Misfit) as error:
            raise self._named(error, attributes) from error
        return values

    def _named(self, error: FlowError | Misfit, attributes: Values) -> FlowError:
        """Find out which flow failed, one by one: errors are rare, and naming costs only then."""
        for target, flow in self.each_flow:
            try:
                flow(attributes.get, {})
            except (FlowError, Misfit):
                return FlowError(error.error_type, "import-flow", f"{target}: {error}")
        return FlowError(error.error_type, "import-flow", str(error))


def compile_inbound(rules: TypeRules, of: MetaverseType, functions: RuleFunctions) -> InboundRules:
    """Return an agent's rules for a metaverse type as functions."""
    references = [flow for flow in rules.imports if isinstance(flow.source, Reference)]
    values = tuple(flow for flow in rules.imports if not isinstance(flow.source, Reference))
    pairs = [(flow.target, flow.source.name) for flow in references if isinstance(flow.source, Reference)]
    return InboundRules(
        metaverse_type=of.name,
        filter=None if rules.filter is None else compile_test(rules.filter, functions),
        criteria=tuple(_criteria(rules, of, functions)),
        project=rules.project if isinstance(rules.project, bool) else compile_test(rules.project, functions),
        flow=compile_flow(values, of, functions),
        each_flow=tuple((flow.target, compile_flow((flow,), of, functions)) for flow in values),
        single_references=tuple(pair for pair in pairs if not of.attributes[pair[0]].multivalued),
        multiple_references=tuple(pair for pair in pairs if of.attributes[pair[0]].multivalued),
        reads=_reads(rules),
    )


def compile_test(condition: Condition, functions: RuleFunctions) -> Test:
    """Return a condition as a function of ``dict.get``."""
    source = Source(functions)
    source.line(f"return {source.condition(condition)}")
    return source.compile("g")


def compile_key(expressions: tuple[Expression, ...], functions: RuleFunctions) -> Callable[[Any], str | None]:
    """Return a function of ``dict.get`` to what an index holds for these values; None where one is missing."""
    source = Source(functions)
    parts = []
    for expression in expressions:
        part = source.bind(None)
        source.line(f"{part} = {source.value(expression)}")
        source.line(f"if {part}.__class__ is not str: {part} = text({part})")
        source.line(f"if not {part}: return None")
        parts.append(f"{part}.casefold()")
    source.line(f"return {BETWEEN_KEYS!r}.join(({', '.join(parts)},))" if len(parts) > 1 else f"return {parts[0]}")
    return source.compile("g")


def compile_flow(flows: tuple[ImportFlow, ...], of: MetaverseType, functions: RuleFunctions) -> Callable[..., None]:
    """Return a function that puts the values of ``flows`` into a mapping, in order."""
    source = Source(functions)
    for flow in flows:
        wanted: MetaverseAttribute = of.attributes[flow.target]
        source.coerced(source.value(flow.source), wanted.type, multivalued=wanted.multivalued)
        source.line(f"if v is not None: r[{flow.target!r}] = v")
    source.line("return None")
    return source.compile("g, r")


def index_name(of: str, attributes: tuple[str, ...]) -> str:
    """Return the name of the metaverse index over these attributes."""
    return f"{of}:{'+'.join(attributes)}"


def guarded(test: Test, attributes: Values, step: str) -> bool:
    """Return the test's answer; an error becomes a ``FlowError`` of the algorithm step."""
    try:
        return bool(test(attributes.get))
    except (FlowError, Misfit) as error:
        raise FlowError(error.error_type, step, str(error)) from error


def join_key(criterion: Criterion, attributes: Values) -> str | None:
    """Return what to ask the index for; an error becomes a ``FlowError`` of the join."""
    try:
        return criterion.key(attributes.get)
    except (FlowError, Misfit) as error:
        raise FlowError(error.error_type, "join", str(error)) from error


def _criteria(rules: TypeRules, of: MetaverseType, functions: RuleFunctions) -> list[Criterion]:
    asked: list[list[tuple[str, Expression]]] = [
        [(name, Attribute(ours)) for ours, name in criterion.mappings] for criterion in rules.join
    ]
    if not asked and rules.project is not False:
        # Two sources of one person: whoever comes second joins on the key instead of projecting a twin.
        asked = [[(flow.target, flow.source)] for flow in rules.imports if of.attributes[flow.target].key]
    return [
        Criterion(
            index=index_name(of.name, tuple(name for name, _ in sorted(pairs, key=_first))),
            key=compile_key(tuple(expression for _, expression in sorted(pairs, key=_first)), functions),
        )
        for pairs in asked
    ]


def _first(pair: tuple[str, Expression]) -> str:
    return pair[0]


def _reads(rules: TypeRules) -> frozenset[str] | None:
    conditions = [each for each in (rules.filter, rules.project) if each is not None and not isinstance(each, bool)]
    sources: list[Expression] = [*(flow.source for flow in rules.imports), *conditions]
    if any(isinstance(source, Function) and not source.arguments for source in sources):
        return None
    return frozenset().union(*map(attribute_names, sources))
