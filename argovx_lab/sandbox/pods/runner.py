"""The node: watches all pods and gives each its life; answers for their logs.

Owns which pods live here (all of them) and what is cleaned up when their objects go. Knows no Argo
(:mod:`.executor`) and no containers (:mod:`.containers`). Started again, it finds running pods by
their process folders.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import PODS, ApiError, KubeClient, Object
from argovx_lab.sandbox.pods.containers import groups_below
from argovx_lab.sandbox.pods.images import Images
from argovx_lab.sandbox.pods.life import PodLife, is_over
from argovx_lab.sandbox.pods.node import Node, NodeSettings
from argovx_lab.sandbox.processes import ProcessGroup, read_log

log = logging.getLogger(__name__)

#: Pause before a pod that the disk refused is gone on with. Unit: seconds.
DISK_S = 1.0


class PodRunner:
    """Kubelet and executor of the sandbox.

    Parameters
    ----------
    client : KubeClient
        The only way to the API server.
    folder : Path
        Where pods keep their processes and volumes, one folder per uid.
    images : Images, optional
        Which programs stand in for images.
    """

    def __init__(
        self,
        client: KubeClient,
        folder: Path,
        *,
        images: Images | None = None,
        clock: Clock | None = None,
        node_name: str = "this-machine",
        settings: NodeSettings | None = None,
    ) -> None:
        clock = clock or Clock()
        self.node = Node(client, folder, images or Images(), clock, node_name, settings or NodeSettings())
        self._lives: dict[str, PodLife] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Watch and live until cancelled; running pods go on under their supervisors then."""
        self.node.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            while True:
                pods, version = await self.node.client.list(PODS)
                await self._resync(pods)
                try:
                    async for event in self.node.client.watch(PODS, resource_version=version):
                        self._on(event.type, event.object)
                except ApiError as error:
                    if error.code != 410:
                        raise
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def live(self) -> list[str]:
        """Return ``namespace/name`` of the pods of which a process runs."""
        return sorted(
            f"{life.namespace}/{life.name}"
            for life in self._lives.values()
            if any(not group.state().ended for group in life.groups())
        )

    async def _resync(self, pods: list[Object]) -> None:
        present = {pod["metadata"]["uid"] for pod in pods}
        for uid in set(self._lives) - present:
            self._drop(uid)
        for folder in self.node.folder.iterdir():
            if folder.name not in present and folder.name not in self._tasks:
                await kill_below(folder)
                await asyncio.to_thread(shutil.rmtree, folder, True)
        for pod in pods:
            self._on("ADDED", pod)

    def _on(self, kind: str, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            self._drop(uid)
            return
        if kind == "BOOKMARK":
            return
        if life := self._lives.get(uid):
            life.see(pod)
            pod = life.board.pod  # what this node wrote may be newer than what the watch brings
        else:
            life = self._lives[uid] = PodLife(self.node, pod)
            if is_over(pod):  # a server that was killed may have left them
                life.volumes.remove_secrets()
        if uid in self._tasks:
            return
        if not is_over(pod):
            self._spawn(life, life.run)
        elif pod["metadata"].get("deletionTimestamp"):
            self._spawn(life, life.finish_deletion)

    def _spawn(self, life: PodLife, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks[life.uid] = asyncio.create_task(self._watched(life, work))

    async def _watched(self, life: PodLife, work: Callable[[], Awaitable[None]]) -> None:
        try:
            while await self._refused(life, work):
                await asyncio.sleep(DISK_S)
                pod = life.board.pod
                life = self._lives[life.uid] = PodLife(self.node, pod)
                work = life.finish_deletion if is_over(pod) else life.run
        finally:
            if self._tasks.get(life.uid) is asyncio.current_task():
                del self._tasks[life.uid]

    async def _refused(self, life: PodLife, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work; say whether the disk refused it, so that it is to be taken up as after a restart."""
        try:
            await work()
        except ApiError as error:
            log.warning("pod %s/%s: %s", life.namespace, life.name, error.message)
            return error.code >= 500
        except OSError as error:
            log.warning("pod %s/%s: %s", life.namespace, life.name, error.strerror)
            return True
        return False

    def _drop(self, uid: str) -> None:
        life = self._lives.pop(uid, None)
        if life is None:
            return
        running = self._tasks.pop(uid, None)

        async def end() -> None:
            if running is not None:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError, ApiError):
                    await running
            await life.abandon()

        task = asyncio.create_task(end())
        self._tasks[f"end of {uid}"] = task
        task.add_done_callback(lambda _: self._tasks.pop(f"end of {uid}", None))

    def read_log(
        self,
        pod: Object,
        container: str,
        *,
        follow: bool = False,
        tail_lines: int | None = None,
        since_s: float | None = None,
        timestamps: bool = False,
    ) -> AsyncIterator[bytes]:
        """Return the log of one container, in pieces.

        Parameters
        ----------
        container : str
            Empty means the pod's default container.

        Raises
        ------
        ApiError
            400 when the container is not there, not said, or has not started.
        """
        name, uid = _choose(pod, container), pod["metadata"]["uid"]
        folder = self.node.folder / uid / "containers" / name
        if not (folder / "log").exists():
            reason = _waiting(pod, name)
            why = f'container "{name}" in pod "{pod["metadata"]["name"]}" is waiting to start: {reason}'
            raise ApiError(400, "BadRequest", why)
        group = ProcessGroup.attach(folder)
        return read_log(
            folder / "log",
            follow=follow,
            tail_lines=tail_lines,
            since_s=since_s,
            timestamps=timestamps,
            ended=lambda: group.state().ended if group else uid not in self._tasks,
        )


def _choose(pod: Object, container: str) -> str:
    spec, meta = pod["spec"], pod["metadata"]
    names = [c["name"] for c in [*(spec.get("initContainers") or []), *spec["containers"]]]
    main = (meta.get("annotations") or {}).get("kubectl.kubernetes.io/default-container", "")
    chosen = container or main or (spec["containers"][0]["name"] if len(spec["containers"]) == 1 else "")
    if not chosen:
        listed = " ".join(c["name"] for c in spec["containers"])
        why = f"a container name must be specified for pod {meta['name']}, choose one of: [{listed}]"
        raise ApiError(400, "BadRequest", why)
    if chosen not in names:
        raise ApiError(400, "BadRequest", f"container {chosen} is not valid for pod {meta['name']}")
    return chosen


def _waiting(pod: Object, name: str) -> str:
    status = pod.get("status") or {}
    for entry in [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]:
        if entry["name"] == name:
            return str((entry["state"].get("waiting") or {}).get("reason") or "ContainerCreating")
    return "ContainerCreating"


async def kill_below(folder: Path) -> int:
    """Kill every process group in one pod's folder; return how many still ran."""
    killed = 0
    for group in groups_below(folder):
        if not group.state().ended:
            killed += 1
            group.kill()
            await group.wait()
    return killed
