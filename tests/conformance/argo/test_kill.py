"""A whole sandbox that is killed again and again while a workflow of thirty nodes runs.

Every node ends once with success, none is lost, and nothing is left running.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

import pytest
from kubernetes import client, config

from argovx_lab.sandbox import lifecycle

ARGO = ("argoproj.io", "v1alpha1")
LAYERS, WIDTH = 6, 5
#: Each container leaves a mark when it ends well; a mark that is there twice is a node that ran twice.
SCRIPT = "sleep 0.1; echo done >> {marks}/{{{{inputs.parameters.name}}}}; echo {{{{inputs.parameters.name}}}}"


def workflow(name: str, account: str, marks: str) -> dict:
    tasks = [
        {
            "name": f"n{layer}-{place}",
            "template": "step",
            "arguments": {"parameters": [{"name": "name", "value": f"n{layer}-{place}"}]},
            **({"dependencies": [f"n{layer - 1}-{(place + k) % WIDTH}" for k in (0, 1)]} if layer else {}),
        }
        for layer in range(LAYERS)
        for place in range(WIDTH)
    ]
    container = {"image": "busybox", "command": ["sh", "-c"], "args": [SCRIPT.format(marks=marks)]}
    step = {"name": "step", "inputs": {"parameters": [{"name": "name"}]}, "container": container}
    spec = {
        "entrypoint": "main",
        "serviceAccountName": account,
        "templates": [{"name": "main", "dag": {"tasks": tasks}}, step],
    }
    head = {"apiVersion": "/".join(ARGO), "kind": "Workflow", "metadata": {"name": name}}
    return {**head, "spec": spec}


def api_of(status: lifecycle.Status) -> client.CustomObjectsApi:
    return client.CustomObjectsApi(config.new_client_from_config(status.kubeconfig))


def killed_until_done(folder, name: str, kills: int, dice: random.Random) -> tuple[dict, int]:
    """Kill the server at random moments until the workflow has ended or ``kills`` are spent."""
    spent, deadline = 0, time.monotonic() + 300
    while time.monotonic() < deadline:
        status = lifecycle.start(folder, user="tester")
        api = api_of(status)
        moment = time.monotonic() + dice.uniform(0.0, 1.0)
        while True:
            found = api.get_namespaced_custom_object(*ARGO, status.namespace, "workflows", name)
            if (found.get("status") or {}).get("finishedAt"):
                return found, spent
            if spent < kills and time.monotonic() >= moment:
                break
            assert time.monotonic() < deadline, found.get("status")
            time.sleep(0.02)
        os.kill(status.pid, signal.SIGKILL)
        while lifecycle.status(folder) is not None:
            time.sleep(0.01)
        spent += 1
    raise AssertionError(f"{name} did not end")


def shape(found: dict) -> dict:
    """Return what two runs of the same workflow have in common."""
    nodes = found["status"]["nodes"].values()
    keys = ("displayName", "type", "phase", "message", "templateName", "progress")
    return {
        "phase": found["status"]["phase"],
        "progress": found["status"]["progress"],
        "nodes": sorted(tuple(str(node.get(key)) for key in keys) for node in nodes),
    }


def play(folder, kills: int) -> int:
    """Run workflows under kills until they are spent; return how many were."""
    dice, spent, number, undisturbed = random.Random(11), 0, 0, None
    while spent < kills or undisturbed is None:
        marks = folder / f"marks-{number}"
        marks.mkdir()
        name = f"wf-{number}"
        status = lifecycle.start(folder / "sandbox", user="tester")
        body = workflow(name, "wf-tester", str(marks))
        api_of(status).create_namespaced_custom_object(*ARGO, status.namespace, "workflows", body)
        allowed = 0 if undisturbed is None else kills - spent
        found, used = killed_until_done(folder / "sandbox", name, allowed, dice)
        if undisturbed is None:
            undisturbed = {**shape(found)}
        else:
            assert [n[1:] for n in shape(found)["nodes"]] == [n[1:] for n in undisturbed["nodes"]]
            assert {k: v for k, v in shape(found).items() if k != "nodes"} == {
                k: v for k, v in undisturbed.items() if k != "nodes"
            }
        assert found["status"]["phase"] == "Succeeded"
        ran = {path.name: path.read_text().count("done") for path in marks.iterdir()}
        assert ran == {f"n{layer}-{place}": 1 for layer in range(LAYERS) for place in range(WIDTH)}
        spent, number = spent + used, number + 1
    return spent


@pytest.fixture
def nothing_left():
    """A folder that pods see too: they have a /tmp of their own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="argovx-kill-") as name:
        folder = Path(name)
        yield folder
        lifecycle.stop(folder / "sandbox", all=True)


@pytest.mark.timeout(170)
def test_a_kill(nothing_left):
    assert play(nothing_left, 1) == 1
    assert lifecycle.running(nothing_left / "sandbox") == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_kills(nothing_left):
    assert play(nothing_left, 50) == 50
    assert lifecycle.running(nothing_left / "sandbox") == []
