"""Steps templates: groups one after the other, the steps of a group side by side.

Source: recordings steps-*, when-skip-steps, loop-results, continue-on-failed-steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from argovx_lab.sandbox.argo import hooks, outputs
from argovx_lab.sandbox.argo.errors import NodeError, ParallelismReached
from argovx_lab.sandbox.argo.loops import expand, is_loop
from argovx_lab.sandbox.argo.nodes import (
    ERROR,
    FAILED,
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


def run(op: Operation, call: Call, template: Template, context: Context, node: Node) -> Node:
    """Bring a Steps node forward and return it.

    Raises
    ------
    NodeError
        When results of a fan-out cannot be read, which makes the whole node an Error.
    """
    steps = _Steps(op, call, template, context, node)
    for index, group in enumerate(template["steps"]):
        found = steps.group(index, group)
        if not is_final(found):
            return node
        if is_bad(found):
            steps.set_outbound(index)
            return op.nodes.mark(node, FAILED, found.get("message"))
        steps.check_results(group)
    steps.set_outbound(len(template["steps"]) - 1)
    if (template.get("outputs") or {}).get("parameters"):
        outputs.set_from_scope(node, template, steps.scopes.all())
        outputs.add_globals(op, node)
    return op.nodes.mark(node, SUCCEEDED)


class _Steps:
    """One Steps node during one reconcile."""

    def __init__(self, op: Operation, call: Call, template: Template, context: Context, node: Node) -> None:
        self.op, self.call, self.template, self.context, self.node = op, call, template, context, node
        self.reads_result = ResultReaders(template, "steps")
        self._place = {s["name"]: i for i, group in enumerate(template["steps"]) for s in group}
        known = {s["name"]: s for group in template["steps"] for s in group}
        inputs = input_scope(template)
        self.scopes = TaskScopes(op, "steps", known, self.node_of, self.members_of, inputs, self.group_of)

    def group_name(self, index: int) -> str:
        return f"{self.node['name']}[{index}]"

    def node_of(self, name: str) -> Node | None:
        if name not in self._place:
            return None
        return self.op.nodes.get(f"{self.group_name(self._place[name])}.{name}")

    def group_of(self, name: str) -> Node | None:
        """Return the StepGroup of a step."""
        return self.op.nodes.get(self.group_name(self._place[name])) if name in self._place else None

    def members_of(self, name: str) -> list[Node] | None:
        """Return the members of a step that fanned out; ``None`` for a plain step."""
        group = self.group_of(name)
        if group is None or self.node_of(name) is not None:
            return None
        prefix = f"{group['name']}.{name}("
        return [n for n in self.op.nodes.members(group) if n["name"].startswith(prefix)]

    def check_results(self, group: list[dict[str, Any]]) -> None:
        """Read the aggregated outputs of a finished group, as Argo does before the next one."""
        for step in group:
            self.scopes.one(step["name"])

    def set_outbound(self, index: int) -> None:
        last = self.op.nodes.get(self.group_name(index))
        members = self.op.nodes.members(last) if last is not None else []
        found = [i for m in members for i in self.op.nodes.outbound(m)]
        if found:
            self.node["outboundNodes"] = found

    def group(self, index: int, steps: list[dict[str, Any]]) -> Node:
        """Bring one group forward and return its StepGroup node."""
        name = self.group_name(index)
        group = self.op.nodes.get(name)
        if group is None:
            group = self.op.nodes.init(
                name, "StepGroup", RUNNING, scope=str(self.context), boundary=self.node["id"]
            )
            self._connect(index, group)
        if group["phase"] != RUNNING:
            return group
        try:
            return self._advance(group, steps)
        except NodeError as error:
            return self.op.nodes.mark(group, ERROR, error.message)

    def _connect(self, index: int, group: Node) -> None:
        if index == 0:
            self.op.nodes.link(self.node, group)
            return
        before = self.op.nodes.get(self.group_name(index - 1))
        assert before is not None
        members = self.op.nodes.members(before)
        for member in members:
            for identity in self.op.nodes.outbound(member):
                self.op.nodes.link(self.op.nodes.by_id[identity], group)
        if not members:
            self.op.nodes.link(before, group)

    def _advance(self, group: Node, steps: list[dict[str, Any]]) -> Node:
        complete, failed = True, ""
        for step in [s for raw in steps for s in self._expanded(group, raw)]:
            node, over = self._step(group, step)
            complete = complete and over
            if node is not None and is_final(node) and is_bad(node) and not _goes_on(step, node["phase"]):
                failed = failed or node["id"]
        if not complete:
            return group
        if failed:
            return self.op.nodes.mark(group, FAILED, f"child '{failed}' failed")
        return self.op.nodes.mark(group, SUCCEEDED)

    def _expanded(self, group: Node, step: dict[str, Any]) -> list[dict[str, Any]]:
        """Return a step, or the members of its loop, with all references replaced."""
        node = self.op.nodes.get(f"{group['name']}.{step['name']}")
        if node is not None and is_final(node):
            return [step]
        try:
            resolved = self.scopes.resolve(step)
        except NodeError as error:
            raise NodeError(f"failed to resolve references: {error.message}") from None
        if not is_loop(step):
            return [resolved]
        members = expand(resolved, self.scopes.of(step))
        if not members:
            self._skip(group, step, SKIPPED, "Skipped, empty params")
        return members

    def _skip(self, group: Node, step: Mapping[str, Any], phase: str, message: str) -> Node:
        name = f"{group['name']}.{step['name']}"
        node = self.op.nodes.get(name) or self.op.nodes.init(
            name, "Skipped", phase, scope=str(self.context), caller=step, boundary=self.node["id"],
            message=message,
        )  # fmt: skip
        self.op.nodes.link(group, node)
        return node

    def _step(self, group: Node, step: dict[str, Any]) -> tuple[Node | None, bool]:
        """Move one step on; tell whether it and its hooks are over."""
        node = self.op.nodes.get(f"{group['name']}.{step['name']}")
        if node is None or not is_final(node):
            try:
                node = self._run(group, step, node)
            except ParallelismReached:
                return None, False
        if node is None:
            return None, False
        self.op.nodes.link(group, node)
        over = hooks.advance(
            self.op, self.call, self.context, step, node, "steps", self.scopes.with_node(step["name"], node)
        )
        return node, is_final(node) and over

    def _run(self, group: Node, step: dict[str, Any], node: Node | None) -> Node | None:
        from argovx_lab.sandbox.argo import execute

        name, plain = f"{group['name']}.{step['name']}", step["name"].split("(")[0]
        try:
            if node is None and not should_execute(step.get("when")):
                return self._skip(group, step, SKIPPED, f"when '{step['when']}' evaluated false")
        except NodeError as error:
            self._skip(group, step, ERROR, error.message)
            raise
        try:
            return execute.run(
                self.op,
                execute.Call(
                    name, step, self.context, step.get("arguments") or {}, boundary=self.node["id"],
                    on_exit=self.call.on_exit, keep_result=self.reads_result(plain),
                    local={"steps.name": plain},
                ),
            )  # fmt: skip
        except NodeError as error:
            made = self.op.nodes.get(name)
            if made is not None:
                self.op.nodes.link(group, made)
            raise NodeError(f"step group deemed errored due to child {name} error: {error.message}") from None


def _goes_on(step: Mapping[str, Any], phase: str) -> bool:
    rule = step.get("continueOn") or {}
    return bool(rule.get("failed") if phase == FAILED else rule.get("error"))
