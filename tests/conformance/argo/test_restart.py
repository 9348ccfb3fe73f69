"""An engine that is killed and started again and again ends where an undisturbed one does."""

from __future__ import annotations

import asyncio
import random

import argo_harness
import argo_replay as replay
import pytest

from argovx_lab.sandbox.kubernetes.interface import PODS

NAMES = (
    "dag-diamond", "exit-handler-fail", "loop-aggregate", "mutex", "retry-exhausted", "steps-in-dag",
    "stop-midway", "suspend-resume", "template-defaults", "template-ref-cluster", "workflow-hooks",
)  # fmt: skip


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory):
    async def play():
        found, created = {}, []

        async def one(client, name):
            found[name] = await replay.Replay(client, name, scale=0.2).run()

        async def disturb(sandbox):
            dice = random.Random(7)
            while True:
                await asyncio.sleep(dice.uniform(0.03, 0.2))
                await sandbox.stop_engine()
                sandbox.start_engine()

        async def count(client):
            note = "workflows.argoproj.io/node-id"
            async for event in client.watch(PODS, "default"):
                created.extend([event.object["metadata"]["annotations"][note]] * (event.type == "ADDED"))

        async with argo_harness.sandbox(tmp_path_factory.mktemp("restarts")) as sandbox:
            watching = asyncio.create_task(count(sandbox.client))
            disturbing = asyncio.create_task(disturb(sandbox))
            try:
                await asyncio.wait_for(asyncio.gather(*(one(sandbox.client, n) for n in NAMES)), 60)
            finally:
                for task in (disturbing, watching):
                    task.cancel()
                await asyncio.gather(disturbing, watching, return_exceptions=True)
                if sandbox.engine is None or sandbox.engine.done():
                    sandbox.start_engine()
        return found, created

    return asyncio.run(play())


def _without_hook(recorded, hook):
    """Return a recording as it is when a hook's moment fell between two looks of the engine."""
    gone = next(i for i, n in recorded["nodes"].items() if n["displayName"].endswith(hook))
    del recorded["nodes"][gone]
    for node in recorded["nodes"].values():
        node["children"] = [c for c in node.get("children") or [] if c != gone]
    done, total = map(int, recorded["progress"].split("/"))
    return recorded | {"progress": f"{done - 1}/{total - 1}"}


@pytest.mark.parametrize("name", NAMES)
def test_ends_as_recorded(disturbed, name):
    found, recorded = disturbed[0][name], replay.load(name, "final.json")
    if name == "workflow-hooks" and not any(state.get(name) == "Running" for state in found.seen):
        # Like the real controller, the engine sees only phases that a look of it falls into.
        recorded = _without_hook(recorded, ".hooks.running")
    ours = replay.canonical(replay.reduced(found.final))
    assert replay.differences(ours, replay.canonical(recorded)) == []


def test_no_node_had_two_pods(disturbed):
    created = disturbed[1]
    assert len(created) == len(set(created)) > len(NAMES)
