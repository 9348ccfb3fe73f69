"""One pod from its binding to its end, as kubelet and executor would live it together.

Every step may be taken again after a restart: what has happened is in the Pod object, in the task
result and in the process folders, never here alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from argovx_lab.sandbox.kubernetes.interface import PODS, ApiError, Object
from argovx_lab.sandbox.pods import status
from argovx_lab.sandbox.pods.board import Board
from argovx_lab.sandbox.pods.containers import Containers, check
from argovx_lab.sandbox.pods.executor import (
    ARTIFACT_VOLUME,
    FAILED,
    OVERDUE,
    PROGRESS_FILE,
    SCRIPT_VOLUME,
    Executor,
    ExecutorError,
)
from argovx_lab.sandbox.pods.node import WORKFLOW_LABEL, Node, NotReady
from argovx_lab.sandbox.pods.orders import Orders
from argovx_lab.sandbox.pods.volumes import Volumes
from argovx_lab.sandbox.processes import ProcessGroup, ProcessState

log = logging.getLogger(__name__)

#: Containers of Argo's own; we do their work, so no process runs for them.
INIT, WAIT = "init", "wait"
#: The container whose end is the end of a step.
MAIN = "main"
#: How often tokens are looked at for renewal. Unit: seconds.
RENEW_EVERY_S = 10.0


def is_argo(pod: Object) -> bool:
    """Tell whether Argo's controller made this pod: it has the label and a ``wait`` container."""
    labels = pod["metadata"].get("labels") or {}
    return WORKFLOW_LABEL in labels and any(c["name"] == WAIT for c in pod["spec"]["containers"])


