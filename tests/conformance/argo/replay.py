"""Replays recordings of a real Argo on the sandbox's engine and pod runner, through Kubernetes objects only.

Own work: creating the objects, doing the recorded actions when their moment comes, reducing the final
workflow to what a recording keeps, and comparing.
"""

from __future__ import annotations

import asyncio
import copy
import json
import re
import time
from pathlib import Path
from typing import Any

import yaml

from argovx_lab.sandbox.kubernetes.interface import (
    CLUSTER_WORKFLOW_TEMPLATES,
    CONFIG_MAPS,
    PODS,
    WORKFLOW_TEMPLATES,
    WORKFLOWS,
    ApiError,
    KubeClient,
)

ROOT = Path(__file__).parent / "recordings" / "workflows"
#: Workflows of this project that a real controller ran over this project's pods; see the README there.
OWN = Path(__file__).parent / "recordings-own"
NAMESPACE = "default"
_KINDS = {r.kind: r for r in (CLUSTER_WORKFLOW_TEMPLATES, CONFIG_MAPS, WORKFLOW_TEMPLATES, WORKFLOWS)}
_NODE_KEYS = (
    "id", "name", "displayName", "type", "phase", "message", "templateName", "templateRef", "templateScope",
    "boundaryID", "children", "outboundNodes", "inputs", "outputs", "progress", "daemoned",
    "memoizationStatus", "nodeFlag", "synchronizationStatus",
)  # fmt: skip
_STATUS_KEYS = ("phase", "message", "progress", "outputs", "conditions")
_UNORDERED = ("children", "outboundNodes")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC")
_KILLED = ("workflow shutdown", "Step exceeded its deadline", "Pod was active")


def names(root: Path = ROOT) -> list[str]:
    """Return the names of all recordings of a folder."""
    return sorted(p.name for p in root.iterdir() if p.is_dir())


def _folder(name: str) -> Path:
    return next(root / name for root in (ROOT, OWN) if (root / name).is_dir())


def _scaled(value: Any, scale: float) -> Any:
    if isinstance(value, str):
        return re.sub(r"\bsleep (\d+)", lambda m: f"sleep {int(m.group(1)) * scale:g}", value)
    if isinstance(value, list):
        return [_scaled(item, scale) for item in value]
    return {k: _scaled(v, scale) for k, v in value.items()} if isinstance(value, dict) else value


def load(name: str, what: str) -> Any:
    """Return one JSON file of a recording; an empty list where it has none."""
    path = _folder(name) / what
    return json.loads(path.read_text()) if path.exists() else []


def objects(name: str) -> list[dict[str, Any]]:
    """Return what was created, the Workflow last."""
    return list(yaml.safe_load_all((_folder(name) / "objects.yaml").read_text()))


