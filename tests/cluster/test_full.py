"""A full cluster with Argo: our templates admitted, our watch and control verbs, and a few recordings.

``ARGOVX_TEST_KUBECONFIG=FILE make test-cluster`` asks the cluster of the file's current context, which needs Argo's
definitions and a controller that watches all namespaces, images ``busybox`` and ``alpine``, and rights to make a
namespace. Without the variable a real kube-apiserver stands in, with the sandbox's engine and node as its clients.

Creates: one namespace ``argovx-test-…`` with the ServiceAccount ``wf``, a Role, a RoleBinding, Workflows and what
they make. Deletes: that namespace, at the end, whatever happened. Nothing outside it is changed: the platform's
cluster-wide template is tried with ``dryRun=All``.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import control_plane
import pytest
from kubernetes import client, config

from argovx_lab.cluster import control
from argovx_lab.cluster.client import Cluster
from argovx_lab.cluster.reflector import Reflector
from argovx_lab.compile.platform import Platform, cluster_template
from argovx_lab.model.principal import Principal
from argovx_lab.sandbox.kubernetes import crds
from argovx_lab.sandbox.kubernetes.http_client import HttpClient

pytestmark = pytest.mark.cluster

KUBECONFIG = os.environ.get("ARGOVX_TEST_KUBECONFIG", "")
RECORDINGS = (
    "dag-diamond",
    "exit-handler-fail",
    "loop-aggregate",
    "retry-exhausted",
    "script-result",
    "steps-in-dag",
)
#: How long one workflow may take: pods of a real cluster start in seconds. Unit: seconds.
LIMIT_S = 240.0
ADA = Principal(
    "ada", "system:serviceaccount:argovx:nb-ada", "principal://x", "u-ada@p.iam.gserviceaccount.com"
)
EXECUTOR = {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
API = "argoproj.io/v1alpha1"
PLATFORM = Platform(
    image="launcher:test", sts_url="https://sts.googleapis.com", aiplatform_url="https://aiplatform.googleapis.com",
    storage_url="https://storage.googleapis.com", audience="//iam.googleapis.com/x", project="p", region="r",
    bucket="b",
)  # fmt: skip


def _load(name: str, file: str):
    place = Path(__file__).parents[1] / "conformance" / "argo" / file
    spec = importlib.util.spec_from_file_location(name, place)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


replay, harness = _load("full_replay", "replay.py"), _load("full_harness", "harness.py")


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory) -> Iterator[Path]:
    """The cluster that is named, or one with our own engine and node."""
    if KUBECONFIG:
        yield Path(KUBECONFIG).expanduser()
        return
    with control_plane.control_plane(tmp_path_factory.mktemp("full")) as plane:
        control_plane.install(plane, crds.definitions())
        with _engine(plane, tmp_path_factory.mktemp("node")):
            yield plane.kubeconfig()


@contextlib.contextmanager
def _engine(plane, folder: Path) -> Iterator[None]:
    """Run the sandbox's engine and node against a control plane, in a thread of their own."""
    ready, ended = threading.Event(), threading.Event()

    async def main() -> None:
        door = HttpClient(plane.host, plane.tokens["admin"], ca_file=str(plane.ca), connections=64)
        async with harness.sandbox(folder, client=door):
            ready.set()
            await asyncio.to_thread(ended.wait)
        door.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


@pytest.fixture(scope="module")
def api(kubeconfig) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(kubeconfig)) as found:
        yield found
        found.rest_client.pool_manager.clear()


@pytest.fixture(scope="module")
def namespace(api) -> Iterator[str]:
    name = f"argovx-test-{secrets.token_hex(3)}"
    core, rbac = client.CoreV1Api(api), client.RbacAuthorizationV1Api(api)
    core.create_namespace({"metadata": {"name": name}})
    try:
        core.create_namespaced_service_account(name, {"metadata": {"name": "wf"}})
        rbac.create_namespaced_role(name, {"metadata": {"name": "wf"}, "rules": [EXECUTOR]})
        subject = {"kind": "ServiceAccount", "name": "wf", "namespace": name}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "wf"}
        rbac.create_namespaced_role_binding(
            name, {"metadata": {"name": "wf"}, "roleRef": role, "subjects": [subject]}
        )
        yield name
    finally:
        core.delete_namespace(name)


