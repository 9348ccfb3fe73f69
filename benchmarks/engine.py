"""Argo's engine with pods that end at once: CPU per node, and how it grows.

Target: at most 5 ms CPU a node at 1,000; at 5,000 at most twice the CPU per node of 100.
"""

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

from benchmarks.report import row

#: Most tasks that Argo's schema lets stand in one DAG.
WIDTH = 200
SIZES = (100, 1000, 5000)


class _Instant:
    """A node on which every pod has succeeded as soon as it is there; counts its own CPU."""

    def __init__(self, client):
        self.client, self.spent = client, 0.0

    async def run(self):
        from argovx_lab.sandbox.kubernetes.interface import PODS

        async for event in self.client.watch(PODS, "default"):
            if event.type == "ADDED":
                start = time.process_time()
                await self._end(event.object)
                self.spent += time.process_time() - start

    async def _end(self, pod):
        from argovx_lab.sandbox.kubernetes.interface import PODS, WORKFLOW_TASK_RESULTS

        meta = pod["metadata"]
        labels = {
            "workflows.argoproj.io/workflow": meta["labels"]["workflows.argoproj.io/workflow"],
            "workflows.argoproj.io/report-outputs-completed": "true",
        }
        result = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "WorkflowTaskResult",
            "metadata": {"name": meta["annotations"]["workflows.argoproj.io/node-id"], "labels": labels},
            "outputs": {},
        }
        await self.client.create(WORKFLOW_TASK_RESULTS, result, "default")
        ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}
        states = [{"name": item["name"], "state": ended} for item in pod["spec"]["containers"]]
        status = {"phase": "Succeeded", "containerStatuses": states}
        await self.client.patch(PODS, meta["name"], {"status": status}, "default", subresource="status")


def _workflow(size):
    inner = [min(WIDTH, size - at) for at in range(0, size, WIDTH)]
    outer = [{"name": f"d{n}", "template": f"d{n}"} for n in range(len(inner))]
    dags = [
        {"name": f"d{n}", "dag": {"tasks": [{"name": f"t{k}", "template": "ok"} for k in range(count)]}}
        for n, count in enumerate(inner)
    ]
    ok = {"name": "ok", "container": {"image": "busybox", "command": ["true"]}}
    spec = {"entrypoint": "main", "templates": [{"name": "main", "dag": {"tasks": outer}}, *dags, ok]}
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": f"dag-{size}"}}
    return {**head, "spec": spec}


async def _play(folder, size):
    from argovx_lab.sandbox.argo.controller import Controller
    from argovx_lab.sandbox.clock import Clock
    from argovx_lab.sandbox.kubernetes.client import StoreClient
    from argovx_lab.sandbox.kubernetes.interface import NAMESPACES, WORKFLOWS
    from argovx_lab.sandbox.kubernetes.registry import Registry
    from argovx_lab.sandbox.kubernetes.store import Store

    store = Store(folder / f"{size}.sqlite")
    client = StoreClient(Registry(store, Clock()))
    await client.create(NAMESPACES, {"metadata": {"name": "default"}})
    instant = _Instant(client)
    tasks = [asyncio.create_task(instant.run()), asyncio.create_task(Controller(client).run())]
    start = time.process_time()
    await client.create(WORKFLOWS, _workflow(size), "default")
    async for event in client.watch(WORKFLOWS, "default"):
        if (event.object["metadata"].get("labels") or {}).get("workflows.argoproj.io/completed") == "true":
            break
    spent = time.process_time() - start - instant.spent
    assert event.object["status"]["phase"] == "Succeeded", event.object["status"].get("message")
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    store.close()
    return spent / size * 1000


def run():
    """Run one DAG of each size."""
    per_node = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            per_node[size] = asyncio.run(_play(Path(folder), size))
            target = 5 if size == 1000 else None
            row(f"CPU per node of a DAG of {size}", per_node[size], "ms", target=target)
    row("CPU per node, 5,000 over 100", per_node[5000] / per_node[100], "times", target=2)
