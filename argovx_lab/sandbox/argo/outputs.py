"""Outputs of Steps and DAG nodes, and parameters that become global."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo import tags
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, evaluate, go_json
from argovx_lab.sandbox.argo.nodes import Node
from argovx_lab.sandbox.argo.operation import Operation
from argovx_lab.sandbox.argo.parameters import Scope


def set_from_scope(node: Node, template: Mapping[str, Any], scope: Scope) -> None:
    """Set the outputs of a Steps or DAG node from those of its children.

    Raises
    ------
    NodeError
        When a parameter has neither a value nor a default.
    """
    parameters = [_parameter(dict(p), scope) for p in template["outputs"]["parameters"]]
    node["outputs"] = {"parameters": parameters}


def _parameter(parameter: dict[str, Any], scope: Scope) -> dict[str, Any]:
    origin = parameter.pop("valueFrom", None) or {}
    name = parameter["name"]
    try:
        if origin.get("parameter") is not None:
            parameter["value"] = tags.substitute(str(origin["parameter"]), scope)
        elif origin.get("expression") is not None:
            parameter["value"] = _evaluated(name, str(origin["expression"]), scope)
        elif parameter.get("value") is not None:
            parameter["value"] = tags.substitute(str(parameter["value"]), scope)
        else:
            raise NodeError(f"output parameter {name} has no valueFrom.parameter or valueFrom.expression")
    except NodeError:
        if "default" not in origin:
            raise
        parameter["value"] = str(origin["default"])
    return parameter


def _evaluated(name: str, expression: str, scope: Scope) -> str:
    try:
        value = evaluate(expression, tags.nested(scope))
    except ExprError as error:
        raise NodeError(f"failed to evaluate the expression of output parameter {name}: {error}") from None
    if value is None:
        raise NodeError(f"the expression of output parameter {name} is nil")
    return value if isinstance(value, str) else go_json(value)


def add_globals(op: Operation, node: Node) -> None:
    """Copy outputs with a ``globalName`` into ``status.outputs`` and ``workflow.outputs.*``."""
    for parameter in (node.get("outputs") or {}).get("parameters") or []:
        name, value = parameter.get("globalName"), parameter.get("value")
        if not name or value is None:
            continue
        listed = op.status.setdefault("outputs", {}).setdefault("parameters", [])
        entry = next((p for p in listed if p["name"] == name), None)
        if entry is None:
            entry = {"name": name}
            listed.append(entry)
        entry["value"] = value
        op.globals[f"workflow.outputs.parameters.{name}"] = value
