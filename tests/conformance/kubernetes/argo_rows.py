"""What Argo's own definitions refuse, complete and default: asked when ``ARGO_CRDS`` names their files."""

from __future__ import annotations

from typing import Any

from kubernetes_table_rows import ARGO, MERGE, NAMESPACE, Step

WORKFLOWS = f"/apis/{ARGO}/namespaces/{NAMESPACE}/workflows"


def _template(**content: Any) -> dict[str, Any]:
    return {"name": "main", **content}


def _dag(*tasks: dict[str, Any]) -> dict[str, Any]:
    return _template(dag={"tasks": list(tasks)})


_TASK = {"name": "a", "template": "main"}
_IMAGE = {"image": "busybox"}
_ARTIFACT = {"name": "a", "path": "/a"}
#: Row → the templates of a workflow that is tried.
TEMPLATES: dict[str, Any] = {
    "none": [],
    "null": None,
    "many": [{"name": f"t{n}", "suspend": {}} for n in range(201)],
    "two-types": [_template(suspend={}, container=_IMAGE)],
    "no-type": [_template()],
    "name": [{"name": "white space", "suspend": {}}],
    "name-long": [{"name": "x" * 129, "suspend": {}}],
    "name-twice": [_template(suspend={}), _template(suspend={})],
    "tasks-many": [_dag(*({"name": f"t{n}", "template": "main"} for n in range(201)))],
    "tasks-none": [_dag()],
    "task-no-name": [_dag({"template": "main"})],
    "task-name": [_dag({"name": "a b", "template": "main"})],
    "task-both": [_dag(_TASK, {"name": "b", "template": "main", "depends": "a", "dependencies": ["a"]})],
    "task-continue": [_dag(_TASK, {"name": "b", "template": "main", "depends": "a", "continueOn": {"failed": True}})],
    "task-digit": [_dag(_TASK, {"name": "1", "template": "main", "depends": "a"})],
    "task-items": [_dag({**_TASK, "withItems": [1, "x", {"a": [True]}]})],
    "task-sequence": [_dag({**_TASK, "withSequence": {"count": 2, "end": 3}})],
    "task-inline": [_dag({"name": "a", "inline": {"container": _IMAGE}})],
    "steps": [_template(steps=[[{"name": "a", "template": "main"}]])],
    "steps-flat": [_template(steps=[{"name": "a", "template": "main"}])],
    "timeout": [{**_dag(_TASK), "timeout": "5s"}],
    "deadline": [{**_dag(_TASK), "activeDeadlineSeconds": 5}],
    "deadline-text": [_template(container=_IMAGE, activeDeadlineSeconds="{{inputs.parameters.t}}")],
    "retry": [_template(container=_IMAGE, retryStrategy={"limit": "3", "retryPolicy": "Sometimes"})],
    "container-no-image": [_template(container={"command": ["a"]})],
    "container-port": [_template(container={**_IMAGE, "ports": [{"containerPort": 80}]})],
    "container-port-null": [_template(container={**_IMAGE, "ports": [{"containerPort": 80, "protocol": None}]})],
    "container-ports-twice": [_template(container={**_IMAGE, "ports": [{"containerPort": 80}, {"containerPort": 80}]})],
    "container-limits": [_template(container={**_IMAGE, "resources": {"limits": {"cpu": "much"}}})],
    "container-cpu": [_template(container={**_IMAGE, "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}})],
    "container-unknown": [_template(container={**_IMAGE, "imagined": 1})],
    "env-null": [_template(container={**_IMAGE, "env": [{"name": "A", "value": None}]})],
    "env-empty": [_template(container={**_IMAGE, "env": [{}]})],
    "env-source": [_template(container={**_IMAGE, "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"key": "k"}}}]})],
    "script": [_template(script={**_IMAGE, "source": "x"})],
    "script-source": [_template(script={"source": 5})],
    "parameters-many": [_template(suspend={}, inputs={"parameters": [{"name": f"p{n}"} for n in range(501)]})],
    "parameter-name": [_template(suspend={}, inputs={"parameters": [{"name": "a b"}]})],
    "parameter-number": [_template(suspend={}, inputs={"parameters": [{"name": "a", "value": 5}]})],
    "parameter-flag": [_template(suspend={}, inputs={"parameters": [{"name": "a", "value": True}]})],
    "parameter-enum": [_template(suspend={}, inputs={"parameters": [{"name": "a", "enum": []}]})],
    "artifact": [_template(container=_IMAGE, inputs={"artifacts": [{**_ARTIFACT, "raw": {"data": "x"}}]})],
    "artifact-two": [_template(container=_IMAGE, inputs={"artifacts": [{**_ARTIFACT, "raw": {"data": "x"}, "s3": {"key": "k"}}]})],
    "artifact-raw": [_template(container=_IMAGE, inputs={"artifacts": [{**_ARTIFACT, "raw": {}}]})],
    "resource": [_template(resource={"action": "get"})],
    "plugin": [_template(plugin={"any": {"thing": [1]}})],
    "unknown": [_template(suspend={}, imagined={"a": 1})],
    "type": "x",
    "item-type": ["x"],
    "item-null": [None],
}  # fmt: skip
SPECS: dict[str, Any] = {
    "none": {},
    "parallelism": {"parallelism": 0},
    "pod-gc": {"podGC": {"strategy": "Never"}},
    "artifact-gc": {"artifactGC": {"strategy": "Never"}},
    "arguments": {"arguments": {"parameters": [{"name": "a", "value": 5}]}},
    "suspend": {"suspend": "yes"},
    "volumes": {"volumes": [{"name": "v", "rbd": {"image": "x", "monitors": []}}]},
    "tolerations": {"tolerations": [{"key": "a", "operator": "Exists"}]},
    "budget": {"podDisruptionBudget": {"minAvailable": "50%"}},
    "budget-flag": {"podDisruptionBudget": {"minAvailable": True}},
    "hooks": {"hooks": {"exit": {"template": 5}}},
    "unknown": {"imagined": 1},
}


def rows() -> dict[str, list[Step]]:
    """Return the rows by name."""
    found = {}
    tried = f"{WORKFLOWS}?dryRun=All"
    head = {"apiVersion": ARGO, "kind": "Workflow", "metadata": {"name": "w"}}
    for name, templates in TEMPLATES.items():
        found[f"argo/templates/{name}"] = [
            Step("POST", tried, {**head, "spec": {"entrypoint": "main", "templates": templates}})
        ]
    for name, spec in SPECS.items():
        found[f"argo/spec/{name}"] = [Step("POST", tried, {**head, "spec": spec})]
    found["argo/status"] = [
        Step(
            "POST", tried, {**head, "spec": {}, "status": {"phase": "Running", "nodes": {"a": {"id": "a"}}}}
        ),
        Step("POST", tried, {**head, "spec": {}, "status": {"startedAt": "yesterday"}}),
        Step("POST", tried, {**head, "spec": {}, "status": {"phase": 5}}),
    ]
    at = f"{WORKFLOWS}/argo-change"
    kept = {
        **head,
        "metadata": {"name": "argo-change"},
        "spec": {"entrypoint": "main", "templates": [_dag(_TASK)]},
    }
    found["argo/change"] = [
        Step("POST", WORKFLOWS, kept),
        Step("PATCH", at, {"spec": {"shutdown": "Stop"}}, MERGE),
        Step("PATCH", at, {"spec": {"imagined": 1}}, MERGE),
        Step("PATCH", at, {"spec": {"templates": [_template(suspend={}, container=_IMAGE)]}}, MERGE),
        Step("PATCH", at, {"status": {"phase": "Running", "startedAt": "2026-01-02T03:04:05Z"}}, MERGE),
        Step("DELETE", at),
    ]
    crons = WORKFLOWS.replace("/workflows", "/cronworkflows")
    for name, schedules in (
        ("schedule", ["0 0 1 1 *"]),
        ("schedule-wrong", ["sometimes"]),
        ("schedules", []),
    ):
        spec = {"schedules": schedules, "workflowSpec": {"entrypoint": "main"}}
        body = {"apiVersion": ARGO, "kind": "CronWorkflow", "metadata": {"name": "c"}, "spec": spec}
        found[f"argo/cron/{name}"] = [Step("POST", f"{crons}?dryRun=All", body)]
    return found
