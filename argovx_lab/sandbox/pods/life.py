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

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes.interface import PODS, ApiError, Object
from argovx_lab.sandbox.pods import status
from argovx_lab.sandbox.pods.containers import Containers, check
from argovx_lab.sandbox.pods.executor import (
    FAILED,
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
        self.node, self.pod = node, pod
        self.name, self.namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        self.uid = pod["metadata"]["uid"]
        self.folder = node.folder / self.uid
        self.orders = Orders(node.clock, pod)
        self.volumes = Volumes(node, pod, self.folder / "volumes")
        self.containers = Containers(node, pod, self.folder, self.volumes)
        self.executor = Executor(node, pod, self.folder / "containers" / WAIT) if is_argo(pod) else None
        self._states: dict[str, Object] = {}
        self._began = ""

    def see(self, pod: Object) -> None:
        """Take a newer version of the object; an older one is passed over."""
        if int(pod["metadata"]["resourceVersion"]) > int(self.pod["metadata"]["resourceVersion"]):
            self.pod = pod
            self.orders.see(pod)

    async def run(self) -> None:
        """Live until the pod's phase is final and, when it was deleted, until the object is gone."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        enforcing = asyncio.create_task(self.orders.enforce())
        try:
            await self._bind()
            if await self._prepared():
                await self._live()
            elif self.orders.reason != "Deleted":
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
        if self.pod["metadata"].get("deletionTimestamp"):
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
        place = self.folder / "containers"
        names = sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []
        return [group for name in names if (group := self.containers.find(name))]

    async def _bind(self) -> None:
        if self.pod["spec"].get("nodeName"):
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": self.node.name}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": self.name}, "target": target}
        await self.node.client.create(PODS, body, self.namespace, subresource="binding", name=self.name)
        self.pod = await self.node.client.get(PODS, self.name, self.namespace)

    async def _prepared(self) -> bool:
        """Wait until every container could start; return whether the pod is still wanted."""
        spec, first = self.pod["spec"], True
        everyone = [*(spec.get("initContainers") or []), *spec["containers"]]
        while not self.orders.given:
            try:
                check(self.pod)
                for container in everyone:
                    if not self._emulated(container):
                        self.containers.image(container)
                await self.volumes.materialise()
                if first and not self.groups():
                    await self._delay(everyone)
                return self._wanted()
            except NotReady as problem:
                await self._hold(everyone, problem)
            await self.orders.wait(self.node.settings.retry_s / self.node.clock.speed)
            first = False
        return bool(self.groups())

    async def _delay(self, everyone: list[Object]) -> None:
        seconds = self.node.settings.pod_start_s
        if seconds > 0:
            await self._hold(everyone, NotReady("PodInitializing", ""))
            await self.orders.wait(seconds / self.node.clock.speed)

    async def _hold(self, everyone: list[Object], problem: NotReady) -> None:
        """Say that the pod waits, once per reason."""
        states = {c["name"]: status.waiting(problem.reason, problem.message) for c in everyone}
        if states != self._states:
            self._states = states
            await self._write("Pending")

    def _wanted(self) -> bool:
        """Tell whether to go on: nobody told the pod to end, or it had begun before."""
        return not self.orders.given or bool(self.groups())

    def _emulated(self, container: Object) -> bool:
        return self.executor is not None and container["name"] in (INIT, WAIT)

    async def _live(self) -> None:
        """Run init containers in order, then all others, then say how it went."""
        spec = self.pod["spec"]
        lost = (self.pod.get("status") or {}).get("phase") == "Running" and not self.groups()
        self._began = (self.pod.get("status") or {}).get("startTime") or rfc3339(self.node.clock.now())
        everyone = [*(spec.get("initContainers") or []), *spec["containers"]]
        self._states = {c["name"]: status.waiting("PodInitializing") for c in everyone}
        renewing = asyncio.create_task(self._renew())
        try:
            if lost:
                await self._report_lost()
            elif await self._initialised():
                await self._run_all()
        finally:
            renewing.cancel()
        await self._conclude()

    async def _initialised(self) -> bool:
        for container in self.pod["spec"].get("initContainers") or []:
            name = container["name"]
            if self._emulated(container):
                if self.executor:
                    self.executor.stage(self.volumes.path(SCRIPT_VOLUME))
                self._states[name] = status.terminated(0, self._began, self._began)
                continue
            group = await self._start(container)
            if group is None:
                return False
            self._note_state(container, group.state())
            await self._write("Pending")
            self._note_state(container, await group.wait())
            if status.exit_code(self._states[name]) != 0:
                return False
        return self._wanted()

    async def _start(self, container: Object) -> ProcessGroup | None:
        """Start one container; ``None`` when it cannot be made, which its state then says."""
        try:
            group = await self.containers.start(container)
        except NotReady as problem:
            now = rfc3339(self.node.clock.now())
            self._states[container["name"]] = status.terminated(
                128, now, now, problem.message, problem.reason
            )
            return None
        self.orders.add(group, whole_group=self.executor is not None)
        return group

    async def _run_all(self) -> None:
        argo = self.executor
        mains = argo.mains() if argo else [c["name"] for c in self.pod["spec"]["containers"]]
        if argo:
            await argo.begin()
        groups = await self._start_all()
        for name in [c["name"] for c in self.pod["spec"]["containers"] if self._emulated(c)]:
            self._states[name] = status.running(self._began)
        await self._write("Running")
        async with _beside(self._progress(groups)):
            await asyncio.gather(*(self._end_of(name, groups) for name in mains))
        if argo:
            await self._executed(argo, groups.get(mains[0]))
            for name, group in groups.items():
                if name not in mains:
                    await self.orders.stop(group, self._grace())
                    self._note_state(self._container(name), await group.wait())

    async def _start_all(self) -> dict[str, ProcessGroup]:
        groups = {}
        for container in self.pod["spec"]["containers"]:
            if self._emulated(container):
                continue
            if group := await self._start(container):
                groups[container["name"]] = group
                self._note_state(container, group.state())
        return groups

    async def _end_of(self, name: str, groups: dict[str, ProcessGroup]) -> None:
        if name in groups:
            self._note_state(self._container(name), await groups[name].wait())
            if self.executor is None and len(groups) > 1:
                await self._write("Running")

    async def _progress(self, groups: dict[str, ProcessGroup]) -> None:
        if self.executor and "main" in groups:
            path = self._env("main", "ARGO_PROGRESS_FILE") or PROGRESS_FILE
            await self.executor.follow_progress(groups["main"], path)

    async def _executed(self, argo: Executor, group: ProcessGroup | None) -> None:
        """Report outputs and end the ``wait`` container."""
        want = self._env(WAIT, "ARGO_INCLUDE_SCRIPT_OUTPUT") == "true"
        code, message = 0, ""
        try:
            deleted = self.orders.reason == "Deleted"
            await argo.report(None if deleted else group, want_result=want)
        except ExecutorError as error:
            code, message = FAILED, error.message
        now = rfc3339(self.node.clock.now())
        self._states[WAIT] = status.terminated(code, self._began, now, message)

    async def _report_lost(self) -> None:
        """End a pod that ran and of which nothing is left, not even its folder."""
        now = rfc3339(self.node.clock.now())
        lost = status.of_process(ProcessState("lost"), self.node.clock.now(), "", emissary=False)
        for name in self._states:
            self._states[name] = {"terminated": dict(lost["terminated"])}
        for container in self.pod["spec"].get("initContainers") or []:
            self._states[container["name"]] = status.terminated(0, now, now)
        if self.executor:
            await self._executed(self.executor, None)

    async def _conclude(self) -> None:
        ended = [status.exit_code(self._states[c["name"]]) for c in self.pod["spec"]["containers"]]
        phase = "Succeeded" if all(code == 0 for code in ended) else "Failed"
        if self.orders.reason == "DeadlineExceeded":
            why = "Pod was active on the node longer than the specified deadline"
            await self._write("Failed", "DeadlineExceeded", why)
        else:
            await self._write(phase)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                await self.volumes.renew()
            except NotReady as problem:
                log.warning("pod %s/%s: %s", self.namespace, self.name, problem.message)

    def _note_state(self, container: Object, state: ProcessState) -> None:
        group = self.containers.find(container["name"])
        failed = state.ended and state.exit_code != 0
        message = self.containers.message(container, group, failed) if state.ended and group else ""
        now = self.node.clock.now()
        emissary = self.executor is not None
        self._states[container["name"]] = status.of_process(state, now, message, emissary)

    def _container(self, name: str) -> Object:
        return next((c for c in self.pod["spec"]["containers"] if c["name"] == name), {"name": name})

    def _env(self, container: str, name: str) -> str:
        entries = self._container(container).get("env") or []
        return next((str(e.get("value") or "") for e in entries if e["name"] == name), "")

    def _grace(self) -> float:
        seconds = self.pod["spec"].get("terminationGracePeriodSeconds")
        return 30.0 if seconds is None else float(seconds)

    async def _write(self, phase: str, reason: str = "", message: str = "") -> None:
        now = rfc3339(self.node.clock.now())
        new = status.pod(self.pod, self._states, phase, now, reason, message)
        self.pod = await self.node.client.patch(
            PODS, self.name, {"status": new}, self.namespace, subresource="status"
        )
        self.orders.see(self.pod)


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
