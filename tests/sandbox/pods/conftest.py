"""A node over the sandbox's own store, and pods as Argo's controller makes them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.client import StoreClient
from argovx_lab.sandbox.kubernetes.interface import (
    NAMESPACES,
    PODS,
    SERVICE_ACCOUNTS,
    WORKFLOW_TASK_RESULTS,
    WORKFLOWS,
    ApiError,
)
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.tokens import Issuer
from argovx_lab.sandbox.pods import NodeSettings, PodRunner
from argovx_lab.sandbox.pods.runner import kill_below

NAMESPACE = "default"


class Cluster:
    """A store, its client and one node that can be stopped and started again."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        ca = folder / "ca.pem"
        ca.write_text("the authority")
        self.clock = Clock()
        self.store = Store(folder / "kubernetes.sqlite")
        self.issuer = Issuer(self.store, self.clock)
        self.client = StoreClient(Registry(self.store, self.clock), issuer=self.issuer)
        self.settings = NodeSettings(
            api_port=6443, ca_file=str(ca), progress_s=0.02, retry_s=0.05, **settings
        )
        self.node = PodRunner(self.client, folder / "pods", clock=self.clock, settings=self.settings)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Cluster:
        for resource, kind, name in (
            (NAMESPACES, "Namespace", NAMESPACE),
            (SERVICE_ACCOUNTS, "ServiceAccount", "wf"),
        ):
            obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
            await self.client.create(resource, obj, "" if kind == "Namespace" else NAMESPACE)
        with contextlib.suppress(ApiError):
            await self.create(SERVICE_ACCOUNTS, "ServiceAccount", "default")
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        for folder in (self.folder / "pods").glob("*"):
            await kill_below(folder)
        self.store.close()

    def start(self) -> None:
        self.node = PodRunner(self.client, self.folder / "pods", clock=self.clock, settings=self.settings)
        self._task = asyncio.create_task(self.node.run())

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def create(self, resource, kind: str, name: str, **content: Any):
        version = resource.api_version
        obj = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **content}
        return await self.client.create(resource, obj, NAMESPACE)

    async def pod(self, name: str = "p"):
        return await self.client.get(PODS, name, NAMESPACE)

    async def result(self, name: str = "w-1"):
        return await self.client.get(WORKFLOW_TASK_RESULTS, name, NAMESPACE)

    async def until(self, condition: Callable[[dict], object], name: str = "p", deadline_s: float = 15.0):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            pod = await self.pod(name)
            if condition(pod):
                return pod
            await asyncio.sleep(0.01)
        raise AssertionError(f"not so within {deadline_s} s: {json.dumps(pod.get('status'), indent=1)}")

    async def wait(self, condition: Callable[[], Awaitable[object]], deadline_s: float = 15.0) -> None:
        """Wait until an asynchronous condition holds."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if await condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"not so within {deadline_s} s")

    async def gone(self, name: str = "p") -> None:
        async def absent() -> bool:
            pods, _ = await self.client.list(PODS, NAMESPACE)
            return all(pod["metadata"]["name"] != name for pod in pods)

        await self.wait(absent)

    async def said(self, text: bytes, name: str = "p") -> None:
        """Wait until the pod's log holds ``text``."""
        await self.until(lambda pod: phase(pod) == "Running", name)

        async def there() -> bool:
            return text in await self.log(name)

        await self.wait(there)

    async def over(self, name: str = "p"):
        return await self.until(lambda pod: phase(pod) in ("Succeeded", "Failed"), name)

    async def plain(self, line: str, name: str = "p", **spec: Any):
        container = {
            "name": "c",
            "image": "busybox",
            "command": ["sh", "-c", line],
            **spec.pop("container", {}),
        }
        body = {"restartPolicy": "Never", "serviceAccountName": "wf", "containers": [container], **spec}
        return await self.create(PODS, "Pod", name, spec=body)

    async def argo(
        self, line: str, name: str = "p", outputs=(), template=None, result=False, mounts=(), deadline="",
        **spec: Any,
    ):  # fmt: skip
        """Create a pod as the controller of Argo 4.1 makes it (see the recordings)."""
        try:
            workflow = await self.client.get(WORKFLOWS, "w", NAMESPACE)
        except ApiError:
            workflow = await self.create(WORKFLOWS, "Workflow", "w", spec={})
        whole = {"name": "step", "outputs": {"parameters": list(outputs)}, **(template or {})}
        env = [
            {"name": "ARGO_INCLUDE_SCRIPT_OUTPUT", "value": "true" if result else "false"},
            {"name": "ARGO_PROGRESS_FILE", "value": "/var/run/argo/progress"},
            {"name": "ARGO_DEADLINE", "value": deadline or "0001-01-01T00:00:00Z"},
        ]
        shared = [
            {"name": "var-run-argo", "mountPath": "/var/run/argo"},
            {"name": "argo-staging", "mountPath": "/argo/staging"},
            *mounts,
        ]
        emissary = ["/var/run/argo/argoexec", "emissary", "--loglevel", "info", "--"]
        words = line if isinstance(line, list) else ["sh", "-c", line]
        main = {
            "name": "main",
            "image": "busybox:local",
            "command": emissary + words,
            "env": env,
            "volumeMounts": shared,
        }
        body = {
            "restartPolicy": "Never",
            "serviceAccountName": "wf",
            "volumes": [{"name": "var-run-argo", "emptyDir": {}}, {"name": "argo-staging", "emptyDir": {}}],
            "initContainers": [
                {
                    "name": "init",
                    "image": "argoexec:local",
                    "command": ["argoexec", "init"],
                    "env": [{"name": "ARGO_TEMPLATE", "value": json.dumps(whole)}],
                }
            ],
            "containers": [
                {"name": "wait", "image": "argoexec:local", "command": ["argoexec", "wait"], "env": env},
                main,
            ],
            **spec,
        }
        body["containers"] += body.pop("sidecars", [])
        owner = {"apiVersion": WORKFLOWS.api_version, "kind": "Workflow", "name": "w"}
        metadata = {
            "name": name,
            "labels": {"workflows.argoproj.io/workflow": "w"},
            "annotations": {
                "workflows.argoproj.io/node-id": "w-1",
                "kubectl.kubernetes.io/default-container": "main",
            },
            "ownerReferences": [{**owner, "uid": workflow["metadata"]["uid"], "controller": True}],
        }
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body}
        return await self.client.create(PODS, pod, NAMESPACE)

    async def log(self, name: str = "p", container: str = "", **options: Any) -> bytes:
        stream = self.node.read_log(await self.pod(name), container, **options)
        return b"".join([piece async for piece in stream])


def phase(pod: dict) -> str:
    return (pod.get("status") or {}).get("phase", "")


@pytest.fixture
def play(tmp_path):
    """Run a scenario, a coroutine function that takes a cluster."""

    def run(scenario, folder=tmp_path, **settings):
        async def whole():
            async with Cluster(folder, **settings) as cluster:
                return await asyncio.wait_for(scenario(cluster), 60)

        return asyncio.run(whole())

    return run