@pytest.fixture(scope="module")
def cluster(kubeconfig, namespace) -> Cluster:
    contexts, current = config.list_kube_config_contexts(str(kubeconfig))
    assert contexts
    return Cluster(kubeconfig, current["name"], namespace)


@pytest.fixture(scope="module")
def mirror(cluster) -> Iterator[Reflector]:
    found = Reflector(cluster)
    found.start()
    assert found.wait_synced(30)
    yield found
    found.stop()


def until(mirror: Reflector, name: str, holds) -> dict:
    """Wait until the mirror shows a workflow that is as wanted, and return it."""
    deadline = time.monotonic() + LIMIT_S
    seen: dict = {}
    while time.monotonic() < deadline:
        for obj in mirror.objects:
            if obj["metadata"]["name"] == name:
                seen = obj
                if holds(obj):
                    return obj
        time.sleep(0.05)
    raise AssertionError(f"{name} was last seen as {seen.get('status')}")


def phase(obj: dict) -> str:
    return (obj.get("status") or {}).get("phase") or ""


def over(obj: dict) -> bool:
    return (obj["metadata"].get("labels") or {}).get("workflows.argoproj.io/completed") == "true"


def waiting(obj: dict) -> bool:
    nodes = ((obj.get("status") or {}).get("nodes") or {}).values()
    return any(node["type"] == "Suspend" and node["phase"] == "Running" for node in nodes)


def submit(cluster: Cluster, name: str) -> None:
    """Create a workflow that waits, with an exit handler that only waits for a moment."""
    templates = [
        {"name": "main", "steps": [[{"name": "gate", "template": "gate"}]]},
        {"name": "gate", "suspend": {}},
    ]
    spec = {"entrypoint": "main", "serviceAccountName": "wf", "templates": templates}
    cluster.post_workflow({"apiVersion": API, "kind": "Workflow", "metadata": {"name": name}, "spec": spec})


def test_the_platforms_template_is_admitted(api):
    manifest = cluster_template(PLATFORM)
    found = client.CustomObjectsApi(api).create_cluster_custom_object(
        "argoproj.io", "v1alpha1", "clusterworkflowtemplates",
        {**manifest, "metadata": {**manifest["metadata"], "name": f"argovx-test-{secrets.token_hex(3)}"}},
        dry_run="All", field_validation="Strict",
    )  # fmt: skip
    names = [template["name"] for template in found["spec"]["templates"]]
    assert names == [template["name"] for template in manifest["spec"]["templates"]]


def test_a_workflow_is_seen_suspended_and_resumed(cluster, mirror):
    submit(cluster, "control-resume")
    until(mirror, "control-resume", waiting)
    control.suspend(cluster, "control-resume", ADA)
    until(mirror, "control-resume", lambda obj: obj["spec"].get("suspend"))
    control.resume(cluster, "control-resume", ADA)
    assert phase(until(mirror, "control-resume", over)) == "Succeeded"


@pytest.mark.parametrize(("verb", "strategy"), [(control.stop, "Stop"), (control.terminate, "Terminate")])
def test_a_workflow_is_ended(cluster, mirror, verb, strategy):
    name = f"control-{strategy.lower()}"
    submit(cluster, name)
    until(mirror, name, waiting)
    verb(cluster, name, ADA)
    found = until(mirror, name, over)
    assert (phase(found), found["spec"]["shutdown"]) == ("Failed", strategy)
    assert strategy in found["status"]["message"]


def test_recordings_end_as_they_did(api, namespace, mirror):
    custom = client.CustomObjectsApi(api)
    for name in RECORDINGS:
        (obj,) = replay.objects(name)
        custom.create_namespaced_custom_object("argoproj.io", "v1alpha1", namespace, "workflows", obj)
    wrong = []
    for name in RECORDINGS:
        found = replay.canonical(replay.reduced(until(mirror, name, over)))
        wrong += replay.differences(found, replay.canonical(replay.load(name, "final.json")))
    assert wrong == []
