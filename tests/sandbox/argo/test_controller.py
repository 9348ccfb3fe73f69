"""The shell: conflicts, refused pods, compression, caches that break, shared locks."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json

import pytest
import yaml

from argovx_lab.sandbox.argo.compress import dehydrate, hydrate
from argovx_lab.sandbox.argo.controller import Controller
from argovx_lab.sandbox.argo.errors import InvalidSpec
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.client import StoreClient
from argovx_lab.sandbox.kubernetes.interface import (
    NAMESPACES,
    PODS,
    WORKFLOW_TASK_RESULTS,
    WORKFLOW_TEMPLATES,
    WORKFLOWS,
    ApiError,
)
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.store import Store

SPEC = """
entrypoint: main
templates:
- name: ok
  container: {image: busybox, command: ["true"]}
- name: main
  dag: {tasks: [{name: a, template: ok}, {name: b, template: ok, depends: a}]}
"""


class Client(StoreClient):
    """A client whose calls can be made to fail."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self.refuse: list[ApiError] = []
        self.before_replace = None

    async def create(self, resource, obj, namespace="", *, subresource="", name=""):
        if resource is PODS and self.refuse:
            raise self.refuse.pop(0)
        return await super().create(resource, obj, namespace, subresource=subresource, name=name)

    async def replace(self, resource, obj, *, subresource=""):
        hook, self.before_replace = self.before_replace, None
        if hook is not None:
            await hook()
        return await super().replace(resource, obj, subresource=subresource)

    async def finish(self, name: str, code: int = 0) -> None:
        """End a pod as the node would."""
        pod = await self.get(PODS, name, "default")
        node = pod["metadata"]["annotations"]["workflows.argoproj.io/node-id"]
        argo = "workflows.argoproj.io/"
        result = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "WorkflowTaskResult",
            "metadata": {
                "name": node,
                "labels": {argo + "workflow": "w", argo + "report-outputs-completed": "true"},
                "ownerReferences": [
                    {k: o[k] for k in ("apiVersion", "kind", "name", "uid")}
                    for o in pod["metadata"]["ownerReferences"]
                ],
            },
        }
        await self.create(WORKFLOW_TASK_RESULTS, result, "default")
        state = {"terminated": {"exitCode": code, "reason": "Completed"}}
        status = {"phase": "Succeeded", "containerStatuses": [{"name": "main", "state": state}]}
        await self.patch(PODS, name, {"status": status}, "default", subresource="status")

    async def until(self, condition, deadline_s: float = 10.0):
        async with asyncio.timeout(deadline_s):
            while True:
                workflow = await self.get(WORKFLOWS, "w", "default")
                if condition(workflow.get("status") or {}):
                    return workflow
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def engine(folder):
    store = Store(folder / "k.sqlite")
    client = Client(Registry(store, Clock()))
    await client.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    )
    task = asyncio.create_task(Controller(client, Clock()).run())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.wait({task})
        store.close()
    assert task.cancelled(), task.exception()


async def submit(client, spec: str = SPEC) -> None:
    workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}}
    await client.create(WORKFLOWS, {**workflow, "spec": yaml.safe_load(spec)}, "default")


def nodes(status):
    return {n["displayName"]: n for n in (status.get("nodes") or {}).values()}


async def pod_names(client):
    pods, _ = await client.list(PODS, "default")
    return sorted(p["metadata"]["name"] for p in pods)


def test_runs_a_workflow_to_its_end(tmp_path):
    async def go():
        async with engine(tmp_path) as client:
            await submit(client)
            await client.until(lambda s: "a" in nodes(s))
            (first,) = await pod_names(client)
            await client.finish(first)
            await client.until(lambda s: "b" in nodes(s))
            await client.finish(next(n for n in await pod_names(client) if n != first))
            workflow = await client.until(lambda s: s.get("phase") == "Succeeded")
            assert workflow["status"]["progress"] == "2/2"
            pods, _ = await client.list(PODS, "default")
            assert {p["metadata"]["labels"]["workflows.argoproj.io/completed"] for p in pods} == {"true"}

    asyncio.run(go())


def test_a_concurrent_change_wins_and_is_seen(tmp_path):
    async def go():
        async with engine(tmp_path) as client:

            async def stop():
                await client.patch(WORKFLOWS, "w", {"spec": {"shutdown": "Terminate"}}, "default")

            client.before_replace = stop
            await submit(client)
            workflow = await client.until(lambda s: s.get("phase") == "Failed")
            assert workflow["spec"]["shutdown"] == "Terminate"
            assert workflow["status"]["message"] == "Stopped with strategy 'Terminate'"

    asyncio.run(go())


