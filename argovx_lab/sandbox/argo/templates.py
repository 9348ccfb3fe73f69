"""Where templates come from: the workflow itself, WorkflowTemplates, ClusterWorkflowTemplates, inline.

Owns resolution and ``status.storedTemplates`` (a template that a run has used once stays as it was);
refuses to substitute anything.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.argo.errors import NodeError

Template = dict[str, Any]
#: ``("namespaced" or "cluster", name)`` → WorkflowTemplate or ClusterWorkflowTemplate.
Library = Mapping[tuple[str, str], Mapping[str, Any]]

KINDS = (
    "container",
    "script",
    "steps",
    "dag",
    "suspend",
    "containerSet",
    "resource",
    "data",
    "http",
    "plugin",
)
POD_KINDS = frozenset(("container", "script", "containerSet", "resource", "data"))
NODE_TYPES = {"container": "Pod", "script": "Pod", "steps": "Steps", "dag": "DAG", "suspend": "Suspend"}


@dataclass(frozen=True)
class Context:
    """In which object names of templates are looked up: ``local``, ``namespaced`` or ``cluster``."""

    scope: str
    resource: str

    def __str__(self) -> str:
        return f"{self.scope}/{self.resource}"


def kind_of(template: Mapping[str, Any]) -> str:
    """Return which of :data:`KINDS` a template is; empty when it is none."""
    return next((kind for kind in KINDS if template.get(kind) is not None), "")


class Templates:
    """All templates that a workflow can reach.

    Parameters
    ----------
    workflow : str
        Its name, the local context.
    spec : mapping
        The specification that runs.
    library : mapping
        The templates of the namespace and the cluster.
    stored : dict
        ``status.storedTemplates``; grows when a template of the library is used.
    """

    def __init__(
        self, workflow: str, spec: Mapping[str, Any], library: Library, stored: dict[str, Template]
    ) -> None:
        self.local = Context("local", workflow)
        self._own = {t.get("name", ""): t for t in spec.get("templates") or []}
        self._defaults = spec.get("templateDefaults") or {}
        self._library = library
        self._stored = stored

    def resolve(self, caller: Mapping[str, Any], context: Context) -> tuple[Template, Context]:
        """Return the template that a step, task or hook refers to, and the context inside it.

        Raises
        ------
        NodeError
            With Argo's words when it is not there.
        """
        if caller.get("inline"):
            return self._with_defaults(copy.deepcopy(dict(caller["inline"]))), context
        reference = caller.get("templateRef")
        if reference:
            inside = Context("cluster" if reference.get("clusterScope") else "namespaced", reference["name"])
            name = reference["template"]
            found = self._lookup(inside, name)
            if found is None:
                raise NodeError(f"template reference {reference['name']}.{name} not found")
            return self._with_defaults(found), inside
        name = str(caller.get("template") or "")
        found = self._lookup(context, name)
        if found is None:
            raise NodeError(f"template name '{name}' undefined")
        return self._with_defaults(found), context

    def _lookup(self, context: Context, name: str) -> Template | None:
        if context == self.local:
            own = self._own.get(name)
            return copy.deepcopy(own) if own is not None else None
        key = f"{context}/{name}"
        if key not in self._stored:
            holder = self._library.get((context.scope, context.resource))
            templates = ((holder or {}).get("spec") or {}).get("templates") or []
            found = next((t for t in templates if t.get("name") == name), None)
            if found is None:
                return None
            self._stored[key] = normalized(found)
        return copy.deepcopy(self._stored[key])

    def _with_defaults(self, template: Template) -> Template:
        own = kind_of(template)
        usable = {k: v for k, v in self._defaults.items() if k not in KINDS or k == own}
        return merged(usable, template) if usable else template


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``over`` laid upon it, maps key by key."""
    result = dict(copy.deepcopy(dict(base)))
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def normalized(template: Mapping[str, Any]) -> Template:
    """Return a template with the empty members that Go writes: ``inputs``, ``outputs``, ``metadata``."""
    result: Template = {"inputs": {}, "outputs": {}, "metadata": {}, **copy.deepcopy(dict(template))}
    for kind in ("container", "script"):
        if result.get(kind) is not None:
            result[kind] = {"name": "", "resources": {}, **result[kind]}
    return result


def execution_spec(spec: Mapping[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the spec that runs: a referred WorkflowTemplate's with the Workflow's own laid upon it."""
    if not stored:
        return dict(spec)
    own = {k: v for k, v in spec.items() if v not in (None, [], {})}
    result = merged(stored, own)
    base = ((stored.get("arguments") or {}).get("parameters")) or []
    mine = ((spec.get("arguments") or {}).get("parameters")) or []
    names = {p["name"] for p in mine}
    parameters = [copy.deepcopy(dict(p)) for p in (*mine, *(p for p in base if p["name"] not in names))]
    if parameters:
        result["arguments"] = {**(result.get("arguments") or {}), "parameters": parameters}
    return result
