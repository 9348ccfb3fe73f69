"""What one step, task or template may hold, apart from all others: parts of the validation.

Source: messages of Argo Workflows 4.1's validation, as recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.errors import InvalidSpec


def check_arguments(holder: Mapping[str, Any] | None, where: str) -> None:
    """Refuse arguments without a value, or with one that is not of their ``enum``."""
    for parameter in (holder or {}).get("parameters") or []:
        here, value = f"{where}.{parameter['name']}", parameter.get("value")
        if value is None and not parameter.get("valueFrom"):
            raise InvalidSpec(f"{here}.value or {here}.valueFrom is required")
        allowed = [str(e) for e in parameter.get("enum") or []]
        if allowed and value is not None and str(value) not in allowed:
            raise InvalidSpec(f"{here}.value should be present in {here}.enum list")


def check_reference(step: Mapping[str, Any], where: str) -> None:
    """Refuse a step or task without a template, or with two."""
    if step.get("template") and step.get("templateRef"):
        raise InvalidSpec(f"{where} template name cannot be specified with templateRef")
    if not any(step.get(k) for k in ("template", "templateRef", "inline")):
        raise InvalidSpec(f"{where} failed to get a template")
    if step.get("templateRef") and not step["templateRef"].get("name"):
        raise InvalidSpec(f"{where} resource name is required")
    if step.get("inline") and (step.get("template") or step.get("templateRef")):
        raise InvalidSpec(f"{where} inline cannot be specified with template or templateRef")


def check_one_style(tasks: list[dict[str, Any]], name: str) -> None:
    """Refuse a DAG that mixes ``depends`` with what belongs to ``dependencies``."""
    depends = any(t.get("depends") for t in tasks)
    if depends and any(t.get("dependencies") for t in tasks):
        raise InvalidSpec(
            f"templates.{name} cannot use both 'depends' and 'dependencies' in the same DAG template"
        )
    if depends and any(t.get("continueOn") for t in tasks):
        hint = "Instead use 'dep-task.Failed'/'dep-task.Errored'"
        raise InvalidSpec(f"templates.{name} cannot use 'continueOn' when using 'depends'. {hint}")
    digit = next((t["name"] for t in tasks if str(t.get("name") or " ")[0].isdigit()), None)
    if digit is not None and (depends or any(t.get("dependencies") for t in tasks)):
        why = "name cannot begin with a digit when using either 'depends' or 'dependencies'"
        raise InvalidSpec(f"templates.{name}.tasks.{digit} {why}")


def check_independent(
    task: Mapping[str, Any], tasks: Mapping[str, Any], before: set[str], where: str
) -> None:
    """Refuse an argument that reads a task for which this one does not wait."""
    for parameter in (task.get("arguments") or {}).get("parameters") or []:
        for tag in tags.find(parameter.get("value")):
            name = tag.split(".")[1] if tag.startswith("tasks.") and tag.count(".") > 1 else ""
            if name in tasks and name not in before:
                raise InvalidSpec(f"{where} missing dependency '{name}' for parameter '{parameter['name']}'")


def inputs_of(template: Mapping[str, Any], name: str) -> set[str]:
    """Return the names of a template's input parameters; each may be there once."""
    found: list[str] = [p["name"] for p in (template.get("inputs") or {}).get("parameters") or []]
    for index, parameter in enumerate(found):
        if parameter in found[:index]:
            raise InvalidSpec(f"templates.{name}.inputs.parameters[{index}].name '{parameter}' is not unique")
    return set(found)


def check_outputs(template: Mapping[str, Any], kind: str, name: str) -> None:
    """Refuse output parameters that a template of this kind cannot have."""
    for parameter in (template.get("outputs") or {}).get("parameters") or []:
        where, origin = f"templates.{name}.outputs.parameters.{parameter['name']}", parameter.get("valueFrom")
        if not origin and parameter.get("value") is None:
            raise InvalidSpec(f"{where} does not have valueFrom or value specified")
        origin = origin or {}
        if kind in ("container", "script") and not origin.get("path"):
            raise InvalidSpec(f"{where}.path must be specified for {kind.title()} templates")
        if kind in ("dag", "steps") and origin and not (origin.get("parameter") or origin.get("expression")):
            shown = {"dag": "DAG", "steps": "Steps"}[kind]
            raise InvalidSpec(f"{where}.parameter or expression must be specified for {shown} templates")