class Replay:
    """One recording on its way.

    Parameters
    ----------
    scale : float
        What ``sleep`` in containers and the recorded times of actions are multiplied with: pods start
        in no time here. Deadlines, back-offs and suspend durations are kept.
    """

    def __init__(self, client: KubeClient, name: str, *, scale: float = 0.35, limit_s: float = 60.0) -> None:
        self.client, self.name, self.scale, self.limit_s = client, name, scale, limit_s
        self.seen: list[dict[str, Any]] = []
        self.refused: dict[str, Any] | None = None
        self.final: dict[str, Any] = {}

    async def run(self) -> Replay:
        """Create the objects, act, and wait for the end."""
        for obj in _scaled(objects(self.name), self.scale):
            resource = _KINDS[obj["kind"]]
            try:
                await self.client.create(resource, obj, NAMESPACE if resource.namespaced else "")
            except ApiError as error:
                self.refused = {"create": error.code, "message": error.message}
                return self
        actions = load(self.name, "actions.json")
        acting = asyncio.create_task(self._act(actions))
        try:
            await asyncio.wait_for(self._until_done(), self.limit_s)
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)
        return self

    async def _until_done(self) -> None:
        self._note(await self._get())
        if self._over():  # what is refused at once may have ended before the first look
            return
        version = self.final["metadata"]["resourceVersion"]
        async for event in self.client.watch(WORKFLOWS, NAMESPACE, resource_version=version):
            if event.object["metadata"]["name"] != self.name:
                continue
            if event.type != "DELETED":
                self._note(event.object)
            if self._over():
                return

    async def _get(self) -> dict[str, Any]:
        return await self.client.get(WORKFLOWS, self.name, NAMESPACE)

    def _note(self, workflow: dict[str, Any]) -> None:
        self.final = workflow
        nodes = (workflow.get("status") or {}).get("nodes") or {}
        self.seen.append({i: n["phase"] for i, n in nodes.items()})

    def _over(self) -> bool:
        return (self.final["metadata"].get("labels") or {}).get("workflows.argoproj.io/completed") == "true"

    async def _act(self, actions: list[dict[str, Any]]) -> None:
        if not actions:
            return
        started = await self._first_running() if not self._suspended() else time.monotonic()
        for action in actions:
            due = started + action["after_first_running_s"] * self.scale
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._perform(action)

    def _suspended(self) -> bool:
        return bool(objects(self.name)[-1]["spec"].get("suspend"))

    async def _first_running(self) -> float:
        while True:
            nodes = ((await self._get()).get("status") or {}).get("nodes") or {}
            if any(n["type"] in ("Pod", "Suspend") and n["phase"] == "Running" for n in nodes.values()):
                return time.monotonic()
            await asyncio.sleep(0.02)

    async def _perform(self, action: dict[str, Any]) -> None:
        kind, argument = action["action"], action["arg"]
        if kind == "shutdown":
            await self._patch({"spec": {"shutdown": argument}})
        elif kind in ("suspend-workflow", "resume-workflow"):
            await self._patch({"spec": {"suspend": True if kind.startswith("suspend") else None}})
        elif kind == "delete-pod":
            await self.client.delete(PODS, await self._pod(argument), NAMESPACE)
        elif kind == "supply":
            await self._supply(dict(argument))
        elif kind == "resume-node":
            node = await self._node(argument)
            change = {
                "phase": "Succeeded", "message": "Resumed by: recorder", "finishedAt": "2026-11-24T00:00:00Z"
            }  # fmt: skip
            await self._patch({"status": {"nodes": {node["id"]: change}}})
        else:
            raise AssertionError(f"unknown action {kind}")

    async def _supply(self, values: dict[str, str]) -> None:
        node = await self._node(values.pop("node"))
        parameters = [
            {**p, "value": values[p["name"]]} if p["name"] in values else p
            for p in node["outputs"]["parameters"]
        ]
        await self._patch({"status": {"nodes": {node["id"]: {"outputs": {"parameters": parameters}}}}})

    async def _patch(self, patch: dict[str, Any]) -> None:
        await self.client.patch(WORKFLOWS, self.name, patch, NAMESPACE)

    async def _node(self, display: str) -> dict[str, Any]:
        while True:
            nodes = (await self._get())["status"]["nodes"].values()
            found = [n for n in nodes if n["displayName"] == display and n["phase"] == "Running"]
            if found:
                return found[0]
            await asyncio.sleep(0.02)

    async def _pod(self, display: str) -> str:
        node = await self._node(display)
        pods, _ = await self.client.list(PODS, NAMESPACE)
        annotation = "workflows.argoproj.io/node-id"
        return next(
            p["metadata"]["name"] for p in pods if p["metadata"]["annotations"].get(annotation) == node["id"]
        )