def is_over(pod: Object) -> bool:
    """Tell whether the pod's phase is final."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


class PodLife:
    """One pod's life; the runner gives it every newer version of the object."""

    def __init__(self, node: Node, pod: Object) -> None:
        self.node, self._pod = node, pod
        self.name, self.namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        self.uid = pod["metadata"]["uid"]
        self.folder = node.folder / self.uid
        self.orders = Orders(node.clock, pod)
        self.board = Board(node, pod, self.orders)
        self.volumes = Volumes(node, pod, self.folder / "volumes")
        self.containers = Containers(node, pod, self.folder, self.volumes)
        self.executor = Executor(node, pod, self.folder / "containers" / WAIT) if is_argo(pod) else None

    def see(self, pod: Object) -> None:
        """Take a newer version of the object."""
        self.board.see(pod)

    async def run(self) -> None:
        """Live until the pod's phase is final and, when it was deleted, until the object is gone."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        enforcing = asyncio.create_task(self.orders.enforce())
        try:
            await self._bind()
            if await self._prepared():
                await self._live()
            elif self.orders.reason != "Deleted":
                self.board.reset()
                await self._conclude()
            await self.finish_deletion()
        except ApiError as error:
            if error.code != 404:
                raise
            log.info("pod %s/%s is gone", self.namespace, self.name)
        finally:
            enforcing.cancel()

    async def finish_deletion(self) -> None:
        """Remove the object of a deleted pod once nothing of it runs."""
        if self.board.pod["metadata"].get("deletionTimestamp"):
            with contextlib.suppress(ApiError):
                await self.node.client.delete(PODS, self.name, self.namespace, grace_s=0, uid=self.uid)

    async def abandon(self) -> None:
        """Kill whatever runs for a pod whose object is gone, and forget its folder."""
        for group in self.groups():
            group.kill()
            await group.wait()
        await asyncio.to_thread(shutil.rmtree, self.folder, True)

    def groups(self) -> list[ProcessGroup]:
        """Return the process groups that were started."""
        return self.containers.started()

    async def _bind(self) -> None:
        if self.board.pod["spec"].get("nodeName"):
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": self.node.name}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": self.name}, "target": target}
        await self.node.client.create(PODS, body, self.namespace, subresource="binding", name=self.name)
        self._pod["spec"]["nodeName"] = self.node.name  # what the downward API shows
        self.board.see(await self.node.client.get(PODS, self.name, self.namespace))

    async def _prepared(self) -> bool:
        """Wait until every container could start; return whether the pod is still wanted."""
        delay_s = 0.0 if self.groups() else self.node.settings.pod_start_s
        while not self.orders.given:
            try:
                check(self.board.pod)
                await self.volumes.materialise()
                for container in [*self.board.inits, *self.board.mains]:
                    if not self._emulated(container) and self.containers.find(container["name"]) is None:
                        await self.containers.prepare(container)
            except NotReady as problem:
                if self._begun():
                    log.warning("pod %s/%s: %s", self.namespace, self.name, problem.message)
                    break
                await self.board.hold(problem)
                await self.orders.wait(self.node.settings.retry_s / self.node.clock.speed)
                continue
            if delay_s > 0:
                await self.board.hold(NotReady("PodInitializing", ""))
                await self.orders.wait(delay_s / self.node.clock.speed)
            break
        return self._wanted()

    def _begun(self) -> bool:
        """Tell whether every main container was started: what it was made of may be gone by now."""
        mains = [c["name"] for c in self.board.mains if not self._emulated(c)]
        return all(self.containers.find(name) for name in mains)

    def _wanted(self) -> bool:
        """Tell whether to go on: nobody told the pod to end, or it had begun before."""
        return not self.orders.given or bool(self.groups())

    def _emulated(self, container: Object) -> bool:
        return self.executor is not None and container["name"] in (INIT, WAIT)

    async def _live(self) -> None:
        """Run init containers in order, then all others, then say how it went."""
        lost = self.board.phase == "Running" and not self.groups()
        self.board.reset()
        async with _beside(self._renew()):
            if lost:
                await self._report_lost()
            elif await self._initialised():
                await self._run_all()
        await self._conclude()

    async def _initialised(self) -> bool:
        for container in self.board.inits:
            name = container["name"]
            if self._emulated(container):
                if self.executor:
                    self.executor.stage(self.volumes.path(SCRIPT_VOLUME))
                    self.executor.load(self.volumes.path(ARTIFACT_VOLUME))
                self.board.states[name] = status.terminated(0, self.board.began, self.board.began)
                continue
            group = await self._start(container)
            if group is None:
                return False
            self._note(container, group.state())
            if self.board.phase != "Running":
                await self.board.write("Pending")
            self._note(container, await group.wait())
            if status.exit_code(self.board.states[name]) != 0:
                return False
        return self._wanted()

    async def _start(self, container: Object) -> ProcessGroup | None:
        """Start one container; ``None`` when it cannot be made, which its state then says."""
        try:
            group = await self.containers.start(container)
        except NotReady as problem:
            now = self.board.now()
            state = status.terminated(128, now, now, problem.message, problem.reason)
            self.board.states[container["name"]] = state
            return None
        self.orders.add(group, whole_group=self.executor is not None)
        return group

    async def _run_all(self) -> None:
        argo, board = self.executor, self.board
        mains = [MAIN] if argo else [c["name"] for c in board.mains]
        if argo:
            await argo.begin()
        groups = await self._start_all()
        await board.write("Running")
        async with _beside(self._progress(groups)), _beside(self._overdue(groups)):
            await asyncio.gather(*(self._end_of(name, groups) for name in mains))
        if argo:
            await self._executed(argo, groups.get(MAIN))
            for name in groups.keys() - set(mains):
                await self.orders.stop(groups[name])
                self._note(board.container(name), await groups[name].wait())

    async def _start_all(self) -> dict[str, ProcessGroup]:
        groups = {}
        for container in self.board.mains:
            if self._emulated(container):
                self.board.states[container["name"]] = status.running(self.board.began)
            elif group := await self._start(container):
                groups[container["name"]] = group
                self._note(container, group.state())
        return groups

    async def _end_of(self, name: str, groups: dict[str, ProcessGroup]) -> None:
        if name in groups:
            self._note(self.board.container(name), await groups[name].wait())
            if self.executor is None and len(groups) > 1:
                await self.board.write("Running")

    async def _progress(self, groups: dict[str, ProcessGroup]) -> None:
        if self.executor and MAIN in groups:
            path = self.board.env(MAIN, "ARGO_PROGRESS_FILE") or PROGRESS_FILE
            await self.executor.follow_progress(groups[MAIN], path)

    async def _overdue(self, groups: dict[str, ProcessGroup]) -> None:
        """End main when the executor's deadline is over."""
        if self.executor and MAIN in groups:
            await self.executor.overdue()
            await self.orders.stop(groups[MAIN])

    async def _executed(self, argo: Executor, group: ProcessGroup | None) -> None:
        """Report outputs and end the ``wait`` container."""
        want = self.board.env(WAIT, "ARGO_INCLUDE_SCRIPT_OUTPUT") == "true"
        code, message = 0, OVERDUE if argo.expired else ""
        try:
            deleted = self.orders.reason == "Deleted"
            await argo.report(None if deleted else group, want_result=want)
        except ExecutorError as error:
            code, message = FAILED, error.message
        self.board.states[WAIT] = status.terminated(code, self.board.began, self.board.now(), message)

    async def _report_lost(self) -> None:
        """End a pod that ran and of which nothing is left, not even its folder."""
        for container in self.board.mains:
            state = status.of_process(ProcessState("lost"), self.node.clock.now(), "", emissary=False)
            self.board.states[container["name"]] = state
        for container in self.board.inits:
            now = self.board.now()
            self.board.states[container["name"]] = status.terminated(0, now, now)
        if self.executor:
            await self._executed(self.executor, None)

    async def _conclude(self) -> None:
        self.volumes.remove_secrets()
        if self.orders.reason == "DeadlineExceeded":
            why = "Pod was active on the node longer than the specified deadline"
            await self.board.write("Failed", "DeadlineExceeded", why)
        elif all(code == 0 for code in self.board.exit_codes()):
            await self.board.write("Succeeded")
        else:
            await self.board.write("Failed")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                await self.volumes.renew()
            except NotReady as problem:
                log.warning("pod %s/%s: %s", self.namespace, self.name, problem.message)

    def _note(self, container: Object, state: ProcessState) -> None:
        failed = state.ended and state.exit_code != 0
        message = self.containers.message(container, failed) if state.ended else ""
        emissary = self.executor is not None
        self.board.states[container["name"]] = status.of_process(
            state, self.node.clock.now(), message, emissary
        )


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``work`` beside the block and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ApiError):
            await task
