"""What the metaverse says to an agent's object: provisioning, name, export flow, deprovisioning, as compiled functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from autosync.syncengine.connectors.port import AttributeSchema, AttributeType
from autosync.syncengine.errors import FlowError
from autosync.syncengine.rules.codegen import Source
from autosync.syncengine.rules.coercion import COERCIONS, Misfit, several
from autosync.syncengine.rules.functions import RuleFunctions
from autosync.syncengine.rules.inbound import Test, Values, compile_test, guarded
from autosync.syncengine.spec.expressions import Reference, Template, calls_python
from autosync.syncengine.spec.model import Deprovision, ExportFlow, MetaverseType, TypeRules

_SPECIAL: Final = str.maketrans({letter: "\\" + letter for letter in ',+"\\<>;='} | {"\x00": "\\00"})

Flow = Callable[[Callable[[str], Any], Callable[[str], Any], Values], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFlow:
    """A reference that flows out: the agent's attribute, the metaverse attribute, and how."""

    target: str
    source: str
    initial_only: bool
    suppress_null: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRules:
    """The compiled rules of one agent for one metaverse type."""

    provisions: bool
    when: Test | None
    name: Callable[[Callable[[str], Any]], str] | None
    object_type: str | None
    flow: Flow
    whole: Callable[[Callable[[str], Any], Values], None]
    """Every value that flows, for an object that is to be made."""
    initial: Callable[[Callable[[str], Any], Values], None] | None
    targets: tuple[str, ...]
    initial_targets: tuple[str, ...]
    single_references: tuple[ReferenceFlow, ...]
    multiple_references: tuple[ReferenceFlow, ...]
    deprovision: Deprovision
    disable: tuple[tuple[str, Any], ...]
    moody: bool
    """Whether Python functions are among the rules: then the same values may come to something else tomorrow."""

    def wants(self, values: Values) -> bool:
        """Return whether the metaverse object should have an object in this agent."""
        return self.when is None or guarded(self.when, values, "provisioning")

    def differences(self, values: Values, current: Values) -> Values:
        """Return the attributes that must change in ``current``; an empty list removes one."""
        changes: Values = {}
        try:
            self.flow(values.get, current.get, changes)
        except (FlowError, Misfit) as error:
            raise FlowError(error.error_type, "export-flow", str(error)) from error
        return changes

    def content(self, values: Values) -> Values:
        """Return all attributes of an object that is to be made: its differences from nothing."""
        found: Values = {}
        try:
            self.whole(values.get, found)
        except (FlowError, Misfit) as error:
            raise FlowError(error.error_type, "export-flow", str(error)) from error
        return found

    def initial_values(self, values: Values) -> Values:
        """Return what only a new object gets."""
        if self.initial is None:
            return {}
        changes: Values = {}
        try:
            self.initial(values.get, changes)
        except (FlowError, Misfit) as error:
            raise FlowError(error.error_type, "export-flow", str(error)) from error
        return changes

    def dn(self, values: Values) -> str:
        """Return the object's name; raise ``FlowError`` where an attribute in it has no value."""
        assert self.name is not None
        try:
            return self.name(values.get)
        except (FlowError, Misfit) as error:
            raise FlowError(error.error_type, "provisioning", str(error)) from error