def reduced(workflow: dict[str, Any]) -> dict[str, Any]:
    """Return what a recording keeps of a workflow."""
    status = workflow["status"]
    found = {k: status[k] for k in _STATUS_KEYS if status.get(k)}
    argo = "workflows.argoproj.io/"
    found["labels"] = {k: v for k, v in workflow["metadata"]["labels"].items() if k.startswith(argo)}
    nodes = status.get("nodes") or {}
    found["nodes"] = {i: {k: n[k] for k in _NODE_KEYS if n.get(k)} for i, n in nodes.items()}
    return found


def canonical(recorded: dict[str, Any]) -> dict[str, Any]:
    """Take out of a reduced workflow what two real runs may differ in (the recordings' README)."""
    found = copy.deepcopy(recorded)
    found["conditions"] = [c for c in found.get("conditions") or [] if c["type"] != "PodRunning"]
    found["message"] = _INSTANT.sub("<time>", found.get("message") or "")
    found["nodes"] = {i: _canonical_node(n) for i, n in (found.get("nodes") or {}).items()}
    return found


def _canonical_node(node: dict[str, Any]) -> dict[str, Any]:
    for key in _UNORDERED:
        node[key] = sorted(node.get(key) or [])
    node["message"] = _INSTANT.sub("<time>", node.get("message") or "")
    outputs = node.get("outputs") or {}
    if node["message"].startswith(_KILLED) and outputs.get("exitCode") in ("143", "137"):
        outputs.pop("exitCode")
    node["outputs"] = outputs
    node.pop("memoizationStatus", None)
    return node


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Return one line per place where two reduced workflows differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for key in sorted(set(ours) | set(theirs))
            for line in differences(ours.get(key), theirs.get(key), f"{path}.{key}")
        ]
    return [] if ours == theirs else [f"{path}: ours {ours!r}, recorded {theirs!r}"]


def phase_order(states: list[dict[str, str]]) -> dict[str, list[str]]:
    """Return each node's phases in order, without repetition."""
    order: dict[str, list[str]] = {}
    for state in states:
        for node, phase in state.items():
            phases = order.setdefault(node, [])
            if not phases or phases[-1] != phase:
                phases.append(phase)
    return order


def recorded_order(name: str) -> dict[str, list[str]]:
    """Return the recorded phases of each node in order; nodes by the last six characters of their id."""
    lines = (_folder(name) / "timeline.jsonl").read_text().splitlines()
    states = [
        {key.rsplit("#", 1)[1]: value[0] for key, value in json.loads(line).get("nodes", {}).items()}
        for line in lines
    ]
    return phase_order(states)


def order_problems(ours: dict[str, list[str]], theirs: dict[str, list[str]], pods: set[str]) -> list[str]:
    """Compare phase orders, Pending apart; of ``pods`` Running apart too, which fast ones skip."""
    by_suffix = {node[-6:]: phases for node, phases in ours.items()}
    problems = []
    for suffix, phases in theirs.items():
        mine = by_suffix.get(suffix)
        if mine is None:
            problems.append(f"node …{suffix} never seen")
            continue
        passing = {"Pending", "Running"} if suffix in pods else {"Pending"}
        if _without(mine, passing) != _without(phases, passing):
            problems.append(f"node …{suffix}: ours {mine}, recorded {phases}")
    return problems


def _without(phases: list[str], passing: set[str]) -> list[str]:
    kept = [p for p in phases if p not in passing]
    return [p for i, p in enumerate(kept) if i == 0 or kept[i - 1] != p]


def check(found: Replay, name: str) -> None:
    """Assert that a workflow ended as its recording, or was refused as there, its phases in that order."""
    recorded = load(name, "final.json")
    if "create" in recorded:
        assert found.refused == recorded, found.refused
        return
    assert found.refused is None, found.refused
    ours = canonical(reduced(found.final))
    problems = differences(ours, canonical(recorded))
    pods = {n["id"][-6:] for n in ours["nodes"].values() if n["type"] == "Pod"}
    problems += order_problems(phase_order(found.seen), recorded_order(name), pods)
    assert problems == [], "\n".join(problems)
