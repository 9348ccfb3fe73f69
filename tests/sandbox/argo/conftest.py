"""A pure world: a workflow, its pods and results, and a reconcile that is called again and again."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from argovx_lab.sandbox.argo import labels
from argovx_lab.sandbox.argo.actions import CreatePod, DeletePod, DeleteWorkflow, KillPod
from argovx_lab.sandbox.argo.locks import Locks
from argovx_lab.sandbox.argo.operation import World
from argovx_lab.sandbox.argo.reconcile import Outcome, reconcile

START = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)


class Play:
    """One workflow moved by hand: no API server, no processes, no clock but ``now``."""

    def __init__(
        self, spec: str, *, name: str = "w", library: dict | None = None, locks: Locks | None = None
    ):
        meta = {"name": name, "namespace": "default", "uid": f"uid-{name}"}
        self.workflow: dict[str, Any] = {"metadata": meta, "spec": yaml.safe_load(spec)}
        self.pods: dict[str, dict] = {}
        self.results: dict[str, dict] = {}
        self.library = library or {}
        self.configs: dict[tuple[str, str], str] = {}
        self.locks = locks or Locks()
        self.now = START
        self.outcome: Outcome | None = None
        self.killed: list[str] = []
        self.deleted = False

    def step(self, seconds: float = 0.0) -> Play:
        """Let time pass, reconcile once, and do what was asked for."""
        self.now += timedelta(seconds=seconds)
        world = World(self.pods, self.results, self.library, self.configs, self.locks, self.now)
        before = copy.deepcopy(self.workflow)
        self.outcome = reconcile(self.workflow, world)
        assert self.workflow == before, "a reconcile changed its input"
        self.workflow = self.outcome.workflow
        for action in self.outcome.actions:
            self._do(action)
        return self

    def _do(self, action: Any) -> None:
        if isinstance(action, CreatePod):
            assert action.node not in self.pods
            self.pods[action.node] = copy.deepcopy(action.pod)
            self.results.pop(action.node, None)
        elif isinstance(action, KillPod):
            self.killed.append(action.name)
        elif isinstance(action, DeletePod):
            self.pods = {k: p for k, p in self.pods.items() if p["metadata"]["name"] != action.name}
        elif isinstance(action, DeleteWorkflow):
            self.deleted = True

    def run(self, name: str) -> Play:
        """Let a node's pod run."""
        node = self.node(name)["id"]
        self.pods[node]["status"] = {"phase": "Running"}
        self.results[node] = {"metadata": {"labels": {labels.REPORTED: "false"}}}
        return self

    def end(self, name: str, code: int = 0, *, message: str = "", **outputs: Any) -> Play:
        """Let a node's pod end, everything reported; ``result=`` and parameters by name."""
        node = self.node(name)["id"]
        pod = self.pods[node]
        terminated = {"exitCode": code, "reason": "Error" if code else "Completed", "message": message}
        pod["status"] = {
            "phase": "Failed" if code else "Succeeded",
            "containerStatuses": [{"name": "main", "state": {"terminated": terminated}}],
        }
        reported: dict[str, Any] = {}
        if "result" in outputs:
            reported["result"] = outputs.pop("result")
        if outputs:
            reported["parameters"] = [{"name": k, "value": v} for k, v in outputs.items()]
        meta = {"labels": {labels.REPORTED: "true"}}
        self.results[node] = {"metadata": meta, "outputs": reported}
        return self

    @property
    def status(self) -> dict[str, Any]:
        return self.workflow["status"]

    @property
    def phase(self) -> str:
        return self.status["phase"]

    def nodes(self) -> dict[str, dict]:
        return {n["displayName"]: n for n in (self.status.get("nodes") or {}).values()}

    def node(self, name: str) -> dict:
        return self.nodes()[name]

    def phases(self) -> dict[str, str]:
        return {name: node["phase"] for name, node in self.nodes().items()}


@pytest.fixture
def play():
    return Play


#: Templates that most tests need.
LEAVES = """
- name: ok
  container: {image: busybox, command: [sh, -c], args: [echo ok]}
- name: say
  inputs: {parameters: [{name: m}]}
  container: {image: busybox, command: [sh, -c], args: ["echo {{inputs.parameters.m}}"]}
- name: gen
  script: {image: busybox, command: [sh], source: "echo 42"}
- name: make
  outputs: {parameters: [{name: v, valueFrom: {path: /tmp/v, default: d}}]}
  container: {image: busybox, command: [sh, -c], args: [echo v]}
- name: gate
  suspend: {}
"""


@pytest.fixture
def dag(play):
    """Return a play of a DAG whose tasks are given as YAML."""

    def make(tasks: str, *, extra: str = "", templates: str = "", **options: Any) -> Play:
        spec = yaml.safe_load(extra) or {}
        spec["entrypoint"] = "main"
        main = {"name": "main", "dag": {"tasks": yaml.safe_load(tasks)}}
        spec["templates"] = yaml.safe_load(LEAVES) + (yaml.safe_load(templates) or []) + [main]
        return play(yaml.safe_dump(spec), **options)

    return make


@pytest.fixture
def steps(play):
    """Return a play of a Steps template whose groups are given as YAML."""

    def make(groups: str, *, extra: str = "", templates: str = "", **options: Any) -> Play:
        spec = yaml.safe_load(extra) or {}
        spec["entrypoint"] = "main"
        main = {"name": "main", "steps": yaml.safe_load(groups)}
        spec["templates"] = yaml.safe_load(LEAVES) + (yaml.safe_load(templates) or []) + [main]
        return play(yaml.safe_dump(spec), **options)

    return make
