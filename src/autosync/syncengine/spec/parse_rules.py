"""Read what one agent does with one metaverse object type."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from autosync.syncengine.connectors.port import AttributeType
from autosync.syncengine.connectors.settings_reading import Path, Section
from autosync.syncengine.spec.durations import parse_duration
from autosync.syncengine.spec.expressions import Attribute, Condition, Expression, Reference
from autosync.syncengine.spec.model import (
    Action,
    Deprovision,
    ExportFlow,
    ImportFlow,
    JoinCriterion,
    MetaverseType,
    Provision,
    TypeRules,
)
from autosync.syncengine.spec.parse_expressions import ExpressionParser

_OPTIONS: Final = ("initial-only", "suppress-null")


class RulesParser:
    """Reads one block of rules; mistakes go to the section's list."""

    def __init__(self, section: Section, metaverse_type: MetaverseType) -> None:
        self._section = section
        self._type = metaverse_type
        self._inward = ExpressionParser(section.mistakes)
        self._outward = ExpressionParser(
            section.mistakes, metaverse_type.attributes, f"attribute of {metaverse_type.name}"
        )

    def rules(self) -> TypeRules:
        """Return the rules."""
        section = self._section
        provision = self._provision()
        rules = TypeRules(
            metaverse_type=self._type.name,
            object_type=section.optional_text("object-type") or (provision.object_type if provision else None),
            filter=self._inward.condition(section.raw("filter"), self._at("filter")) if section.has("filter") else None,
            join=tuple(self._joins()),
            project=self._project(),
            imports=tuple(self._imports()),
            exports=tuple(self._exports("export", section, initial=False)),
            provision=provision,
            deprovision=self._deprovision(),
        )
        if provision is not None:
            inner = section.section("provision")
            initial = tuple(self._exports("initial", inner, initial=True))
            rules = replace(rules, exports=(*rules.exports, *initial))
            self._check_way_back(rules)
        section.finish()
        return rules

    def _at(self, *keys: str | int) -> Path:
        return (*self._section.path, *keys)

    def _joins(self) -> Iterable[JoinCriterion]:
        data = self._section.raw("join")
        several = data if isinstance(data, list) else [data] if data is not None else []
        for index, item in enumerate(several):
            path = self._at("join", index) if isinstance(data, list) else self._at("join")
            if not isinstance(item, Mapping) or not item:
                self._inward.wrong(path, "expected {attribute here: metaverse attribute}")
                continue
            yield JoinCriterion(
                mappings=tuple(
                    (self._inward.name(ours, (*path, str(ours))), self._outward.name(mv, (*path, str(ours))))
                    for ours, mv in item.items()
                )
            )

    def _project(self) -> "bool | Condition":
        data = self._section.raw("project")
        if isinstance(data, bool):
            return data
        if data is None or data == "never":
            return False
        if data == "always":
            return True
        if isinstance(data, Mapping) and list(data) == ["when"]:
            return self._inward.condition(data["when"], self._at("project", "when"))
        self._inward.wrong(self._at("project"), "expected always, never or {when: condition}")
        return False

    def _imports(self) -> Iterable[ImportFlow]:
        for name, data in self._section.section("import").items().items():
            path = self._at("import", name)
            target = self._outward.name(name, path)
            source = self._inward.expression(data, path)
            if target:
                self._check_reference(target, source, path)
            yield ImportFlow(target=target, source=source)

    def _check_reference(self, target: str, source: Expression, path: Path) -> None:
        is_reference = self._type.attributes[target].type is AttributeType.REFERENCE
        if is_reference and isinstance(source, Attribute):
            self._inward.wrong(path, f"{target} refers to an object: write {{ref: {source.name}}}")
        elif is_reference is not isinstance(source, Reference):
            self._inward.wrong(path, "a reference flows into a reference, and nothing else does")

    def _exports(self, key: str, section: Section, *, initial: bool) -> Iterable[ExportFlow]:
        for name, data in section.section(key).items().items():
            path = (*section.path, key, name)
            options, rest = Section({}, path, section.mistakes), data
            if isinstance(data, Mapping):
                options = Section({each: data[each] for each in _OPTIONS if each in data}, path, section.mistakes)
                rest = {each: value for each, value in data.items() if each not in _OPTIONS}
            source = self._outward.expression(rest, path)
            if isinstance(source, Attribute) and source.name and self._is_reference(source.name):
                source = Reference(source.name)
            yield ExportFlow(
                target=name,
                source=source,
                initial_only=options.flag("initial-only", default=initial),
                suppress_null=options.flag("suppress-null", default=False),
            )

    def _is_reference(self, name: str) -> bool:
        return self._type.attributes[name].type is AttributeType.REFERENCE

    def _provision(self) -> Provision | None:
        if not self._section.has("provision"):
            return None
        inner = self._section.section("provision")
        inner.raw("initial")
        if not inner.has("dn"):
            inner.wrong("dn", 'is missing: the new object\'s name, such as "uid={employeeID},ou=people"')
        provision = Provision(
            dn=self._outward.template(inner.raw("dn") or "", (*inner.path, "dn")),
            when=self._outward.condition(inner.raw("when"), (*inner.path, "when")) if inner.has("when") else None,
            object_type=inner.optional_text("object-class"),
        )
        inner.finish()
        return provision

    def _deprovision(self) -> Deprovision:
        data = self._section.raw("deprovision")
        if isinstance(data, str):
            return Deprovision(action=self._section.choice("deprovision", Action, Action.DISCONNECT))
        if data is None:
            return Deprovision()
        inner = self._section.section("deprovision")
        after = parse_duration(inner.raw("after") or "0s")
        if after is None:
            inner.wrong("after", "expected a duration such as 30d or 12h")
        action, disable = self._action(inner)
        inner.finish()
        return Deprovision(action=action, after=after or timedelta(0), disable=disable)

    def _check_way_back(self, rules: TypeRules) -> None:
        """Whoever left and comes back must not stay disabled: something has to flow into what disables."""
        flowing = {flow.target for flow in rules.exports if not flow.initial_only}
        for name in rules.deprovision.disable:
            if name not in flowing:
                path = self._at("deprovision", "then", "disable", name)
                said = f"somebody who comes back would stay disabled: give {name} an export flow too, {{constant: …}}"
                self._outward.wrong(path, said)

    def _action(self, inner: Section) -> tuple[Action, dict[str, str | int | bool | None]]:
        then = inner.raw("then")
        if not isinstance(then, Mapping):
            return inner.choice("then", Action, Action.DISCONNECT), {}
        part = inner.section("then").section("disable")
        values = {name: value for name, value in part.items().items() if value is None or isinstance(value, str | int)}
        if list(then) != ["disable"] or not values:
            inner.wrong("then", "expected disconnect, delete or {disable: {attribute: value}}")
        return Action.DISABLE, values
