"""DAG templates: which tasks may start, how they expand, and what the DAG's phase is.

Source: recordings dag-*, depends-*, failfast-*, loop-*, when-*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argovx_lab.sandbox.argo import hooks, outputs
from argovx_lab.sandbox.argo.dagphase import phase_of
from argovx_lab.sandbox.argo.depends import ancestors_of, holds
from argovx_lab.sandbox.argo.errors import NodeError, ParallelismReached
from argovx_lab.sandbox.argo.loops import expand, is_loop
from argovx_lab.sandbox.argo.nodes import (
    ERROR,
    FAILED,
    OMITTED,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    Node,
    is_bad,
    is_final,
)  # fmt: skip
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.parameters import input_scope
from argovx_lab.sandbox.argo.references import ResultReaders, TaskScopes
from argovx_lab.sandbox.argo.templates import Context, Template
from argovx_lab.sandbox.argo.when import should_execute

if TYPE_CHECKING:
    from argovx_lab.sandbox.argo.execute import Call


def targets_of(dag: Mapping[str, Any]) -> list[str]:
    """Return the names of the target tasks: ``target``, or every task that nobody depends on."""
    if dag.get("target"):
        return str(dag["target"]).split()
    needed = {name for task in dag["tasks"] for name in ancestors_of(task)}
    return [task["name"] for task in dag["tasks"] if task["name"] not in needed]


def run(op: Operation, call: Call, template: Template, context: Context, node: Node) -> Node:
    """Bring a DAG forward and return its node."""
    dag = _Dag(op, call, template, context, node)
    for name in dag.order():
        dag.advance(name)
    dag.check_results()
    phase = phase_of(op.nodes, node, dag.tasks, dag.targets, _fail_fast(template))
    if phase == RUNNING and op.shutdown and not op.may_run(on_exit=call.on_exit):
        phase = FAILED
    if phase == RUNNING or (not dag.hooks_done and not op.shutdown):
        return node
    found = [dag.node_of(name) for name in dag.targets]
    outbound = [i for n in found if n is not None for i in op.nodes.outbound(n)]
    if outbound:
        node["outboundNodes"] = outbound
    if phase == SUCCEEDED:
        for task in filter(None, map(dag.node_of, dag.tasks)):
            outputs.add_globals(op, task)  # a DAG's own outputs become global in the DAG around it
        if (template.get("outputs") or {}).get("parameters"):
            outputs.set_from_scope(node, template, dag.scopes.all())
    return op.nodes.mark(node, phase)


def _fail_fast(template: Template) -> bool:
    return template["dag"].get("failFast") is not False


class _Dag:
    """One DAG node during one reconcile."""

    def __init__(self, op: Operation, call: Call, template: Template, context: Context, node: Node) -> None:
        self.op, self.call, self.template, self.context, self.node = op, call, template, context, node
        self.reads_result = ResultReaders(template, "tasks")
        self.tasks: dict[str, dict[str, Any]] = {t["name"]: t for t in template["dag"]["tasks"]}
        self.targets = targets_of(template["dag"])
        self.hooks_done = True
        self.scopes = TaskScopes(
            op, "tasks", self.tasks, self.node_of, self.members_of, input_scope(template)
        )

    def order(self) -> list[str]:
        """Return the targets and all that they need, what comes first first."""
        done: dict[str, None] = {}
        stack = [(name, False) for name in reversed(self.targets)]
        while stack:
            name, expanded = stack.pop()
            if name in done or name not in self.tasks:
                continue
            if expanded:
                done[name] = None
                continue
            stack.append((name, True))
            stack.extend((n, False) for n in reversed(ancestors_of(self.tasks[name])) if n not in done)
        return list(done)

    def check_results(self) -> None:
        """Read again what a target that is an Error was to read; results that are no JSON end the DAG too."""
        for name in self.targets:
            node = self.node_of(name)
            if node is not None and node["phase"] == ERROR:
                for before in ancestors_of(self.tasks.get(name) or {}):
                    self.scopes.one(before)

    def full_name(self, name: str) -> str:
        return f"{self.node['name']}.{name}"

    def node_of(self, name: str) -> Node | None:
        return self.op.nodes.get(self.full_name(name))

    def members_of(self, name: str) -> list[Node] | None:
        """Return the members of a task that fanned out; ``None`` for a plain task."""
        found = self.node_of(name)
        return self.op.nodes.members(found) if found is not None and found["type"] == "TaskGroup" else None

    def advance(self, name: str) -> None:
        """Start a task whose time has come, or move it on."""
        task, node = self.tasks[name], self.node_of(name)
        if node is not None and is_final(node) and not _has_hooks(task):
            return
        if node is None and not self._ready(task):
            return
        try:
            self._advance(task, node)
        except ParallelismReached:
            return
        except NodeError as error:
            self._broken(task, error.message)

    def _ready(self, task: Mapping[str, Any]) -> bool:
        """Tell whether all that a task waits for is final, hooks included."""
        if not self.op.may_run(on_exit=self.call.on_exit):
            return False
        for name in ancestors_of(task):
            before = self.node_of(name)
            if before is None or not is_final(before) or not self._hooks_over(name):
                return False
        return True

    def _hooks_over(self, name: str) -> bool:
        task = self.tasks[name]
        if not _has_hooks(task):
            return True
        found = self.node_of(name)
        owners = self.op.nodes.members(found) if found and found["type"] == "TaskGroup" else [found]
        return all(hooks.over(self.op, task, owner) for owner in owners if owner is not None)

    def _broken(self, task: Mapping[str, Any], message: str) -> None:
        node = self.node_of(task["name"])
        if node is None:
            node = self.op.nodes.init(
                self.full_name(task["name"]), "Skipped", ERROR, scope=str(self.context), caller=task,
                boundary=self.node["id"], message=message,
            )  # fmt: skip
            self._connect(task, node)
        elif not is_final(node):
            self.op.nodes.mark(node, ERROR, message)

    def _advance(self, task: Mapping[str, Any], node: Node | None) -> None:
        if node is None and not holds(task, self.tasks, self._results):
            self._skip(task, OMITTED, "omitted: depends condition not met")
            return
        if not is_loop(task):
            self._single(task)
            return
        members = expand(self.scopes.resolve(task), self.scopes.of(task))
        if not members:
            self._skip(task, SKIPPED, "Skipped, empty params")
            return
        self._group(task, members)

    def _skip(self, task: Mapping[str, Any], phase: str, message: str) -> None:
        if self.node_of(task["name"]) is not None:
            return
        node = self.op.nodes.init(
            self.full_name(task["name"]), "Skipped", phase, scope=str(self.context), caller=task,
            boundary=self.node["id"], message=message,
        )  # fmt: skip
        self._connect(task, node)

    def _single(self, task: Mapping[str, Any]) -> None:
        node = self.node_of(task["name"])
        if node is None or not is_final(node):
            resolved = self.scopes.resolve(task)
            if node is None and not should_execute(resolved.get("when")):
                self._skip(task, SKIPPED, f"when '{resolved['when']}' evaluated false")
                return
            node = self._call(resolved, self.full_name(task["name"]))
            if node is not None:
                self._connect(task, node)
        if node is not None:
            self._hooks(task, node)

    def _group(self, task: Mapping[str, Any], members: list[dict[str, Any]]) -> None:
        group = self.node_of(task["name"])
        if group is None:
            group = self.op.nodes.init(
                self.full_name(task["name"]), "TaskGroup", RUNNING, scope=str(self.context), caller=task,
                boundary=self.node["id"],
            )  # fmt: skip
            self._connect(task, group)
        complete, worst = True, SUCCEEDED
        for member in members:
            node = self._member(group, member)
            if node is None or not is_final(node):
                complete = False
            elif is_bad(node):
                worst = node["phase"]
        if complete and group["phase"] == RUNNING:
            self.op.nodes.mark(group, worst)

    def _member(self, group: Node, member: dict[str, Any]) -> Node | None:
        name = self.full_name(member["name"])
        node = self.op.nodes.get(name)
        if node is None and not self.op.may_run(on_exit=self.call.on_exit):
            return None
        try:
            if node is None and not should_execute(member.get("when")):
                node = self.op.nodes.init(
                    name, "Skipped", SKIPPED, scope=str(self.context), caller=member,
                    boundary=self.node["id"], message=f"when '{member['when']}' evaluated false",
                )  # fmt: skip
            elif node is None or not is_final(node):
                node = self._call(member, name)
        except ParallelismReached:
            return None
        except NodeError as error:
            node = self.op.nodes.get(name) or self.op.nodes.init(
                name, "Skipped", ERROR, scope=str(self.context), caller=member, boundary=self.node["id"],
                message=error.message,
            )  # fmt: skip
        if node is not None:
            self.op.nodes.link(group, node)
            self._hooks(member, node)
        return node

    def _call(self, task: Mapping[str, Any], name: str) -> Node | None:
        from argovx_lab.sandbox.argo import execute

        plain = task["name"].split("(")[0]
        return execute.run(
            self.op,
            execute.Call(
                name, task, self.context, task.get("arguments") or {}, boundary=self.node["id"],
                on_exit=self.call.on_exit, keep_result=self.reads_result(plain),
                local={"tasks.name": plain},
            ),
        )  # fmt: skip

    def _hooks(self, task: Mapping[str, Any], node: Node) -> None:
        if _has_hooks(task) and not hooks.advance(
            self.op, self.call, self.context, task, node, "tasks", self.scopes.with_node(task["name"], node)
        ):
            self.hooks_done = False

    def _connect(self, task: Mapping[str, Any], node: Node) -> None:
        """Hang a node on the outbound nodes of what it waited for, or on the DAG itself."""
        names = ancestors_of(task)
        if not names:
            self.op.nodes.link(self.node, node)
        for name in names:
            before = self.node_of(name)
            if before is not None:
                for identity in self.op.nodes.outbound(before):
                    self.op.nodes.link(self.op.nodes.by_id[identity], node)

    def _results(self, name: str) -> dict[str, bool]:
        node = self.node_of(name)
        phase = node["phase"] if node is not None else ""
        members = self.members_of(name) or []
        group = node is not None and node["type"] == "TaskGroup"
        return {
            "Succeeded": phase == SUCCEEDED,
            "Failed": phase == FAILED,
            "Errored": phase == ERROR,
            "Skipped": phase == SKIPPED,
            "Omitted": phase == OMITTED,
            "Daemoned": False,
            "AnySucceeded": any(m["phase"] == SUCCEEDED for m in members) if group else phase == SUCCEEDED,
            "AllFailed": bool(members) and all(m["phase"] == FAILED for m in members) if group else False,
        }


def _has_hooks(task: Mapping[str, Any]) -> bool:
    return bool(task.get("hooks") or task.get("onExit"))
