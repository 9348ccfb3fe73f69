"""The Pod that Argo's controller makes of a template: init, wait and main, with all that goes into them.

Pure: template and facts in, object out. Source: recorded pods of Argo Workflows 4.1.2.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from argovx_lab.model.names import pod_name
from argovx_lab.sandbox.argo import artifacts, gojson, labels
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.gotime import stamp
from argovx_lab.sandbox.argo.podpatch import apply_patch
from argovx_lab.sandbox.argo.tags import ROOTS, substitute
from argovx_lab.sandbox.argo.templates import normalized

Object = dict[str, Any]

EXECUTOR_IMAGE = "argoexec:sandbox"
#: The executor's zero time: no deadline.
NO_DEADLINE = "0001-01-01T00:00:00Z"
_LOGGING = ["--loglevel", "info", "--log-format", "text", "--gloglevel", "0"]
_RUN = {"mountPath": "/var/run/argo", "name": "var-run-argo"}
_STAGING = {"mountPath": "/argo/staging", "name": "argo-staging"}
#: Template fields that Argo puts into ``ARGO_TEMPLATE``; input values are left out there.
_POD_FIELDS = ("imagePullSecrets", "securityContext", "automountServiceAccountToken")


@dataclass(frozen=True)
class PodFacts:
    """What a pod carries besides its template.

    Parameters
    ----------
    result : bool
        Somebody reads ``outputs.result``, so that stdout is kept.
    deadline_s : int or None
        The pod's ``activeDeadlineSeconds``.
    deadline : datetime or None
        When the executor ends the main container: ``ARGO_DEADLINE``.
    on_exit : bool
        It belongs to an exit handler, which survives ``Stop``.
    """

    workflow: Mapping[str, Any]
    spec: Mapping[str, Any]
    node_id: str
    node_name: str
    template_name: str
    result: bool = False
    deadline_s: int | None = None
    deadline: datetime | None = None
    on_exit: bool = False


def build(template: Mapping[str, Any], facts: PodFacts) -> Object:
    """Return the pod of a template whose tags are all replaced.

    Raises
    ------
    NodeError
        When a ``podSpecPatch`` is no JSON or YAML map.
    """
    template = normalized(template)
    meta, spec = facts.workflow["metadata"], facts.spec
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(template, facts),
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": template.get("serviceAccountName")
            or spec.get("serviceAccountName")
            or "default",
            "volumes": _volumes(template, spec),
            "initContainers": _init_containers(template, facts),
            "containers": [_wait(facts), _main(template, facts)],
        },
    }
    for name in _POD_FIELDS:
        value = template.get(name, spec.get(name))
        if value is not None:
            pod["spec"][name] = copy.deepcopy(value)
    if facts.deadline_s is not None:
        pod["spec"]["activeDeadlineSeconds"] = facts.deadline_s
    for patch in (spec.get("podSpecPatch"), template.get("podSpecPatch")):
        if patch:
            pod["spec"] = apply_patch(pod["spec"], patch)
    _grace(pod["spec"])
    pod["metadata"]["namespace"] = meta.get("namespace", "")
    return pod


def _grace(spec: Object) -> None:
    """Tell the executor a grace period that was patched in, as Argo does."""
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        return
    for container in spec["containers"]:
        container["env"] = [
            *container.get("env", []), {"name": "ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "value": str(grace)}
        ]  # fmt: skip


def _metadata(template: Mapping[str, Any], facts: PodFacts) -> Object:
    meta = facts.workflow["metadata"]
    shared, own = facts.spec.get("podMetadata") or {}, template.get("metadata") or {}
    found: Object = {
        "name": pod_name(meta["name"], facts.node_name, facts.template_name),
        "labels": {
            **(shared.get("labels") or {}),
            **(own.get("labels") or {}),
            labels.WORKFLOW: meta["name"],
            labels.COMPLETED: "false",
        },
        "annotations": {
            **(shared.get("annotations") or {}),
            **(own.get("annotations") or {}),
            labels.NODE_ID: facts.node_id,
            labels.NODE_NAME: facts.node_name,
            labels.DEFAULT_CONTAINER: "main",
        },
        "ownerReferences": [
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Workflow",
                "name": meta["name"],
                "uid": meta.get("uid", ""),
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }
    if facts.on_exit:
        found["labels"][labels.ON_EXIT] = "true"
    return found


def _volumes(template: Mapping[str, Any], spec: Mapping[str, Any]) -> list[Object]:
    volumes: list[Object] = [
        {"name": "var-run-argo", "emptyDir": {}},
        {"name": "tmp-dir-argo", "emptyDir": {}},
    ]
    if template.get("script"):
        volumes.append({"name": "argo-staging", "emptyDir": {}})
    if artifacts.held(template):
        volumes.append({"name": artifacts.VOLUME, "emptyDir": {}})
    own = {v["name"]: v for v in (*(spec.get("volumes") or []), *(template.get("volumes") or []))}
    used = {
        m["name"]
        for kind in ("container", "script")
        for m in (template.get(kind) or {}).get("volumeMounts") or []
    }
    used |= {m["name"] for c in template.get("initContainers") or [] for m in c.get("volumeMounts") or []}
    named = {v["name"] for v in template.get("volumes") or []}
    volumes += [copy.deepcopy(v) for name, v in own.items() if name in used or name in named]
    return volumes


def _env(facts: PodFacts, container: str) -> list[Object]:
    deadline = NO_DEADLINE if facts.deadline is None else stamp(facts.deadline)
    return [
        {"name": "ARGO_CONTAINER_NAME", "value": container},
        {"name": "ARGO_NODE_ID", "value": facts.node_id},
        {"name": "ARGO_INCLUDE_SCRIPT_OUTPUT", "value": "true" if facts.result else "false"},
        {"name": "ARGO_DEADLINE", "value": deadline},
        {"name": "ARGO_WORKFLOW_NAME", "value": facts.workflow["metadata"]["name"]},
        {"name": "ARGO_PROGRESS_FILE", "value": "/var/run/argo/progress"},
        {"name": "ARGO_PROGRESS_PATCH_TICK_DURATION", "value": "1s"},
        {"name": "ARGO_PROGRESS_FILE_TICK_DURATION", "value": "3s"},
    ]


def _executor_env(facts: PodFacts) -> list[Object]:
    return [
        {
            "name": "ARGO_POD_NAME",
            "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
        },
        {
            "name": "ARGO_POD_UID",
            "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.uid"}},
        },
        {"name": "ARGO_WORKFLOW_UID", "value": facts.workflow["metadata"].get("uid", "")},
    ]


def _init_containers(template: Mapping[str, Any], facts: PodFacts) -> list[Object]:
    shown = json.loads(json.dumps(template))
    shown.get("inputs", {}).pop("parameters", None)
    init = {
        "name": "init",
        "image": EXECUTOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["argoexec", "init", *_LOGGING],
        "env": [
            *_executor_env(facts),
            {"name": "ARGO_TEMPLATE", "value": gojson.dumps(shown)},
            *_env(facts, "init"),
        ],
        "resources": {},
        "volumeMounts": [
            dict(_RUN),
            *([dict(_STAGING)] if template.get("script") else []),
            *(
                [{"mountPath": artifacts.FOLDER, "name": artifacts.VOLUME}]
                if artifacts.held(template)
                else []
            ),
        ],
    }
    own = [copy.deepcopy(dict(c)) for c in template.get("initContainers") or []]
    for container in own:
        if container.pop("mirrorVolumeMounts", False):
            mounts = (template.get("container") or template.get("script") or {}).get("volumeMounts") or []
            container["volumeMounts"] = [*container.get("volumeMounts", []), *mounts]
        container["volumeMounts"] = [*container.get("volumeMounts", []), dict(_RUN)]
    return [init, *own]


def _wait(facts: PodFacts) -> Object:
    return {
        "name": "wait",
        "image": EXECUTOR_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["argoexec", "wait", *_LOGGING],
        "env": [*_executor_env(facts), *_env(facts, "wait")],
        "resources": {},
        "volumeMounts": [{"mountPath": "/tmp", "name": "tmp-dir-argo", "subPath": "0"}, dict(_RUN)],  # noqa: S108
    }


def _main(template: Mapping[str, Any], facts: PodFacts) -> Object:
    script = template.get("script")
    main = copy.deepcopy(dict(script or template["container"]))
    main.pop("source", None)
    main["name"] = "main"
    command = list(main.get("command") or [])
    if script:
        main["args"] = [*(main.get("args") or []), "/argo/staging/script"]
    if command:
        main["command"] = ["/var/run/argo/argoexec", "emissary", *_LOGGING, "--", *command]
    main["env"] = [*(main.get("env") or []), *_env(facts, "main")]
    main["volumeMounts"] = [
        *(main.get("volumeMounts") or []), dict(_RUN), *([dict(_STAGING)] if script else []),
        *artifacts.mounts(template),
    ]  # fmt: skip
    return main


def with_pod_tags(template: Mapping[str, Any], scope: Mapping[str, Any]) -> Object:
    """Replace the last tags of a pod template; what nothing resolves is an error of the node."""
    try:
        result: Object = substitute(dict(template), scope, strict=ROOTS)
    except NodeError as error:
        raise NodeError(error.message) from None
    return result
