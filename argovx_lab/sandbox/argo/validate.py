"""What Argo's controller refuses before it runs anything, with its words.

Source: recordings invalid-*, template-ref-missing. Walks from the entrypoint (and exit handlers) through
all templates that can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.depends import ancestors_of
from argovx_lab.sandbox.argo.errors import InvalidSpec, NodeError
from argovx_lab.sandbox.argo.expr import ExprError, names_in
from argovx_lab.sandbox.argo.fields import check_template
from argovx_lab.sandbox.argo.hooks import exit_hook
from argovx_lab.sandbox.argo.loops import is_loop
from argovx_lab.sandbox.argo.templates import KINDS, Context, Templates

_NAME = re.compile(r"[a-zA-Z0-9][-a-zA-Z0-9]*\Z")
_PRODUCER = re.compile(r"(tasks|steps)\.([\w-]+)\.")
_TAG = re.compile(r"[-a-zA-Z0-9_.{}\[\]'\"/]+\Z")


def validate(spec: Mapping[str, Any], templates: Templates) -> None:
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
            raise InvalidSpec(f"templates[{index}].name is required")
        if name in names[:index]:
            raise InvalidSpec(f"templates[{index}].name '{name}' is not unique")
    if not spec.get("entrypoint"):
        raise InvalidSpec("spec.entrypoint is required")
    walker = _Walker(spec, templates)
    walker.visit({"template": spec["entrypoint"]}, templates.local, "")
    last = exit_hook(spec)
    if last:
        walker.visit(last, templates.local, "")
    for name, hook in (spec.get("hooks") or {}).items():
        if name != "exit" and not hook.get("expression"):
            raise InvalidSpec(f"hooks.{name} Expression required")
        walker.visit(hook, templates.local, "")


class _Walker:
    def __init__(self, spec: Mapping[str, Any], templates: Templates) -> None:
        self._spec, self._templates = spec, templates
        self._seen: set[str] = set()
        arguments = (spec.get("arguments") or {}).get("parameters") or []
        self._workflow = {f"workflow.parameters.{p['name']}" for p in arguments}

    def visit(self, caller: Mapping[str, Any], context: Context, where: str) -> None:
        """Check the template that something refers to; ``where`` is the path in the message."""
        try:
            template, inside = self._templates.resolve(caller, context)
        except NodeError as error:
            raise InvalidSpec(f"{where} {error.message}".strip()) from None
        name = str(template.get("name") or "inline")
        key = f"{inside}/{name}" if not caller.get("inline") else f"{where}/inline"
        if key in self._seen:
            return
        self._seen.add(key)
        check_template(template, name)
        self._template(template, inside, name)

    def _template(self, template: Mapping[str, Any], context: Context, name: str) -> None:
        kinds = [k for k in KINDS if template.get(k) is not None]
        if len(kinds) != 1:
            what = "template type unspecified" if not kinds else "multiple template types specified"
            raise InvalidSpec(f"templates.{name} {what}. choose one of: {', '.join(KINDS)}")
        inputs = {p["name"] for p in (template.get("inputs") or {}).get("parameters") or []}
        if kinds[0] == "dag":
            self._dag(template, context, name, inputs)
        elif kinds[0] == "steps":
            self._steps(template, context, name, inputs)
        elif kinds[0] in ("container", "script"):
            body = template[kinds[0]]
            if not body.get("image"):
                raise InvalidSpec(f"templates.{name}.{kinds[0]}.image may not be empty")
            self._tags(
                {k: v for k, v in template.items() if k != "outputs"}, inputs, set(), f"templates.{name}"
            )

    def _dag(self, template: Mapping[str, Any], context: Context, name: str, inputs: set[str]) -> None:
        tasks = self._sorted(template["dag"].get("tasks") or [], name)
        before: dict[str, set[str]] = {}
        for task in tasks:
            where = f"templates.{name}.tasks.{task['name']}"
            try:
                direct = ancestors_of(task)
            except NodeError as error:
                raise InvalidSpec(f"{where} {error.message}") from None
            before[task["name"]] = {*direct, *(n for d in direct for n in before[d])}
            self._one(task, context, where, inputs, before[task["name"]])
        for target in str(template["dag"].get("target") or "").split():
            if "{{" not in target and target not in before:
                raise InvalidSpec(f"templates.{name}.targets target '{target}' is not defined")

    def _sorted(self, tasks: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
        """Return the tasks, dependencies first."""
        known: dict[str, dict[str, Any]] = {}
        for task in tasks:
            if task.get("depends") and task.get("dependencies"):
                raise InvalidSpec(
                    f"templates.{name} cannot use both 'depends' and 'dependencies' in the same DAG template"
                )
            if not _NAME.match(task.get("name", "")):
                raise InvalidSpec(f"templates.{name}.tasks.name '{task.get('name', '')}' is not a valid name")
            if task["name"] in known:
                raise InvalidSpec(f"templates.{name} sorting failed: duplicated nodeName {task['name']}")
            known[task["name"]] = task
        done: dict[str, dict[str, Any]] = {}
        waiting = dict(known)
        while waiting:
            ready = [n for n, t in waiting.items() if all(a in done for a in self._before(t, known, name))]
            if not ready:
                raise InvalidSpec(f"templates.{name} sorting failed: graph with cycle")
            for n in ready:
                done[n] = waiting.pop(n)
        return list(done.values())

    def _before(self, task: Mapping[str, Any], known: Mapping[str, Any], name: str) -> list[str]:
        try:
            found = ancestors_of(task)
        except NodeError as error:
            raise InvalidSpec(f"templates.{name}.tasks.{task['name']} {error.message}") from None
        for other in found:
            if other not in known:
                raise InvalidSpec(f"templates.{name}.tasks.{task['name']} dependency '{other}' not defined")
        return found

    def _steps(self, template: Mapping[str, Any], context: Context, name: str, inputs: set[str]) -> None:
        done: set[str] = set()
        for index, group in enumerate(template["steps"]):
            for step in group:
                where = f"templates.{name}.steps[{index}].{step.get('name', '')}"
                if not _NAME.match(step.get("name", "")):
                    raise InvalidSpec(f"templates.{name}.steps[{index}].name is not a valid name")
                self._one(step, context, where, inputs, done)
            names = [s["name"] for s in group]
            for position, step_name in enumerate(names):
                if step_name in done or step_name in names[:position]:
                    raise InvalidSpec(f"templates.{name}.steps[{index}].name '{step_name}' is not unique")
            done.update(names)

    def _one(
        self, step: Mapping[str, Any], context: Context, where: str, inputs: set[str], before: set[str]
    ) -> None:
        if sum(1 for k in ("template", "templateRef", "inline") if step.get(k)) != 1:
            raise InvalidSpec(f"{where}.template name, templateRef or inline is required: exactly one")
        if "{{" not in str(step.get("template") or step.get("templateRef") or ""):
            self.visit(step, context, where)
        body = {
            k: step[k] for k in ("arguments", "when", "withItems", "withParam", "withSequence") if k in step
        }
        self._tags(body, inputs, before, where, loop=is_loop(step))
        for name, hook in (step.get("hooks") or {}).items():
            if name != "exit" and not hook.get("expression"):
                raise InvalidSpec(f"{where}.hooks.{name} Expression required")
            self.visit(hook, context, where)
        if step.get("onExit"):
            self.visit({"template": step["onExit"]}, context, where)

    def _tags(
        self, value: Any, inputs: set[str], before: set[str], where: str, *, loop: bool = False
    ) -> None:
        for tag in tags.find(value):
            if tag.startswith("="):
                self._expression(tag[1:], before, where)
            elif not self._known(tag, inputs, before, loop):
                raise InvalidSpec(f"{where} failed to resolve {{{{{tag}}}}}")

    def _expression(self, source: str, before: set[str], where: str) -> None:
        try:
            names = names_in(source)
        except ExprError as error:
            raise InvalidSpec(f"{where} failed to evaluate expression: {error}") from None
        for name in names:
            producer = _PRODUCER.match(name)
            if producer and producer.group(2) not in before and producer.group(2) != "name":
                raise InvalidSpec(f"{where} failed to resolve {{{{={source}}}}}")

    def _known(self, tag: str, inputs: set[str], before: set[str], loop: bool) -> bool:
        producer = _PRODUCER.match(tag)
        if producer:
            return producer.group(2) in before or tag in ("tasks.name", "steps.name")
        if tag.startswith("inputs.parameters."):
            return tag.removeprefix("inputs.parameters.") in inputs
        if tag == "item" or tag.startswith("item."):
            return loop
        if tag.startswith("workflow.parameters."):
            return tag in self._workflow or tag == "workflow.parameters.json"
        return tag.startswith(("workflow.", "lastRetry.", "outputs.", "inputs.")) or tag in (
            "retries", "pod.name", "node.name", "tasks.name", "steps.name"
        ) or not _TAG.match(tag)  # fmt: skip
