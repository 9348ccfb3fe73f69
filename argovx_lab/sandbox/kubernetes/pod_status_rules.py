"""What may not change in a pod's status: what has ended stays ended, the quality of service is fixed.

Source: k8s.io/kubernetes ``pkg/apis/core/validation``, ``ValidatePodStatusUpdate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.status import Cause

_BACKWARDS = "may not be transitioned to non-terminated state"


def problems(new: Object, old: Object) -> list[Cause]:
    """Return what is wrong with a change of a pod's status."""
    before, after, spec = old.get("status") or {}, new.get("status") or {}, old["spec"]
    causes = []
    if (after.get("qosClass") or "") != (before.get("qosClass") or ""):
        shown = after.get("qosClass") or ""
        causes.append(status.bad_value("status.qosClass", shown, "field is immutable"))
    if spec.get("restartPolicy") == "Always":
        return causes
    always = {c.get("name") for c in spec.get("initContainers") or [] if c.get("restartPolicy") == "Always"}
    for part in ("containerStatuses", "initContainerStatuses"):
        now = {entry.get("name"): entry for entry in _entries(after, part)}
        for index, entry in enumerate(_entries(before, part)):
            name = entry.get("name")
            if name not in now or (part == "initContainerStatuses" and name in always):
                continue
            ended = _terminated(entry)
            if ended is None or _may_restart(spec, ended) or _terminated(now[name]) is not None:
                continue
            causes.append(status.not_allowed(f"status.{part}[{index}].state", _BACKWARDS))
    return causes


def _entries(found: Mapping[str, Any], part: str) -> list[Mapping[str, Any]]:
    return [entry for entry in found.get(part) or [] if isinstance(entry, Mapping)]


def _terminated(entry: Mapping[str, Any]) -> Mapping[str, Any] | None:
    state = entry.get("state")
    ended = state.get("terminated") if isinstance(state, Mapping) else None
    return ended if isinstance(ended, Mapping) else None


def _may_restart(spec: Mapping[str, Any], ended: Mapping[str, Any]) -> bool:
    return bool(ended.get("exitCode")) and spec.get("restartPolicy") == "OnFailure"
