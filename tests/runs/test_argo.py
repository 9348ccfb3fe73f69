"""Executions read out of Workflow objects."""

import base64
import gzip
import json

from argovx_lab.model import names
from argovx_lab.runs.argo import executions


def test_a_foreign_workflow_has_none(workflow):
    found = workflow()
    del found["metadata"]["labels"][names.LABEL_RUN]
    assert executions(found) == []


def test_before_argo_looked_at_it(workflow):
    found = workflow()
    found["status"] = {}
    (execution,) = executions(found)
    assert execution.phase == ""
    assert not execution.final
    assert execution.attempt("bucket", "") is None


def test_a_pod_without_retries(workflow, node):
    identifier, pod = node("train-1", ".train", phase="Running", startedAt="t")
    (execution,) = executions(workflow(nodes={identifier: pod}))
    assert execution.phase == "Running"
    assert execution.pod == names.pod_name("train-1", "train-1.train", "step")
    attempt = execution.attempt("bucket", "")
    assert attempt.folder.startswith("users/ada/runs/uid-train-1/train-1.train/0-")


def _retried(node, parent_phase, *phases):
    nodes, children = {}, []
    for number, phase in enumerate(phases):
        identifier, child = node(
            "train-1",
            f".train({number})",
            phase=phase,
            nodeFlag={"retried": True},
            outputs={"exitCode": "30", "parameters": [{"name": "vertex-job", "value": f"job-{number}"}]},
        )
        nodes[identifier] = child
        children.append(identifier)
    identifier, parent = node("train-1", ".train", type="Retry", phase=parent_phase, children=children)
    nodes[identifier] = parent
    return nodes


def test_the_latest_attempt_counts(workflow, node):
    (execution,) = executions(workflow(nodes=_retried(node, "Running", "Failed", "Running")))
    assert (execution.phase, execution.ordinal, execution.between) == ("Running", 1, False)
    assert execution.outputs["vertex-job"] == "job-1"
    assert execution.node_name == "train-1.train(1)"
    assert "/train-1.train/1-" in execution.attempt("b", "").folder


def test_between_attempts_it_is_not_failed(workflow, node):
    (execution,) = executions(workflow(nodes=_retried(node, "Running", "Failed")))
    assert (execution.phase, execution.between) == ("Pending", True)


def test_ten_attempts_are_in_order(workflow, node):
    phases = ["Failed"] * 11 + ["Running"]
    (execution,) = executions(workflow(nodes=_retried(node, "Running", *phases)))
    assert execution.ordinal == 11


def test_a_workflow_that_never_got_a_node(workflow):
    found = workflow(status={"phase": "Failed", "message": "invalid spec: x", "finishedAt": "t"})
    (execution,) = executions(found)
    assert (execution.phase, execution.message) == ("Failed", "invalid spec: x")


def test_compressed_nodes_are_unpacked(workflow, node):
    identifier, pod = node("train-1", ".train", phase="Succeeded")
    found = workflow()
    packed = gzip.compress(json.dumps({identifier: pod}).encode())
    found["status"].update(nodes=None, compressedNodes=base64.b64encode(packed).decode())
    assert executions(found)[0].phase == "Succeeded"


def test_a_step_with_an_underscore(workflow, node):
    identifier, pod = node("w", ".my-step", phase="Running")
    found = workflow("w", "my-step", nodes={identifier: pod}, about={"name": "my_step"})
    assert executions(found)[0].step == "my_step"
