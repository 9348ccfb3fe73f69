"""A step as it was submitted, out of its Workflow object: pure.

Owns the reading of the DAG task's arguments. The step document itself lies in the bucket: whoever reads it
checks its bytes against ``spec-digest`` here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from argovx_lab.model import names
from argovx_lab.model.detail import StepDocument
from argovx_lab.runs.actors import creator
from argovx_lab.runs.shapes import items, mapping, parsed, text

#: Longest document that a view is given. Unit: bytes. Reason: one of ours has a few KB.
DOCUMENT_MAX = 256 * 1024


def submitted(workflow: dict[str, Any], task: str) -> StepDocument:
    """Return what Argo was given for one task; without the document itself."""
    meta, spec = mapping(workflow.get("metadata")), mapping(workflow.get("spec"))
    labels, notes = mapping(meta.get("labels")), mapping(meta.get("annotations"))
    return StepDocument(
        workflow=text(meta.get("name")),
        workflow_uid=text(meta.get("uid")),
        namespace=text(meta.get("namespace")),
        submitter=text(labels.get(names.LABEL_USER)),
        creator=creator(meta),
        service_account=text(spec.get("serviceAccountName")),
        policy=text(notes.get(names.ANNOTATION_POLICY)),
        created_at=text(meta.get("creationTimestamp")) or None,
        arguments=_arguments(spec, task),
    )


def with_document(found: StepDocument, data: bytes) -> StepDocument:
    """Return it with the step document, if those are the bytes that Argo was given the digest of."""
    if len(data) > DOCUMENT_MAX:
        return replace(found, problem=f"the step document is larger than {DOCUMENT_MAX:,} bytes")
    if hashlib.sha256(data).hexdigest() != found.arguments.get("spec-digest"):
        return replace(found, problem="the step document in the bucket is not what its digest says")
    document = parsed(data)
    if document is None:
        return replace(found, problem="the step document is not JSON")
    return replace(found, document=json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True))


def _arguments(spec: dict[str, Any], task: str) -> dict[str, str]:
    for template in items(spec.get("templates")):
        for item in items(mapping(template.get("dag")).get("tasks")):
            if item.get("name") == task:
                given = items(mapping(item.get("arguments")).get("parameters"))
                return {text(p.get("name")): text(p.get("value")) for p in given if text(p.get("name"))}
    return {}
