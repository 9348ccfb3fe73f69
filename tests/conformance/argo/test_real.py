"""Engine and pod runner on a real kube-apiserver, over HTTP: a dozen recordings end as they were recorded."""

from __future__ import annotations

import asyncio

import argo_harness
import argo_replay as replay
import control_plane
import pytest

from argovx_lab.sandbox.kubernetes import crds
from argovx_lab.sandbox.kubernetes.http_client import HttpClient
from argovx_lab.sandbox.kubernetes.interface import PODS

NAMES = (
    "dag-diamond", "exit-handler-fail", "global-output", "loop-aggregate", "mutex", "pod-deleted", "retry-exhausted",
    "script-result", "semaphore", "steps-in-dag", "stop-midway", "suspend-resume", "template-ref-cluster",
    "workflow-hooks", "when-skip-steps",
)  # fmt: skip
EXECUTOR = {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    with control_plane.control_plane(tmp_path_factory.mktemp("real")) as found:
        control_plane.install(found, crds.definitions())
        yield found


@pytest.fixture(scope="module")
def played(plane, tmp_path_factory):
    async def play():
        found, gate = {}, asyncio.Semaphore(4)
        client = HttpClient(plane.host, plane.tokens["admin"], ca_file=str(plane.ca), connections=64)

        async def one(name: str) -> None:
            async with gate:
                run = replay.Replay(client, name, scale=0.03 if name == "pod-deleted" else 0.5, limit_s=90)
                try:
                    found[name] = await run.run()
                except (TimeoutError, AssertionError) as error:
                    found[name] = (error, run.final)

        async with argo_harness.sandbox(tmp_path_factory.mktemp("replays"), client=client) as sandbox:
            await sandbox.until(asyncio.gather(*(one(name) for name in NAMES)))
        client.close()
        return found

    return asyncio.run(play())


@pytest.mark.parametrize("name", NAMES)
def test_ends_as_recorded(played, name):
    found, recorded = played[name], replay.load(name, "final.json")
    if isinstance(found, tuple):
        pytest.fail(f"{name} did not end: {found[0]!r}; last seen {found[1].get('status')}")
    ours = replay.canonical(replay.reduced(found.final))
    assert replay.differences(ours, replay.canonical(recorded)) == []


def test_the_pods_are_there_and_carry_tokens(played, plane):
    pods = plane.http("GET", f"/api/v1/namespaces/default/{PODS.plural}").json()["items"]
    assert played
    assert pods
    assert all(pod["spec"]["nodeName"] for pod in pods if pod["status"]["phase"] == "Succeeded")
