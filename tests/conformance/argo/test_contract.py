"""The launcher contract as a real Argo kept it: retries that adopt, stop, terminate, deletion, the exit hook.

A shell stands in for the recorded mock launcher: it ends as that one did, so that what the engine makes
of it can be compared with ``recordings/contract/e-*.json``.
"""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path

import argo_harness
import argo_replay as replay
import pytest
import yaml

from argovx_lab.sandbox.kubernetes.interface import CLUSTER_WORKFLOW_TEMPLATES, PODS, WORKFLOWS

CONTRACT = Path(__file__).parent / "recordings" / "contract"
_LAUNCHER = """
trap 'exit 143' TERM
echo job-1 > /tmp/vertex-job
echo '{}' > /tmp/metrics
case "$1-$0" in
  kill-0) sh -c 'kill -9 $PPID'; sleep 9 ;;
  plat-0) exit 30 ;;
  fail-*) printf "KeyError: 'label' · cell 7, line 12" > /dev/termination-log; exit 1 ;;
  *-0) if [ "$2" != e-ok ]; then sleep 60 & wait; fi ;;
esac
exit 0
"""
#: Recording → what is done to it once its pod runs.
CASES = {
    "e-ok": "",
    "e-kill": "",
    "e-plat": "",
    "e-fail": "",
    "e-ok-evict": "delete-pod",
    "e-ok-stop": "Stop",
    "e-ok-terminate": "Terminate",
}
_COMPARED = (
    "id", "name", "displayName", "type", "phase", "message", "templateName", "templateRef", "templateScope",
    "boundaryID", "children", "outboundNodes", "inputs", "nodeFlag", "taskResultSynced",
)  # fmt: skip


def platform_template():
    template = yaml.safe_load((CONTRACT / "template.yaml").read_text())
    step, sweep = template["spec"]["templates"]
    args = step["container"]["args"]
    step["container"] = {"image": "busybox:local", "command": ["sh", "-c", _LAUNCHER], "args": args}
    sweep["container"]["image"] = "busybox:local"
    return template


class Case:
    """One recorded case on its way."""

    def __init__(self, client, name: str) -> None:
        self.client, self.name, self.action = client, name, CASES[name]
        self.recorded = json.loads((CONTRACT / f"{name}.json").read_text())

    async def run(self):
        spec = copy.deepcopy(self.recorded["spec"])
        spec.pop("shutdown", None)
        workflow = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "spec": spec}
        workflow["metadata"] = {"name": self.name}
        await self.client.create(WORKFLOWS, workflow, "default")
        if self.action:
            await self._act()
        async with asyncio.timeout(30):
            return await self._until(lambda w: _label(w) == "true")

    async def _until(self, condition):
        while True:
            workflow = await self.client.get(WORKFLOWS, self.name, "default")
            if condition(workflow):
                return workflow
            await asyncio.sleep(0.02)

    async def _act(self) -> None:
        workflow = await self._until(lambda w: _running(w) is not None)
        if self.action != "delete-pod":
            await self.client.patch(WORKFLOWS, self.name, {"spec": {"shutdown": self.action}}, "default")
            return
        node = _running(workflow)
        pods, _ = await self.client.list(PODS, "default")
        note = "workflows.argoproj.io/node-id"
        pod = next(p for p in pods if p["metadata"]["annotations"].get(note) == node["id"])
        await self.client.delete(PODS, pod["metadata"]["name"], "default")


def _label(workflow) -> str:
    return (workflow["metadata"].get("labels") or {}).get("workflows.argoproj.io/completed", "")


def _running(workflow):
    nodes = ((workflow.get("status") or {}).get("nodes") or {}).values()
    return next((n for n in nodes if n["type"] == "Pod" and n["phase"] == "Running"), None)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    async def play():
        found = {}

        async def one(client, name):
            found[name] = await Case(client, name).run()

        async with argo_harness.sandbox(tmp_path_factory.mktemp("contract")) as sandbox:
            await sandbox.client.create(CLUSTER_WORKFLOW_TEMPLATES, platform_template())
            await sandbox.until(asyncio.gather(*(one(sandbox.client, name) for name in CASES)))
        return found

    return asyncio.run(play())


def _nodes(workflow):
    found = {}
    for identity, node in workflow["status"]["nodes"].items():
        kept = {k: node[k] for k in _COMPARED if node.get(k) not in (None, "", [], {})}
        for key in ("children", "outboundNodes"):
            kept[key] = sorted(kept.get(key) or [])
        parameters = (node.get("outputs") or {}).get("parameters") or []
        kept["output names"] = [p["name"] for p in parameters]
        kept["exitCode"] = (node.get("outputs") or {}).get("exitCode")
        found[identity] = kept
    return found


@pytest.mark.parametrize("name", CASES)
def test_nodes_end_as_recorded(cases, name):
    recorded = json.loads((CONTRACT / f"{name}.json").read_text())
    ours = cases[name]
    assert replay.differences(_nodes(ours), _nodes(recorded)) == []
    assert ours["status"]["phase"] == recorded["status"]["phase"]
    assert ours["status"].get("message") == recorded["status"].get("message")


@pytest.mark.parametrize("name", CASES)
def test_used_templates_are_stored(cases, name):
    recorded = json.loads((CONTRACT / f"{name}.json").read_text())
    assert set(cases[name]["status"]["storedTemplates"]) == set(recorded["status"]["storedTemplates"])


def test_outputs_of_a_killed_attempt_are_reported(cases):
    nodes = {n["displayName"]: n for n in cases["e-kill"]["status"]["nodes"].values()}
    assert nodes["train(0)"]["outputs"]["exitCode"] == "137"
    assert nodes["train(0)"]["outputs"]["parameters"][0]["value"] == "job-1"


def test_a_deleted_pod_falls_back_to_defaults(cases):
    nodes = {n["displayName"]: n for n in cases["e-ok-evict"]["status"]["nodes"].values()}
    assert [p["value"] for p in nodes["train(0)"]["outputs"]["parameters"]] == ["", ""]