@pytest.mark.parametrize("code", [429, 503])
def test_a_pod_that_cannot_be_created_yet_is_asked_for_again(tmp_path, code):
    async def go():
        async with engine(tmp_path) as client:
            client.refuse = [ApiError(code, "Busy", "come again")]
            await submit(client)
            workflow = await client.until(lambda s: nodes(s).get("a", {}).get("message") == "come again")
            assert nodes(workflow["status"])["a"]["phase"] == "Pending"
            await client.until(lambda s: "message" not in nodes(s)["a"])
            assert len(await pod_names(client)) == 1

    asyncio.run(go())


def test_a_pod_that_is_refused_is_an_error_of_its_node(tmp_path):
    async def go():
        async with engine(tmp_path) as client:
            client.refuse = [ApiError(403, "Forbidden", 'pods "x" is forbidden: no such account')]
            await submit(client)
            workflow = await client.until(lambda s: s.get("phase") == "Error")
            assert "no such account" in nodes(workflow["status"])["a"]["message"]
            assert nodes(workflow["status"])["b"]["phase"] == "Omitted"

    asyncio.run(go())


def test_a_template_made_just_before_is_found(tmp_path):
    template = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "lib"},
        "spec": yaml.safe_load(SPEC),
    }

    async def go():
        async with engine(tmp_path) as client:
            await submit(client, "workflowTemplateRef: {name: none}")
            await client.until(lambda s: s.get("phase") == "Error")
            await client.delete(WORKFLOWS, "w", "default")
            # no await lets a watch run between these two: the store answers at once
            await client.create(WORKFLOW_TEMPLATES, template, "default")
            await submit(client, "workflowTemplateRef: {name: lib}")
            workflow = await client.until(lambda s: s.get("phase"))
            assert workflow["status"]["phase"] == "Running"

    asyncio.run(go())


def test_a_workflow_that_is_deleted_is_forgotten(tmp_path):
    async def go():
        async with engine(tmp_path) as client:
            await submit(client)
            await client.until(lambda s: "a" in nodes(s))
            await client.delete(WORKFLOWS, "w", "default")
            await submit(client)
            workflow = await client.until(lambda s: "a" in nodes(s))
            assert nodes(workflow["status"])["a"]["phase"] == "Pending"

    asyncio.run(go())


def test_a_large_status_is_compressed_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("argovx_lab.sandbox.argo.compress.SIZE_MAX", 100_000)
    tasks = [{"name": f"t{i}", "template": "gate"} for i in range(180)]
    spec = {
        "entrypoint": "main",
        "templates": [
            {"name": "gate", "suspend": {"duration": "1"}},
            {"name": "ok", "container": {"image": "busybox", "command": ["true"]}},
            {"name": "half", "dag": {"tasks": tasks}},
            {"name": "main", "steps": [[{"name": n, "template": "half"} for n in "ab"], [{"name": "c", "template": "ok"}]]},
        ],
    }  # fmt: skip

    async def go():
        async with engine(tmp_path) as client:
            await submit(client, yaml.safe_dump(spec))
            await client.until(lambda s: "compressedNodes" in s and "nodes" not in s)
            await client.until(lambda s: "progress" in s and s["progress"].endswith("/361"))
            await client.finish((await pod_names(client))[0])
            workflow = await client.until(lambda s: s.get("phase") == "Succeeded")
            assert workflow["status"]["progress"] == "361/361"
            hydrate(workflow)
            assert len(workflow["status"]["nodes"]) == 366

    asyncio.run(go())


def test_compression_round_trip(monkeypatch):
    monkeypatch.setattr("argovx_lab.sandbox.argo.compress.SIZE_MAX", 10)
    nodes = {str(i): {"id": str(i)} for i in range(300)}
    workflow = {"status": {"nodes": dict(nodes)}}
    dehydrate(workflow)
    assert set(workflow["status"]) == {"compressedNodes"}
    packed = gzip.decompress(base64.b64decode(workflow["status"]["compressedNodes"]))
    assert json.loads(packed) == nodes
    hydrate(workflow)
    assert workflow["status"] == {"nodes": nodes}
    with pytest.raises(InvalidSpec, match="compressedNodes"):
        hydrate({"status": {"compressedNodes": "eA=="}})
