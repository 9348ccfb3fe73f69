"""Who asked Argo for what, and when, as the Workflow object records it.

Owns the reading of Argo's actor labels, of our own annotation and of Kubernetes' ``managedFields``. What
nobody recorded stays empty: a label about another action says nothing about a stop.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from argovx_lab.model import names
from argovx_lab.model.run import Stop
from argovx_lab.runs.shapes import items, mapping, text


def asked(workflow: dict[str, Any]) -> Stop | None:
    """Return who asked for a Workflow's shutdown, or ``None`` when nobody did."""
    how = text(mapping(workflow.get("spec")).get("shutdown"))
    if not how:
        return None
    meta = mapping(workflow.get("metadata"))
    labels, notes = mapping(meta.get("labels")), mapping(meta.get("annotations"))
    by, at = "", ""
    if text(labels.get(names.ARGO_ACTION)).lower() == how.lower():
        by = _person(labels)
        at = _moment(notes.get(names.ANNOTATION_SHUTDOWN_AT))
    manager, changed = _field(meta)
    return Stop(how, by or manager, at or changed or None)


def creator(meta: dict[str, Any]) -> str:
    """Return who created an object: Argo's label, else the client that Kubernetes names first; else empty."""
    said = text(mapping(meta.get("labels")).get(names.ARGO_CREATOR))
    managers = [text(entry.get("manager")) for entry in items(meta.get("managedFields"))]
    return said or next((manager for manager in managers if manager), "")


def _person(labels: dict[str, Any]) -> str:
    email = text(labels.get(names.ARGO_ACTOR_EMAIL)).replace(".at.", "@")
    return text(labels.get(names.ARGO_ACTOR_NAME)) or email or text(labels.get(names.ARGO_ACTOR))


def _field(meta: dict[str, Any]) -> tuple[str, str]:
    """Return the client that set ``spec.shutdown`` and when, where Kubernetes keeps it."""
    for entry in items(meta.get("managedFields")):
        if "f:shutdown" in mapping(mapping(entry.get("fieldsV1")).get("f:spec")):
            return text(entry.get("manager")), _moment(entry.get("time"))
    return "", ""


def _moment(value: Any) -> str:
    try:
        datetime.fromisoformat(text(value))
    except ValueError:
        return ""
    return text(value)
