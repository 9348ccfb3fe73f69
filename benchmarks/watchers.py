"""Two hundred watchers of a namespace with a thousand workflows: how soon one write reaches all.

Target: p95 within 100 ms, at most 200 MB in the sandbox's server.
"""

import asyncio
import os
import resource
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from benchmarks.report import percentile, row

WATCHERS, WORKFLOWS, WRITES = 200, 1000, 20


def _rss(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


async def _watch(url, context, path, token, opened, arrivals, complete):
    reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=context, limit=1 << 24)
    head = f"GET {path} HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer {token}\r\n"
    writer.write(f"{head}accept: application/json\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    opened.release()
    try:
        while line := await reader.readline():
            if b'"MODIFIED"' in line:
                arrivals.append(time.monotonic())
                if len(arrivals) == WATCHERS:
                    complete.set()
    finally:
        writer.close()


async def _measure(status, api, place, token):
    url, context = urlsplit(status.kubernetes_endpoint), ssl.create_default_context(cafile=status.ca)
    listed = await asyncio.to_thread(api.list_namespaced_custom_object, *place, limit=1)
    version = listed["metadata"]["resourceVersion"]
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{status.namespace}/workflows"
    path += f"?watch=true&resourceVersion={version}"
    opened, arrivals, complete = asyncio.Semaphore(0), [], asyncio.Event()
    tasks = [
        asyncio.create_task(_watch(url, context, path, token, opened, arrivals, complete))
        for _ in range(WATCHERS)
    ]
    for _ in tasks:
        await opened.acquire()
    delays = []
    for number in range(WRITES):
        arrivals.clear()
        start = time.monotonic()
        patch = {"status": {"phase": "Running", "message": f"write {number}"}}
        await asyncio.to_thread(api.patch_namespaced_custom_object, *place, "bench-0", patch)
        await complete.wait()
        complete.clear()
        delays += [at - start for at in arrivals]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return delays


def run():
    """Create the workflows, open the watches, write."""
    from kubernetes import client, config

    from argovx_lab.sandbox import lifecycle

    status = lifecycle.start(Path(os.environ["ARGOVX_SANDBOX"]), user="bench")
    api = client.CustomObjectsApi(config.new_client_from_config(status.kubeconfig))
    place = ("argoproj.io", "v1alpha1", status.namespace, "workflows")
    users = yaml.safe_load(Path(status.kubeconfig).read_text())["users"]
    token = next(item["user"]["token"] for item in users if "token" in item["user"])
    spec = {"entrypoint": "main", "suspend": True, "templates": [{"name": "main", "suspend": {}}]}
    for number in range(WORKFLOWS):
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
        api.create_namespaced_custom_object(
            *place, {**head, "metadata": {"name": f"bench-{number}"}, "spec": spec}
        )
    delays = asyncio.run(_measure(status, api, place, token))
    row("one write to the last byte, p95", percentile(delays, 0.95) * 1000, "ms", target=100)
    row("memory of the server", _rss(status.pid), "MB", target=200)
