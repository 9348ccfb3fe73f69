"""What Argo's controller refuses before it runs anything, with its words.

Source: recordings invalid-*, template-ref-missing; messages of Argo Workflows 4.1's validation. Walks
from the entrypoint and the exit handlers through all templates that can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import artifacts
from argovx_lab.sandbox.argo.depends import ancestors_of
from argovx_lab.sandbox.argo.errors import InvalidSpec, NodeError
from argovx_lab.sandbox.argo.fields import check_template
from argovx_lab.sandbox.argo.hooks import exit_hook
from argovx_lab.sandbox.argo.templates import KINDS, Context, Templates
from argovx_lab.sandbox.argo.validate_parts import (
    check_arguments,
    check_independent,
    check_one_style,
    check_outputs,
    check_reference,
    inputs_of,
)
from argovx_lab.sandbox.argo.validate_tags import Names

_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*\Z")
#: Task or step → its output parameters.
Outputs = dict[str, set[str]]
#: What Argo offers when a template has no kind or several; not the same as the kinds that it has.
_CHOICE = "container, containerSet, steps, script, resource, dag, suspend, template, template ref"
_LOOP = ("withItems", "withParam", "withSequence")


def validate(workflow: Mapping[str, Any], spec: Mapping[str, Any], templates: Templates) -> None:
    """Check a spec and all templates it can reach.

    Raises
    ------
    InvalidSpec
        The message as it follows ``invalid spec: ``.
    Unsupported
        When a reached template uses a field that is not honoured.
    """
    names = [t.get("name", "") for t in spec.get("templates") or []]
    for index, name in enumerate(names):
        if not name:
            raise InvalidSpec(f"spec.templates[{index}].name is required")
        if name in names[:index]:
            raise InvalidSpec(f"spec.templates[{index}].name '{name}' is not unique")
    check_arguments(spec.get("arguments"), "spec.arguments")
    if not spec.get("entrypoint"):
        raise InvalidSpec("spec.entrypoint is required")
    reference = workflow["spec"].get("workflowTemplateRef")
    if reference and spec["entrypoint"] not in names:
        raise InvalidSpec(f"template reference {reference['name']}.{spec['entrypoint']} not found")
    walker = _Walker(Names(workflow, spec), templates)
    walker.visit({"template": spec["entrypoint"]}, templates.local, "", spec.get("arguments"))
    _hooks(spec, templates, walker)
    for name in names:
        walker.rest(name, templates.local)


def _hooks(spec: Mapping[str, Any], templates: Templates, walker: _Walker) -> None:
    last = exit_hook(spec)
    walker.names.failures_known = last is not None
    if last:
        walker.visit(last, templates.local, "", last.get("arguments") or spec.get("arguments"))
    for name, hook in (spec.get("hooks") or {}).items():
        if name != "exit":
            if not hook.get("expression"):
                raise InvalidSpec(f"hooks.{name} Expression required")
            walker.visit(hook, templates.local, "", hook.get("arguments"))


class _Walker:
    def __init__(self, names: Names, templates: Templates) -> None:
        self.names, self._templates = names, templates
        self._seen: set[tuple[str, bool]] = set()

    def visit(
        self,
        caller: Mapping[str, Any],
        context: Context,
        where: str,
        arguments: Mapping[str, Any] | None,
    ) -> None:
        """Check the template that something refers to; ``where`` is the path in the message."""
        try:
            self._visit(caller, context, where, arguments)
        except InvalidSpec as error:
            raise InvalidSpec(f"{where} {error.message}".strip()) from None

    def rest(self, name: str, context: Context) -> None:
        """Check a template that nothing refers to, its inputs taken as given."""
        template, _ = self._templates.resolve({"template": name}, context)
        inputs = (template.get("inputs") or {}).get("parameters") or []
        given: dict[str, Any] = {"parameters": [{"name": p["name"], "value": ""} for p in inputs]}
        given["artifacts"] = artifacts.artifacts_of(template.get("inputs"))
        try:
            self._visit({"template": name}, context, "", given)
        except InvalidSpec as error:
            raise InvalidSpec(f"templates.{name} {error.message}") from None

    def _visit(
        self, caller: Mapping[str, Any], context: Context, where: str, arguments: Mapping[str, Any] | None
    ) -> None:
        try:
            template, inside = self._templates.resolve(caller, context)
        except NodeError as error:
            raise InvalidSpec(error.message) from None
        name = str(template.get("name") or "")
        self._supplied(template, name, arguments)
        key = f"{inside}/{name}" if not caller.get("inline") else f"{where}/inline"
        if (key, self.names.failures_known) in self._seen:
            return
        self._seen.add((key, self.names.failures_known))
        check_template(template, name or "inline")
        self._template(template, inside, name)

    def _supplied(self, template: Mapping[str, Any], name: str, arguments: Mapping[str, Any] | None) -> None:
        given = {p["name"] for p in (arguments or {}).get("parameters") or []}
        for parameter in (template.get("inputs") or {}).get("parameters") or []:
            own = any(parameter.get(k) is not None for k in ("value", "default", "valueFrom"))
            if not own and parameter["name"] not in given:
                raise InvalidSpec(f"templates.{name} inputs.parameters.{parameter['name']} was not supplied")

        artifacts.check_supplied(template, name, arguments)

    def _template(self, template: Mapping[str, Any], context: Context, name: str) -> None:
        kinds = [k for k in KINDS if template.get(k) is not None]
        if len(kinds) != 1:
            what = "template type unspecified" if not kinds else "multiple template types specified"
            raise InvalidSpec(f"templates.{name} {what}. choose one of: {_CHOICE}")
        artifacts.check_template(template, name, leaf=kinds[0] not in ("dag", "steps"))
        inputs = inputs_of(template, name)
        check_outputs(template, kinds[0], name)
        if kinds[0] == "dag":
            self._dag(template, context, name, inputs)
        elif kinds[0] == "steps":
            self._steps(template, context, name, inputs)
        elif kinds[0] in ("container", "script"):
            if not template[kinds[0]].get("image"):
                raise InvalidSpec(f"templates.{name}.{kinds[0]}.image may not be empty")
            body = {k: v for k, v in template.items() if k != "outputs"}
            self.names.check(body, inputs, {}, f"templates.{name}:")

    def _dag(self, template: Mapping[str, Any], context: Context, name: str, inputs: set[str]) -> None:
        tasks = self._sorted(template["dag"].get("tasks") or [], name)
        before: dict[str, set[str]] = {}
        declared = {task["name"]: self._declared(task, context) for task in tasks}
        for task in tasks:
            direct = ancestors_of(task)
            before[task["name"]] = {*direct, *(n for d in direct for n in before[d])}
            where = f"templates.{name}.tasks.{task['name']}"
            check_independent(task, declared, before[task["name"]], where)
            known = {n: declared[n] for n in before[task["name"]]}
            self._one(task, context, where, inputs, known)
        for target in str(template["dag"].get("target") or "").split():
            if "{{" not in target and target not in before:
                raise InvalidSpec(f"templates.{name}.targets: target '{target}' is not defined")

    def _sorted(self, tasks: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
        """Return the tasks, dependencies first."""
        known: dict[str, dict[str, Any]] = {}
        check_one_style(tasks, name)
        for task in tasks:
            if not _NAME.match(task.get("name", "")):
                raise InvalidSpec(f"templates.{name}.tasks.name '{task.get('name', '')}' is not a valid name")
            if task["name"] in known:
                raise InvalidSpec(f"templates.{name} sorting failed: duplicated nodeName {task['name']}")
            known[task["name"]] = task
        before = {n: self._before(t, known, name) for n, t in known.items()}
        done: dict[str, dict[str, Any]] = {}
        waiting = dict(known)
        while waiting:
            ready = [n for n in waiting if all(a in done for a in before[n])]
            if not ready:
                raise InvalidSpec(f"templates.{name} sorting failed: graph with cycle")
            for n in ready:
                done[n] = waiting.pop(n)
        return list(done.values())

    def _before(self, task: Mapping[str, Any], known: Mapping[str, Any], name: str) -> list[str]:
        where = f"templates.{name}.tasks.{task['name']}"
        try:
            found = ancestors_of(task)
        except NodeError as error:
            raise InvalidSpec(f"{where} {error.message}") from None
        for other in found:
            if other not in known:
                raise InvalidSpec(f"templates.{name} sorting failed: invalid dependency {other}")
        return found

    def _steps(self, template: Mapping[str, Any], context: Context, name: str, inputs: set[str]) -> None:
        done: Outputs = {}
        for index, group in enumerate(template["steps"]):
            here: Outputs = {}
            for step in group:
                own = step.get("name", "")
                if not _NAME.match(own):
                    raise InvalidSpec(f"templates.{name}.steps[{index}].name is not a valid name")
                if own in done or own in here:
                    raise InvalidSpec(f"templates.{name}.steps[{index}].name '{own}' is not unique")
                here[own] = self._declared(step, context)
                where, shown = f"templates.{name}.steps[{index}].{own}", f"templates.{name}.steps"
                self._one(step, context, where, inputs, done, shown)
            done.update(here)

    def _declared(self, step: Mapping[str, Any], context: Context) -> set[str]:
        """Return the names of the output parameters of a step's template; ``*`` when nobody knows yet."""
        try:
            template, _ = self._templates.resolve(step, context)
        except (KeyError, NodeError):
            return {"*"}
        return {p["name"] for p in (template.get("outputs") or {}).get("parameters") or []}

    def _known(self, hook: Mapping[str, Any], context: Context) -> bool:
        try:
            self._templates.resolve(hook, context)
        except NodeError:
            return False
        return True

    def _one(
        self,
        step: Mapping[str, Any],
        context: Context,
        where: str,
        inputs: set[str],
        before: Outputs,
        shown: str = "",
    ) -> None:
        check_reference(step, where)
        if sum(1 for k in _LOOP if step.get(k) is not None) > 1:
            raise InvalidSpec(f"{where} only one of {', '.join(_LOOP)} can be specified")
        check_arguments(step.get("arguments"), f"{where}.arguments")
        body = {k: step[k] for k in ("arguments", "when", *_LOOP) if k in step}
        self.names.check(body, inputs, before, shown or where, item=step)
        if "{{" not in f"{step.get('template')}{step.get('templateRef')}":  # known only when it runs
            self.visit(step, context, where, step.get("arguments"))
        for name, hook in (step.get("hooks") or {}).items():
            if name != "exit" and not hook.get("expression"):
                raise InvalidSpec(f"{where}.{name} Expression required")
            if not hook.get("template") or self._known(hook, context):  # Argo finds out when it is due
                self.visit(hook, context, where, hook.get("arguments"))
        if step.get("onExit"):
            self.visit({"template": step["onExit"]}, context, where, step.get("arguments"))
