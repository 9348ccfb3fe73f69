"""What ``tasks.*`` and ``steps.*`` tags mean: scopes of only those nodes that are named.

A producer that was skipped or omitted gives its parameter's ``default``; without one, an argument that
is just this tag is left out, so that the consumer's own default holds (Argo 4.0.7's rule).
"""

from __future__ import annotations

import copy
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
from argovx_lab.sandbox.argo.when import should_execute

#: Names whose values must be there when a task or step starts.
PRODUCERS = ("tasks.", "steps.")
_RESOLVED = ("arguments", "withItems", "withParam", "withSequence", "inline")


class ResultReaders:
    """Which of its steps or tasks a template reads the standard output of."""

    def __init__(self, template: Mapping[str, Any], prefix: str) -> None:
        self._prefix = prefix
        self._text = json.dumps(template)
        self._known: dict[str, bool] = {}

    def __call__(self, name: str) -> bool:
        """Tell whether somebody reads ``outputs.result`` of the step or task ``name``."""
        if name not in self._known:
            word = re.escape(name)
            tag = rf"\b{self._prefix}(?:\.{word}|\[[^\]]*{word}[^\]]*\])\.outputs\.result"
            found = "outputs.result" in self._text and re.search(tag, self._text)
            self._known[name] = bool(found)
        return self._known[name]


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
        group_of: Callable[[str], Node | None] | None = None,
    ) -> None:
        self._op, self._prefix, self._tasks = op, prefix, tasks
        self._node_of, self._members_of = node_of, members_of
        self._group_of = group_of or node_of
        self._named = re.compile(rf"\b{prefix}(?:\.([\w-]+)|\[\s*(?:\\?[\"'])([\w-]+))")
        self._inputs = inputs

    def all(self) -> Scope:
        """Return the scope of everything, for outputs of the template."""
        return self._scope(self._tasks)

    def of(self, value: Any) -> Scope:
        """Return the scope of the nodes that a value names."""
        return self._scope(self._named_in(value))

    def _named_in(self, value: Any) -> set[str]:
        return {a or b for tag in tags.find(value) for a, b in self._named.findall(tag)}

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
            node = self._group_of(name)
            own = node_scope(prefix, node) if node is not None else {}
            return {**own, **aggregate_scope(prefix, members)}
        if node is None:
            return {}
        return {**self._defaults(name, node), **node_scope(prefix, node)}

    def _defaults(self, name: str, node: Node) -> Scope:
        if node["phase"] not in (SKIPPED, OMITTED):
            return {}
        return {
            f"{self._prefix}.{name}.outputs.parameters.{parameter}": source["default"]
            for parameter, source in self._declared(name).items()
            if "default" in source
        }

    def _declared(self, name: str) -> dict[str, Mapping[str, Any]]:
        """Return the output parameters of a task's template, each with its ``valueFrom``."""
        try:
            template, _ = self._op.templates.resolve(self._tasks[name], self._op.templates.local)
        except (KeyError, NodeError):
            return {}
        parameters = (template.get("outputs") or {}).get("parameters") or []
        return {p["name"]: p.get("valueFrom") or {} for p in parameters}

    def resolve(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Return a task with the tags of its condition, arguments, items and inline template replaced.

        One whose condition is false keeps the others as they are: it will not run. Tags that do not name
        tasks or steps stay when nothing resolves them.

        Raises
        ------
        NodeError
            When a task's or step's value is not there, or the condition cannot be read.
        """
        condition = task.get("when")
        if condition:
            condition = str(self._replaced(str(condition)))
            try:
                if not should_execute(condition):
                    return {**task, "when": condition}
            except NodeError:
                if not is_loop(task):  # of a loop it may name the item, which is not known yet
                    raise
        body = copy.deepcopy({k: task[k] for k in _RESOLVED if task.get(k) is not None})
        self._drop_absent(body)
        resolved = {**task, **self._replaced(body)}
        return {**resolved, "when": condition} if condition else resolved

    def _replaced(self, value: Any) -> Any:
        for name in self._named_in(value):
            node = self._node_of(name)
            if node is not None and node["phase"] in (SKIPPED, OMITTED):
                self._refuse_absent(value, name)
        return tags.substitute(value, self.of(value), strict=PRODUCERS)

    def _refuse_absent(self, value: Any, name: str) -> None:
        start, known = f"{self._prefix}.{name}.outputs.parameters.", self.one(name)
        for tag in tags.find(value):
            if tag.startswith(start) and tag not in known and tag.removeprefix(start) in self._declared(name):
                why = "output is an absent optional (skipped/omitted node with no default)"
                raise NodeError(f"unable to substitute {{{{{tag}}}}}: {why}")

    def _drop_absent(self, body: dict[str, Any]) -> None:
        """Leave out arguments that are just the output of what was skipped: the consumer's default holds."""
        for parameter in (body.get("arguments") or {}).get("parameters") or []:
            value = parameter.get("value")
            tag = re.fullmatch(
                rf"\{{\{{\s*({self._prefix}\.([\w-]+)\.outputs\.[^}}\s]*)\s*\}}\}}", str(value or "")
            )
            node = self._node_of(tag.group(2)) if tag else None
            skipped = node is not None and node["phase"] in (SKIPPED, OMITTED)
            if tag and skipped and tag.group(1) not in self.one(tag.group(2)):
                del parameter["value"]

    def with_node(self, name: str, node: Node) -> Callable[[Any], Scope]:
        """Return a function from a value to its scope, in which ``name`` means just ``node``."""
        plain = name.split("(")[0]

        def scope(value: Any) -> Scope:
            return {**self.of(value), **node_scope(f"{self._prefix}.{plain}", node)}

        return scope
