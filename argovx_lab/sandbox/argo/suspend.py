"""Suspend nodes: wait for a duration, or for somebody who sets the node's phase and supplies its outputs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.argo.gotime import parse_duration, parse_time
from argovx_lab.sandbox.argo.nodes import SUCCEEDED, Node
from argovx_lab.sandbox.argo.operation import Operation


def run(op: Operation, template: Mapping[str, Any], node: Node) -> Node:
    """Keep a Suspend node Running until its time is over; wake the engine then."""
    if "outputs" not in node and (template.get("outputs") or {}).get("parameters"):
        node["outputs"] = {"parameters": copy.deepcopy(template["outputs"]["parameters"])}
    duration = (template.get("suspend") or {}).get("duration")
    if not duration:
        return node
    start = parse_time(node["startedAt"]) or op.world.now
    due = op.after(start, parse_duration(str(duration)))
    if op.world.now < due:
        op.wake(due)
        return node
    for parameter in (node.get("outputs") or {}).get("parameters") or []:
        source = parameter.get("valueFrom") or {}
        if "value" not in parameter and "default" in source:
            parameter["value"] = source["default"]
            del parameter["valueFrom"]
    return op.nodes.mark(node, SUCCEEDED)
