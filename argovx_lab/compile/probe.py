"""The Workflow that asks every hop of a step without running one: what the doctor submits.

Refers to the template ``check`` of the platform's template. It carries no run's label, so no view counts it.
"""

from __future__ import annotations

from typing import Any

from argovx_lab.model import names

Manifest = dict[str, Any]

#: Longest life of the check, its pod's start included. Unit: seconds.
DEADLINE_S = 120

#: How long Argo keeps it afterwards. Unit: seconds.
KEEP_S = 600


def probe(workflow: str, namespace: str, user: str, run_as: str) -> Manifest:
    """Return the Workflow object of a check.

    Parameters
    ----------
    workflow : str
        Its name.
    run_as : str
        The service account that the user's jobs run as.
    """
    ref = {"name": names.STEP_TEMPLATE, "template": "check", "clusterScope": True}
    arguments = {"parameters": [{"name": "run-as", "value": run_as}]}
    task = {"name": "check", "templateRef": ref, "arguments": arguments}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": workflow,
            "namespace": namespace,
            "labels": {names.LABEL_USER: user},
            "annotations": {names.ANNOTATION_PLAN: "check"},
        },
        "spec": {
            "entrypoint": "main",
            "serviceAccountName": names.workflow_account(user),
            "activeDeadlineSeconds": DEADLINE_S,
            "ttlStrategy": {"secondsAfterCompletion": KEEP_S},
            "templates": [{"name": "main", "dag": {"tasks": [task]}}],
        },
    }
