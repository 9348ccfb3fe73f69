"""The sandbox's engine and pod runner over its own store, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from argovx_lab.sandbox.argo.controller import Controller
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.client import StoreClient
from argovx_lab.sandbox.kubernetes.interface import NAMESPACES, SERVICE_ACCOUNTS, ApiError, KubeClient
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.tokens import Issuer
from argovx_lab.sandbox.pods import NodeSettings, PodRunner
from argovx_lab.sandbox.pods.runner import kill_below


class Sandbox:
    """A store with an engine that can be stopped and started, and a node."""

    def __init__(self, folder: Path, *, pod_start_s: float = 0.0, client: KubeClient | None = None) -> None:
        self.folder, self.clock = folder, Clock()
        ca = folder / "ca.pem"
        ca.write_text("the authority")
        self.store = Store(folder / "kubernetes.sqlite")
        self.client = client or StoreClient(
            Registry(self.store, self.clock), issuer=Issuer(self.store, self.clock)
        )
        settings = NodeSettings(
            api_port=6443, ca_file=str(ca), progress_s=0.05, retry_s=0.1, pod_start_s=pod_start_s
        )
        self.node = PodRunner(self.client, folder / "pods", clock=self.clock, settings=settings)
        self.engine: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        for resource, kind, name in (
            (NAMESPACES, "Namespace", "default"),
            (SERVICE_ACCOUNTS, "ServiceAccount", "wf"),
        ):
            place = "default" if resource.namespaced else ""
            made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
            try:
                await self.client.create(resource, made, place)
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise

    def start_engine(self) -> None:
        self.engine = asyncio.create_task(Controller(self.client, self.clock).run())

    async def stop_engine(self) -> None:
        assert self.engine is not None
        self.engine.cancel()
        await asyncio.wait({self.engine})
        self.engine = None

    async def until(self, work: asyncio.Future[None]) -> None:
        """Wait for ``work``; an engine or node that dies meanwhile is an error at once."""
        assert self.engine is not None
        await asyncio.wait({work, self.engine, self.running}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            for task in (self.engine, self.running):
                if task.done():
                    task.result()
        await work


@contextlib.asynccontextmanager
async def sandbox(
    folder: Path, *, pod_start_s: float = 0.0, client: KubeClient | None = None
) -> AsyncIterator[Sandbox]:
    """Yield a running sandbox, or engine and node on another API server, and leave no process of it."""
    found = Sandbox(folder, pod_start_s=pod_start_s, client=client)
    await found.prepare()
    found.start_engine()
    found.running = asyncio.create_task(found.node.run())
    try:
        yield found
    finally:
        if found.engine is not None:
            await found.stop_engine()
        found.running.cancel()
        await asyncio.gather(found.running, return_exceptions=True)
        for place in (folder / "pods").glob("*"):
            await kill_below(place)
        found.store.close()
