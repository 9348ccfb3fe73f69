"""Whether a Workflow is one of a user's steps: what may be believed, bound to names and submitted again.

Labels are what anybody writes who may create Workflows in the namespace. Ours are those that also run as the
user's step account and do nothing but refer to the platform's template; what such a Workflow claims about
results counts only where it lies in the user's own folder (see ``notebook.handles``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argovx_lab.model import names

#: What may stand in a template beside its name and DAG: Argo fills these in, empty.
_EMPTY = frozenset({"inputs", "outputs", "metadata"})


def refusal(workflow: Mapping[str, Any], user: str) -> str:
    """Return why a Workflow is not one of ``user``'s steps; the empty string when it is."""
    labels = _mapping(_mapping(workflow.get("metadata")).get("labels"))
    spec = _mapping(workflow.get("spec"))
    if labels.get(names.LABEL_USER) != user:
        return f"it belongs to {str(labels.get(names.LABEL_USER) or 'nobody')[:63]}"
    account = spec.get("serviceAccountName")
    if account != names.workflow_account(user):
        return f"it runs as {str(account or 'default')[:63]}"
    if not all(_refers(task) for task in tasks(spec)) or not _only_dag(spec):
        return f"it does something else than refer to {names.STEP_TEMPLATE}"
    return ""


def tasks(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the DAG tasks of a Workflow's spec, whatever shape it has."""
    for template in _items(spec.get("templates")):
        yield from _items(_mapping(template.get("dag")).get("tasks"))


def _refers(task: Mapping[str, Any]) -> bool:
    ref = _mapping(task.get("templateRef"))
    wanted = (names.STEP_TEMPLATE, "step", True)
    return (ref.get("name"), ref.get("template"), ref.get("clusterScope")) == wanted


def _only_dag(spec: Mapping[str, Any]) -> bool:
    templates = list(_items(spec.get("templates")))
    return bool(templates) and all(
        key in ("name", "dag") or (key in _EMPTY and not value)
        for template in templates
        for key, value in template.items()
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()
