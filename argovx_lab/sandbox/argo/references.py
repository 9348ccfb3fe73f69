"""What ``tasks.*`` and ``steps.*`` tags mean: scopes of only those nodes that are named.

A producer that was skipped or omitted gives its parameter's ``default``; without one, an argument that
is just this tag is left out, so that the consumer's own default holds (Argo 4.0.7's rule).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.loops import is_loop
from argovx_lab.sandbox.argo.nodes import OMITTED, SKIPPED, Node
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.parameters import Scope, aggregate_scope, node_scope

_LOOP_FIELDS = ("withItems", "withParam", "withSequence")
#: Names that a later stage replaces.
_LATER = ("item", "inputs.", "retries", "lastRetry.", "pod.name", "node.name")


def reads_result(template: Mapping[str, Any], prefix: str, name: str) -> bool:
    """Tell whether a template reads the standard output of one of its steps or tasks."""
    text = json.dumps(template)
    if "outputs.result" not in text:
        return False
    return (
        re.search(
            rf"\b{prefix}(?:\.{re.escape(name)}|\[[^\]]*{re.escape(name)}[^\]]*\])\.outputs\.result", text
        )
        is not None
    )


class TaskScopes:
    """Scopes of the tasks of a DAG or the steps of a Steps template."""

    def __init__(
        self,
        op: Operation,
        prefix: str,
        tasks: Mapping[str, Mapping[str, Any]],
        node_of: Callable[[str], Node | None],
        members_of: Callable[[str], list[Node] | None],
        inputs: Scope,
    ) -> None:
        self._op, self._prefix, self._tasks = op, prefix, tasks
        self._node_of, self._members_of = node_of, members_of
        self._named = re.compile(rf"\b{prefix}(?:\.([\w-]+)|\[\s*(?:\\?[\"'])([\w-]+))")
        self._inputs = inputs

    def all(self) -> Scope:
        """Return the scope of everything, for outputs of the template."""
        return self._scope(self._tasks)

    def of(self, value: Any) -> Scope:
        """Return the scope of the nodes that a value names."""
        names = {a or b for tag in tags.find(value) for a, b in self._named.findall(tag)}
        return self._scope(names)

    def _scope(self, names: Any) -> Scope:
        scope: Scope = {**self._op.globals, **self._inputs}
        for name in names:
            scope.update(self.one(name))
        return scope

    def one(self, name: str) -> Scope:
        """Return the scope of one node, a fan-out aggregated."""
        node = self._node_of(name)
        members = self._members_of(name)
        prefix = f"{self._prefix}.{name}"
        if members is not None:
            own = node_scope(prefix, node) if node is not None else {}
            return {**own, **aggregate_scope(prefix, members)}
        if node is None:
            return {}
        return {**self._defaults(name, node), **node_scope(prefix, node)}

    def _defaults(self, name: str, node: Node) -> Scope:
        if node["phase"] not in (SKIPPED, OMITTED) or name not in self._tasks:
            return {}
        try:
            template, _ = self._op.templates.resolve(self._tasks[name], self._op.templates.local)
        except NodeError:
            return {}
        parameters = (template.get("outputs") or {}).get("parameters") or []
        return {
            f"{self._prefix}.{name}.outputs.parameters.{p['name']}": p["valueFrom"]["default"]
            for p in parameters
            if "default" in (p.get("valueFrom") or {})
        }

    def condition(self, task: Mapping[str, Any]) -> str | None:
        """Return a task's ``when`` with its tags replaced."""
        condition = task.get("when")
        if not condition:
            return None
        return str(tags.substitute(str(condition), self.of(condition)))

    def resolve(self, task: Mapping[str, Any], *, loop: bool = False) -> dict[str, Any]:
        """Return a task with the tags of its arguments (and of a loop's items) replaced.

        Raises
        ------
        NodeError
            ``failed to resolve {{x}}`` when a tag stays that no later stage replaces.
        """
        keys = ("arguments", "when", *_LOOP_FIELDS) if loop else ("arguments",)
        body = {k: task[k] for k in keys if task.get(k) is not None}
        scope = self.of(body)
        body = tags.substitute(body, scope, allow_unresolved=True)
        self._drop_absent(body)
        left = [t for t in tags.find(body) if not t.startswith("=") and not t.startswith(_LATER)]
        left += [t for t in tags.find(body) if t.startswith("=") and not (loop or is_loop(task))]
        if left:
            raise NodeError(f"failed to resolve {{{{{left[0]}}}}}")
        return {**task, **body}

    def _drop_absent(self, body: dict[str, Any]) -> None:
        for parameter in (body.get("arguments") or {}).get("parameters") or []:
            value = parameter.get("value")
            tag = re.fullmatch(rf"\{{\{{\s*{self._prefix}\.([\w-]+)\.outputs\.[^}}]*\}}\}}", str(value or ""))
            node = self._node_of(tag.group(1)) if tag else None
            if node is not None and node["phase"] in (SKIPPED, OMITTED):
                del parameter["value"]

    def with_node(self, name: str, node: Node) -> Callable[[Any], Scope]:
        """Return a function from a value to its scope, in which ``name`` means just ``node``."""
        plain = name.split("(")[0]

        def scope(value: Any) -> Scope:
            return {**self.of(value), **node_scope(f"{self._prefix}.{plain}", node)}

        return scope