def compile_outbound(
    rules: TypeRules, of: MetaverseType, schema: Mapping[str, AttributeSchema], functions: RuleFunctions
) -> OutboundRules:
    """Return an agent's rules for a metaverse type as functions; ``schema`` says what types the agent's attributes have."""
    references = [flow for flow in rules.exports if isinstance(flow.source, Reference)]
    values = [flow for flow in rules.exports if not isinstance(flow.source, Reference)]
    initial = [flow for flow in values if flow.initial_only]
    always = [flow for flow in values if not flow.initial_only]
    single: list[ReferenceFlow] = []
    multiple: list[ReferenceFlow] = []
    for flow in references:
        assert isinstance(flow.source, Reference)
        compiled = ReferenceFlow(
            target=flow.target,
            source=flow.source.name,
            initial_only=flow.initial_only,
            suppress_null=flow.suppress_null,
        )
        (multiple if of.attributes[flow.source.name].multivalued else single).append(compiled)
    provision = rules.provision
    return OutboundRules(
        provisions=provision is not None,
        when=compile_test(provision.when, functions) if provision is not None and provision.when is not None else None,
        name=_compile_name(provision.dn, functions) if provision is not None else None,
        object_type=provision.object_type if provision is not None else None,
        flow=_compile_exports(always, schema, functions),
        whole=_compile_whole(always, schema, functions),
        initial=_compile_whole(initial, schema, functions) if initial else None,
        targets=tuple(flow.target for flow in always),
        initial_targets=tuple(flow.target for flow in initial),
        single_references=tuple(single),
        multiple_references=tuple(multiple),
        deprovision=rules.deprovision,
        disable=tuple((name, [] if value is None else value) for name, value in rules.deprovision.disable.items()),
        moody=any(
            calls_python(each)
            for each in (
                *(flow.source for flow in rules.exports),
                *([provision.when] if provision is not None and provision.when is not None else ()),
            )
        ),
    )


def escape_rdn(value: str) -> str:
    """Return a value as it stands in a distinguished name (RFC 4514)."""
    escaped = value.translate(_SPECIAL)
    if escaped[:1] in {" ", "#"}:
        escaped = "\\" + escaped
    return escaped[:-1] + "\\ " if escaped.endswith(" ") and len(escaped) > 1 else escaped


def _compile_name(template: Template, functions: RuleFunctions) -> Callable[..., str]:
    source = Source(functions)
    # A name such as uid=…,ou=… is escaped; a plain one (a file's anchor) is not.
    escape = source.bind(escape_rdn if "=" in template.text else str)
    missing = source.bind(_missing)
    parts = []
    for index, part in enumerate(template.parts):
        if index % 2 == 0:
            parts.append(repr(part))
            continue
        source.line(f"v{index} = text(g({part!r}))")
        source.line(f"if not v{index}: {missing}({part!r})")
        parts.append(f"{escape}(v{index})")
    source.line(f"return {' + '.join(parts)}")
    return source.compile("g")


def _compile_exports(flows: list[ExportFlow], schema: Mapping[str, AttributeSchema], functions: RuleFunctions) -> Flow:
    source = Source(functions)
    for flow in flows:
        _write_value(source, flow, schema)
        source.line(f"w = c({flow.target!r})")
        empty = "" if flow.suppress_null else f"\n        r[{flow.target!r}] = [] if v is None else v"
        if flow.suppress_null:
            source.line(f"if v is not None and v != w and (w is None or not same(v, w)): r[{flow.target!r}] = v")
        else:
            source.line(f"if v != w and (v is None or w is None or not same(v, w)):{empty}")
    source.line("return None")
    return source.compile("g, c, r")


def _compile_whole(
    flows: list[ExportFlow], schema: Mapping[str, AttributeSchema], functions: RuleFunctions
) -> Callable[..., None]:
    source = Source(functions)
    for flow in flows:
        _write_value(source, flow, schema)
        source.line(f"if v is not None: r[{flow.target!r}] = v")
    source.line("return None")
    return source.compile("g, r")


def _write_value(source: Source, flow: ExportFlow, schema: Mapping[str, AttributeSchema]) -> None:
    """Add the lines that put the value of a flow, as the connected system takes it, into ``v``."""
    attribute = schema.get(flow.target) or AttributeSchema(name=flow.target)
    wanted = AttributeType.STRING if attribute.type is AttributeType.REFERENCE else attribute.type
    written = source.value(flow.source)
    # Without a schema several values may flow as they are: the connected system knows best.
    if flow.target in schema and not attribute.multivalued:
        source.coerced(written, wanted, multivalued=False)
        return
    source.line(f"v = {written}")
    source.line(f"if v.__class__ is list: v = {source.bind(several(COERCIONS[wanted]))}(v)")
    source.line(f"elif v.__class__ is not str and v is not None: v = {source.bind(COERCIONS[wanted])}(v)")
    source.line("if v == '': v = None")


def _missing(name: str) -> None:
    raise FlowError("provisioning-dn-incomplete", "provisioning", f"{name} has no value, but the name is made of it")
