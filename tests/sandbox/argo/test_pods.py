"""Pods: what is put into them, what their status means, and pods that vanish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.podpatch import apply_patch
from argovx_lab.sandbox.argo.podspec import PodFacts, build

RECORDED = Path(__file__).parents[2] / "conformance" / "argo" / "recordings" / "contract"
#: What Kubernetes and a cluster's controller settings add to the recorded pods.
_TRACING = ("TRACESTATE", "TRACEPARENT", "ARGO_ARTIFACT_PLUGIN_NAMES")


def recorded_pods():
    return json.loads((RECORDED / "e-ok-pods.json").read_text())


def _container(container):
    env = [(e["name"], e.get("value") or e.get("valueFrom")) for e in container.get("env") or []]
    named = sorted((n, json.dumps(v)) for n, v in env if n not in (*_TRACING, "ARGO_TEMPLATE"))
    mounts = sorted(
        m["mountPath"] for m in container["volumeMounts"] if "kubernetes.io" not in m["mountPath"]
    )
    return {
        "env": sorted(set(named)),
        "mounts": mounts,
        "command": container.get("command"),
        "args": container.get("args"),
    }


def _template(pod):
    init = next(c for c in pod["spec"]["initContainers"] if c["name"] == "init")
    return json.loads(next(e["value"] for e in init["env"] if e["name"] == "ARGO_TEMPLATE"))


@pytest.mark.parametrize("index", [0, 1])
def test_a_pod_looks_like_a_real_ones(index):
    pod = recorded_pods()[index]
    template, meta = _template(pod), pod["metadata"]
    owner = meta["ownerReferences"][0]
    workflow = {"metadata": {"name": owner["name"], "namespace": "default", "uid": owner["uid"]}}
    notes = meta["annotations"]
    ours = build(
        template,
        PodFacts(
            workflow=workflow,
            spec={"serviceAccountName": "wf"},
            node_id=notes["workflows.argoproj.io/node-id"],
            node_name=notes["workflows.argoproj.io/node-name"],
            template_name=template["name"],
            on_exit=index == 1,
        ),
    )
    assert ours["metadata"]["name"] == meta["name"]
    assert ours["metadata"]["labels"] == {**meta["labels"], "workflows.argoproj.io/completed": "false"}
    traced = {k: v for k, v in notes.items() if not k.endswith(("trace-id", "span-id"))}
    assert ours["metadata"]["annotations"] == traced
    assert ours["metadata"]["ownerReferences"] == meta["ownerReferences"]
    assert _template(ours) == template
    grace = pod["spec"]["terminationGracePeriodSeconds"]
    assert ours["spec"].get("terminationGracePeriodSeconds", 30) == grace
    for key in ("initContainers", "containers"):
        theirs = {c["name"]: _container(c) for c in pod["spec"][key]}
        assert {c["name"]: _container(c) for c in ours["spec"][key]} == theirs
    volumes = [v["name"] for v in pod["spec"]["volumes"] if not v["name"].startswith("kube-api")]
    assert [v["name"] for v in ours["spec"]["volumes"]] == volumes


def test_scripts_volumes_and_metadata(play):
    spec = """
    entrypoint: main
    podMetadata: {labels: {all: c}}
    volumes: [{name: shared, emptyDir: {}}, {name: unused, emptyDir: {}}]
    templates:
    - name: main
      metadata: {labels: {team: a}, annotations: {note: b}}
      volumes: [{name: token, projected: {sources: [{serviceAccountToken: {audience: aud, path: t}}]}}]
      script:
        image: busybox
        command: [sh]
        source: "echo {{pod.name}} {{workflow.name}}"
        volumeMounts: [{name: shared, mountPath: /s}, {name: token, mountPath: /t}]
      podSpecPatch: '{"terminationGracePeriodSeconds": 7, "containers": [{"name": "main", "env": [{"name": "X", "value": "1"}]}]}'
      activeDeadlineSeconds: 90
      timeout: 1m
    """
    pod = next(iter(play(spec).step().pods.values()))
    main = next(c for c in pod["spec"]["containers"] if c["name"] == "main")
    assert main["command"][-1] == "sh"
    assert main["args"] == ["/argo/staging/script"]
    assert _template(pod)["script"]["source"] == "echo w w"
    assert [v["name"] for v in pod["spec"]["volumes"]] == [
        "var-run-argo", "tmp-dir-argo", "argo-staging", "shared", "token"
    ]  # fmt: skip
    assert pod["metadata"]["labels"]["all"] == "c"
    assert pod["metadata"]["labels"]["team"] == "a"
    assert pod["metadata"]["annotations"]["note"] == "b"
    assert pod["spec"]["terminationGracePeriodSeconds"] == 7
    assert pod["spec"]["activeDeadlineSeconds"] == 60
    env = {e["name"]: e.get("value") for e in main["env"]}
    assert (env["X"], env["ARGO_TERMINATION_GRACE_PERIOD_SECONDS"]) == ("1", "7")


def test_a_patch_merges_lists_by_name_and_removes_with_null():
    spec = {"volumes": [{"name": "a", "emptyDir": {}}], "priority": 1, "tolerations": [1]}
    patched = apply_patch(spec, "volumes: [{name: b}]\npriority: null\ntolerations: [2]\n")
    assert patched == {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b"}], "tolerations": [2]}
    removed = apply_patch(spec, '{"volumes": [{"name": "a", "$patch": "delete"}]}')
    assert removed["volumes"] == []
    for bad in ("[1]", "{", "text"):
        with pytest.raises(NodeError, match="PodSpecPatch"):
            apply_patch(spec, bad)


def leaf(play):
    return play("""
    entrypoint: main
    templates:
    - name: main
      container: {image: busybox, command: [x]}
    """)


@pytest.mark.parametrize(
    ("status", "phase", "message"),
    [
        ({"phase": "Pending"}, "Pending", None),
        (
            {"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "PodInitializing"}}}]},
            "Pending", "PodInitializing",
        ),
        (
            {"phase": "Pending", "containerStatuses": [{"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "m"}}}]},
            "Pending", "ImagePullBackOff: m",
        ),
        ({"phase": "Pending", "conditions": [{"reason": "Unschedulable", "message": "no gpu"}]}, "Pending", "Unschedulable: no gpu"),
        ({"phase": "Failed", "message": "Pod was active", "reason": "DeadlineExceeded"}, "Failed", "Pod was active"),
        ({"phase": "Failed", "reason": "Evicted"}, "Failed", "Evicted"),
        (
            {"phase": "Failed", "initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 64, "reason": "Error"}}}]},
            "Error", "init: Error (exit code 64)",
        ),
        (
            {"phase": "Failed", "containerStatuses": [{"name": "wait", "state": {"terminated": {"exitCode": 64, "reason": "Error", "message": "no file"}}},
                                                      {"name": "main", "state": {"terminated": {"exitCode": 0}}}]},
            "Error", "wait: Error (exit code 64): no file",
        ),
        (
            {"phase": "Failed", "containerStatuses": [{"name": "wait", "state": {"terminated": {"exitCode": 64}}},
                                                      {"name": "main", "state": {"terminated": {"exitCode": 3, "reason": "OOMKilled"}}}]},
            "Failed", "main: OOMKilled (exit code 3)",
        ),
    ],
)  # fmt: skip
def test_what_a_pods_status_means(play, status, phase, message):
    w = leaf(play).step()
    w.pods["w"]["status"] = status
    w.step()
    node = w.node("w")
    assert (node["phase"], node.get("message")) == (phase, message)


def test_outputs_show_while_the_pod_runs(play):
    w = leaf(play).step().run("w")
    w.results["w"].update({"outputs": {"parameters": [{"name": "job", "value": "j"}]}, "progress": "3/12"})
    w.step()
    assert w.node("w")["outputs"]["parameters"] == [{"name": "job", "value": "j"}]
    assert (w.node("w")["progress"], w.status["progress"]) == ("3/12", "3/12")
    assert w.status["taskResultsCompletionStatus"] == {"w": False}
    w.end("w", job="j").step()
    assert w.status["progress"] == "12/12"
    assert w.status["taskResultsCompletionStatus"] == {"w": True}


def test_a_vanished_pod_comes_back_three_times(play):
    w = leaf(play).step()
    for _ in range(3):
        w.run("w").step()
        w.pods.clear()
        w.step()
        assert w.phases() == {"w": "Pending"}
        assert len(w.pods) == 1
    w.run("w").step()
    w.pods.clear()
    w.step()
    assert (w.phase, w.status["message"]) == ("Error", "pod deleted")


def test_a_pod_that_is_being_deleted_is_not_a_failure_yet(play):
    w = leaf(play).step().run("w").step()
    w.end("w", 143)
    w.pods["w"]["metadata"]["deletionTimestamp"] = "2026-11-24T08:00:00Z"
    w.step()
    assert w.phases() == {"w": "Running"}
