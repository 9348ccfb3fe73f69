"""States that Argo's own client left behind (``recordings/control``) go on here as they did there.

A retry of a workflow that fails for a reason that stays must end in the very state it had before.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import argo_harness
import argo_replay as replay
import pytest

from argovx_lab.sandbox.kubernetes.interface import WORKFLOWS

CONTROL = Path(__file__).parent / "recordings" / "control"
AGAIN = ("retry-diamond", "retry-loop", "retry-restart-successful-node", "retry-retried")
TO_SUCCESS = ("resume-gate", "retry-with-parameter")


def recording(name: str):
    return json.loads((CONTROL / name / "verb.json").read_text())


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    async def play():
        found = {}

        async def one(client, name):
            state = recording(name)["after"]
            workflow = {k: state[k] for k in ("apiVersion", "kind", "spec", "status")}
            meta = state["metadata"]
            workflow["metadata"] = {k: meta[k] for k in ("name", "labels", "annotations") if k in meta}
            await client.create(WORKFLOWS, workflow, "default")
            async with asyncio.timeout(30):
                async for event in client.watch(WORKFLOWS, "default"):
                    same = event.object["metadata"]["name"] == meta["name"]
                    labels = event.object["metadata"].get("labels") or {}
                    if same and labels.get("workflows.argoproj.io/completed") == "true":
                        found[name] = event.object
                        return

        async with argo_harness.sandbox(tmp_path_factory.mktemp("control")) as sandbox:
            await sandbox.until(asyncio.gather(*(one(sandbox.client, n) for n in (*AGAIN, *TO_SUCCESS))))
        return found

    return asyncio.run(play())


@pytest.mark.parametrize("name", AGAIN)
def test_a_retry_that_fails_again_ends_where_it_was(ends, name):
    before = replay.canonical(replay.reduced(recording(name)["before"]))
    assert replay.differences(replay.canonical(replay.reduced(ends[name])), before) == []


@pytest.mark.parametrize("name", TO_SUCCESS)
def test_goes_on_to_success(ends, name):
    nodes = ends[name]["status"]["nodes"].values()
    assert ends[name]["status"]["phase"] == "Succeeded"
    assert all(n["phase"] in ("Succeeded", "Skipped") for n in nodes)
