"""Exit handlers and lifecycle hooks of tasks and steps.

``exit`` (or the older ``onExit``) runs once its node is done; any other hook runs once its expression
has been true. A node's successors wait for its hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, evaluate_bool
from argovx_lab.sandbox.argo.nodes import Node, is_completed, is_final
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.parameters import Scope
from argovx_lab.sandbox.argo.templates import Context

if TYPE_CHECKING:
    from argovx_lab.sandbox.argo.execute import Call


def exit_hook(owner: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the exit handler of a task, step or workflow spec; ``None`` without one."""
    hook = (owner.get("hooks") or {}).get("exit")
    if hook:
        return dict(hook)
    return {"template": owner["onExit"]} if owner.get("onExit") else None


def others(owner: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the hooks with an expression by name."""
    return {k: v for k, v in (owner.get("hooks") or {}).items() if k != "exit"}


def advance(
    op: Operation,
    call: Call,
    context: Context,
    owner: Mapping[str, Any],
    node: Node,
    prefix: str,
    scope_of: Callable[[Any], Scope],
) -> bool:
    """Start the hooks of a node whose time has come and tell whether none is under way."""
    done = True
    for name, hook in others(owner).items():
        full = f"{node['name']}.hooks.{name}"
        known = op.nodes.get(full)
        if known is None and not _fires(op, hook, {**scope_of(hook), **_all_names(owner, prefix, node)}):
            continue
        found = _run(op, call, context, hook, full, node, scope_of)
        done = done and found is not None and is_final(found)
    last = exit_hook(owner)
    scope = {**scope_of(last or {}), **_all_names(owner, prefix, node)}
    if last and is_completed(node) and _exits(last, scope):
        found = _run(op, call, context, last, f"{node['name']}.onExit", node, scope_of)
        done = done and found is not None and is_final(found)
    return done


def _all_names(owner: Mapping[str, Any], prefix: str, node: Node) -> Scope:
    plain = str(owner["name"]).split("(")[0]
    return {f"{prefix}.{plain}.status": node["phase"]}


def _exits(hook: Mapping[str, Any], scope: Scope) -> bool:
    return not hook.get("expression") or _true(hook, scope)


def _fires(op: Operation, hook: Mapping[str, Any], scope: Scope) -> bool:
    return op.may_run(on_exit=False) and _true(hook, scope)


def _true(hook: Mapping[str, Any], scope: Scope) -> bool:
    expression = str(hook.get("expression") or "")
    try:
        text = str(tags.substitute(expression, scope, allow_unresolved=True))
        return evaluate_bool(text, tags.nested(scope))
    except ExprError as error:
        raise NodeError(str(error)) from None


def _run(
    op: Operation,
    call: Call,
    context: Context,
    hook: Mapping[str, Any],
    name: str,
    node: Node,
    scope_of: Callable[[Any], Scope],
) -> Node | None:
    from argovx_lab.sandbox.argo import execute

    known = op.nodes.get(name)
    if known is not None and is_final(known):
        return known
    if known is None and not op.may_run(on_exit=name.endswith(".onExit")):
        return None
    arguments = tags.substitute(dict(hook.get("arguments") or {}), scope_of(hook))
    try:
        found = execute.run(
            op,
            execute.Call(
                name, hook, context, arguments, boundary=node.get("boundaryID", ""),
                on_exit=call.on_exit or name.endswith(".onExit"), flag="hooked",
            ),
        )  # fmt: skip
    except NodeError:
        found = op.nodes.get(name)
    if found is not None:
        op.nodes.link(node, found)
    return found


def over(op: Operation, owner: Mapping[str, Any], node: Node) -> bool:
    """Tell whether no hook of a finished node is due or under way."""
    for name in others(owner):
        found = op.nodes.get(f"{node['name']}.hooks.{name}")
        if found is not None and not is_final(found):
            return False
    last = exit_hook(owner)
    if last and is_completed(node):
        found = op.nodes.get(f"{node['name']}.onExit")
        return is_final(found) if found is not None else bool(last.get("expression"))
    return True
