"""Doing what a reconcile asks for: pods first, then the status, each safe to repeat."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from argovx_lab.sandbox.argo import events, labels
from argovx_lab.sandbox.argo.actions import (
    Action,
    CreatePod,
    DeletePod,
    DeleteWorkflow,
    KillPod,
    LabelPod,
)  # fmt: skip
from argovx_lab.sandbox.argo.cache import Object
from argovx_lab.sandbox.argo.compress import dehydrate
from argovx_lab.sandbox.argo.gotime import stamp
from argovx_lab.sandbox.argo.nodes import ERROR, FINAL
from argovx_lab.sandbox.argo.podstatus import reported
from argovx_lab.sandbox.argo.reconcile import Outcome
from argovx_lab.sandbox.argo.view import Caches, Missed, node_of, owned
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.interface import (
    PODS,
    WORKFLOW_TASK_RESULTS,
    WORKFLOWS,
    ApiError,
    KubeClient,
)  # fmt: skip

log = logging.getLogger(__name__)

#: Wait before a pod that could not be created for now is asked for again. Unit: seconds.
LATER_S = 1.0


class Applier:
    """Writes for one controller."""

    def __init__(self, client: KubeClient, caches: Caches, clock: Clock) -> None:
        self._client, self._caches, self._clock = client, caches, clock
        self._events = events.Recorder(client)

    async def refresh(self, workflow: Object) -> None:
        """Ask the API server where a cache may lag: pods that seem gone, results of pods that ended."""
        namespace, name = workflow["metadata"].get("namespace", ""), workflow["metadata"]["name"]
        pods = {node_of(p): p for p in self._caches.pods.group(namespace, name) if owned(p, workflow)}
        for identity in _open_pods(workflow):
            pod = pods.get(identity)
            phase = ((pod or {}).get("status") or {}).get("phase")
            if pod is None or phase in ("Succeeded", "Failed"):
                result = self._caches.results.get(namespace, identity)
                if result is None or not reported(result):
                    await self._fetch_result(namespace, identity)

    async def find(self, missed: Missed, namespace: str) -> bool:
        """Ask the API server for objects that no cache has yet; tell whether one was there."""
        found = False
        for resource, name in missed:
            with _gone_is_fine():
                place = namespace if resource.namespaced else ""
                found |= self._caches.of(resource).put(await self._client.get(resource, name, place))
        return found

    async def _fetch_result(self, namespace: str, name: str) -> None:
        try:
            found = await self._client.get(WORKFLOW_TASK_RESULTS, name, namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return
        self._caches.results.put(found)

    async def apply(self, workflow: Object, outcome: Outcome) -> float | None:
        """Do the actions, then write the workflow; return seconds after which to look again."""
        again: float | None = None
        for action in outcome.actions:
            if isinstance(action, DeleteWorkflow):
                await self._delete(workflow)
                return None
            if isinstance(action, CreatePod):
                wait = await self._create(outcome.workflow, action)
                again = wait if again is None else min(again, wait if wait is not None else again)
            else:
                await self._on_pod(workflow, action)
        if _differs(workflow, outcome.workflow):
            written = await self._write(workflow, outcome.workflow)
            again = written if again is None else again
        return again

    async def _delete(self, workflow: Object) -> None:
        meta = workflow["metadata"]
        with _gone_is_fine():
            await self._client.delete(
                WORKFLOWS, meta["name"], meta.get("namespace", ""), uid=str(meta.get("uid") or "")
            )

    async def _create(self, workflow: Object, action: CreatePod) -> float | None:
        namespace = workflow["metadata"].get("namespace", "")
        stale = self._caches.results.get(namespace, action.node)
        if stale is not None:
            self._caches.results.drop(namespace, action.node)
            with _gone_is_fine():
                await self._client.delete(WORKFLOW_TASK_RESULTS, action.node, namespace)
        try:
            self._caches.pods.put(await self._client.create(PODS, action.pod, namespace))
        except ApiError as error:
            return await self._not_created(workflow, action, error)
        return None

    async def _not_created(self, workflow: Object, action: CreatePod, error: ApiError) -> float:
        node = workflow["status"]["nodes"][action.node]
        namespace = workflow["metadata"].get("namespace", "")
        if error.reason == "AlreadyExists":
            with _gone_is_fine():
                pod = await self._client.get(PODS, action.pod["metadata"]["name"], namespace)
                if owned(pod, workflow) and not pod["metadata"].get("deletionTimestamp"):
                    self._caches.pods.put(pod)
                    return 0.0
                if pod["metadata"].get("deletionTimestamp"):
                    return LATER_S  # an earlier life of the node is still ending
        transient = error.code in (429, 500, 502, 503, 504) or "exceeded quota" in error.message
        node["message"] = error.message
        if transient:
            return LATER_S
        log.info("pod of node %s refused: %s", action.node, error.message)
        node["phase"] = ERROR
        node["finishedAt"] = node["startedAt"]
        return 0.0

    async def _on_pod(self, workflow: Object, action: Action) -> None:
        namespace = workflow["metadata"].get("namespace", "")
        with _gone_is_fine():
            if isinstance(action, KillPod):
                note = {"metadata": {"annotations": {labels.KILL: str(action.grace_s)}}}
                self._caches.pods.put(await self._client.patch(PODS, action.name, note, namespace))
            elif isinstance(action, LabelPod):
                patch = {"metadata": {"labels": dict(action.labels)}}
                self._caches.pods.put(await self._client.patch(PODS, action.name, patch, namespace))
            elif isinstance(action, DeletePod):
                await self._client.delete(PODS, action.name, namespace, grace_s=action.grace_s)

    async def _write(self, old: Object, new: Object) -> float | None:
        nodes = new["status"].get("nodes")
        said = list(events.changes(old, new, stamp(self._clock.now())))
        dehydrate(new)
        try:
            written = await self._client.replace(WORKFLOWS, new)
        except ApiError as error:
            if error.code == 404:
                return None
            if error.code != 409:
                raise
            await self._reread(old)
            return 0.0
        if written.get("status", {}).pop("compressedNodes", None):
            written["status"]["nodes"] = nodes
        self._caches.workflows.put(written)
        await self._events.record(said)
        return 0.0  # what was written may itself let something go on

    async def _reread(self, workflow: Object) -> None:
        meta = workflow["metadata"]
        with _gone_is_fine():
            self._caches.workflows.put(
                await self._client.get(WORKFLOWS, meta["name"], meta.get("namespace", ""))
            )


def _open_pods(workflow: Object) -> list[str]:
    """Return the ids of Pod nodes that are not final; whatever else a status holds is not looked at."""
    nodes = (workflow.get("status") or {}).get("nodes")
    found = nodes.items() if isinstance(nodes, dict) else ()
    return [
        identity
        for identity, node in found
        if isinstance(node, dict) and node.get("type") == "Pod" and node.get("phase") not in FINAL
    ]


def _differs(old: Object, new: Object) -> bool:
    return bool(old.get("status") != new.get("status")) or _meta(old) != _meta(new)


def _meta(obj: Object) -> tuple[Any, Any]:
    return obj["metadata"].get("labels"), obj["metadata"].get("annotations")


class _gone_is_fine(contextlib.AbstractContextManager[None]):  # noqa: N801
    """Ignore 404: what should go is gone, or what should change is no more."""

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        return isinstance(error, ApiError) and error.code == 404
