"""CronWorkflows on a clock that is moved by hand, and the Events of workflows."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from argovx_lab.sandbox.argo import cron as module
from argovx_lab.sandbox.argo import events
from argovx_lab.sandbox.argo.controller import Controller
from argovx_lab.sandbox.argo.cron import CronController
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.client import StoreClient
from argovx_lab.sandbox.kubernetes.interface import EVENTS, NAMESPACES, WORKFLOWS
from argovx_lab.sandbox.kubernetes.kinds import CRON_WORKFLOWS
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.store import Store

SPEC = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}


class Hand(Clock):
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = datetime(2026, 11, 24, 8, 0, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


class World:
    def __init__(self, client, clock) -> None:
        self.client, self.clock = client, clock

    async def cron(self, **spec):
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "CronWorkflow", "metadata": {"name": "c"}}
        spec = {"schedules": ["* * * * *"], "workflowSpec": SPEC, **spec}
        await self.client.create(CRON_WORKFLOWS, {**head, "spec": spec}, "ns")

    async def pass_(self, minutes: int) -> None:
        self.clock.moment += timedelta(minutes=minutes)

    async def workflows(self, count: int) -> list[dict]:
        return await self.until(lambda found: len(found) == count)

    async def until(self, holds) -> list[dict]:
        for _ in range(200):
            found, _version = await self.client.list(WORKFLOWS, "ns")
            if holds(found):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError([w["metadata"]["name"] for w in found])

    async def end(self, name: str, phase: str) -> None:
        status = {"phase": phase, "finishedAt": self.clock.moment.isoformat()}
        labels = {"workflows.argoproj.io/completed": "true"}
        await self.client.patch(WORKFLOWS, name, {"metadata": {"labels": labels}, "status": status}, "ns")

    async def status(self, holds) -> dict:
        for _ in range(200):
            found = (await self.client.get(CRON_WORKFLOWS, "c", "ns")).get("status") or {}
            if holds(found):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(found)


@pytest.fixture
def play(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)

    def run(work, **spec):
        async def main():
            store, clock = Store(tmp_path / "k.sqlite"), Hand()
            client = StoreClient(Registry(store, clock))
            await client.create(NAMESPACES, {"metadata": {"name": "ns"}})
            world = World(client, clock)
            await world.cron(**spec)
            task = asyncio.create_task(CronController(client, clock).run())
            await asyncio.sleep(0.05)
            try:
                await work(world)
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                store.close()

        asyncio.run(main())

    return run


def test_a_workflow_is_made_when_its_time_has_come(play):
    async def work(world):
        await world.pass_(1)
        made = (await world.workflows(1))[0]
        assert made["metadata"]["name"] == "c-1795507260"
        assert made["metadata"]["labels"] == {"workflows.argoproj.io/cron-workflow": "c"}
        scheduled = made["metadata"]["annotations"]["workflows.argoproj.io/scheduled-time"]
        assert scheduled == "2026-11-24T08:01:00Z"
        assert made["metadata"]["ownerReferences"][0]["kind"] == "CronWorkflow"
        status = await world.status(lambda s: s.get("active"))
        assert status["lastScheduledTime"] == "2026-11-24T08:01:00Z"
        await world.end("c-1795507260", "Succeeded")
        status = await world.status(lambda s: not s["active"])
        assert (status["succeeded"], status["failed"]) == (1, 0)

    play(work)


def test_several_missed_moments_are_one_run(play):
    async def work(world):
        await world.pass_(10)
        assert (await world.workflows(1))[0]["metadata"]["name"] == "c-1795507800"

    play(work)


def test_a_suspended_one_waits(play):
    async def work(world):
        await world.pass_(1)
        await asyncio.sleep(0.1)
        await world.workflows(0)
        await world.client.patch(CRON_WORKFLOWS, "c", {"spec": {"suspend": False}}, "ns")
        await asyncio.sleep(0.1)
        await world.workflows(0)
        await world.pass_(1)
        await world.workflows(1)

    play(work, suspend=True)


def test_forbid_and_replace(play):
    async def forbid(world):
        for _ in range(3):
            await world.pass_(1)
            await asyncio.sleep(0.1)
        await world.workflows(1)

    play(forbid, concurrencyPolicy="Forbid")


def test_replace_ends_the_one_before(play):
    async def work(world):
        await world.pass_(1)
        await world.status(lambda s: s.get("active"))
        await world.pass_(1)
        found = await world.until(lambda all_: len(all_) == 2)
        assert found[0]["spec"]["shutdown"] == "Terminate"
        assert "shutdown" not in found[1]["spec"]

    play(work, concurrencyPolicy="Replace")


def test_history_and_stop_strategy(play):
    async def work(world):
        for number in range(1, 4):
            await world.pass_(1)
            status = await world.status(lambda s: s.get("active"))
            await world.end(status["active"][0]["name"], "Failed")
            status = await world.status(lambda s, n=number: s.get("failed") == n)
        assert status["phase"] == "Stopped"
        await world.workflows(1)
        await world.pass_(1)
        await asyncio.sleep(0.1)
        await world.workflows(1)

    play(work, stopStrategy={"expression": "cronworkflow.failed >= 3"})


def test_when(play):
    async def work(world):
        await world.pass_(1)
        await asyncio.sleep(0.1)
        await world.workflows(0)

    play(work, when="{{= cronworkflow.name == 'other' }}")


def test_a_schedule_that_is_none_is_said(play):
    async def work(world):
        status = await world.status(lambda s: s.get("conditions"))
        assert "must lie in 0–59" in status["conditions"][0]["message"]

    play(work, schedules=["77 * * * *"])


def test_events_of_a_workflow_are_written_once(tmp_path):
    async def main():
        store = Store(tmp_path / "k.sqlite")
        client = StoreClient(Registry(store, Clock()))
        await client.create(NAMESPACES, {"metadata": {"name": "ns"}})
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}}
        spec = {"entrypoint": "main", "templates": [{"name": "main", "suspend": {"duration": "0"}}]}
        task = asyncio.create_task(Controller(client).run())
        await client.create(WORKFLOWS, {**head, "spec": spec}, "ns")
        try:
            for _ in range(300):
                found, _version = await client.list(EVENTS, "ns")
                if any(e["reason"] == "WorkflowSucceeded" for e in found):
                    break
                await asyncio.sleep(0.01)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            store.close()
        return found

    found = {(e["type"], e["reason"], e["message"]) for e in asyncio.run(main())}
    assert found == {
        ("Normal", "WorkflowRunning", "Workflow Running"),
        ("Normal", "WorkflowNodeSucceeded", "Succeeded node w"),
        ("Normal", "WorkflowSucceeded", "Workflow completed"),
    }


def test_a_failure_is_a_warning_with_its_reason():
    node = {"id": "w-1", "name": "w.a", "type": "Pod", "phase": "Failed", "message": "exit 3"}
    new = {
        "metadata": {"name": "w", "namespace": "ns", "uid": "u"},
        "status": {"phase": "Failed", "message": "child failed", "nodes": {"w-1": node}},
    }
    found = list(events.changes({"status": {"phase": "Running"}}, new, "2026-11-24T08:00:00Z"))
    assert [(e["type"], e["reason"], e["message"]) for e in found] == [
        ("Warning", "WorkflowFailed", "child failed"),
        ("Warning", "WorkflowNodeFailed", "Failed node w.a: exit 3"),
    ]
    assert found[1]["metadata"]["annotations"]["workflows.argoproj.io/node-name"] == "w.a"


def test_events_that_only_differ_in_their_message_become_one_that_counts(tmp_path):
    def some(numbers, at, uid="u"):
        nodes = {
            str(i): {"id": f"w-{i}", "name": f"w.{i}", "type": "Pod", "phase": "Running"} for i in numbers
        }
        new = {"metadata": {"name": "w", "namespace": "ns", "uid": uid}, "status": {"nodes": nodes}}
        return list(events.changes({}, new, at))

    async def main():
        store = Store(tmp_path / "k.sqlite")
        client = StoreClient(Registry(store, Clock()))
        await client.create(NAMESPACES, {"metadata": {"name": "ns"}})
        recorder = events.Recorder(client)
        try:
            await recorder.record(some(range(1000), "2026-11-24T08:00:00Z"))
            await recorder.record(some([1000], "2026-11-24T08:10:00Z"))
            await recorder.record(some([1001], "2026-11-24T08:11:00Z", uid="another"))
            await recorder.record(some([1002], "2026-11-24T08:20:01Z"))  # the like was said long ago
            found, _version = await client.list(EVENTS, "ns")
        finally:
            store.close()
        return {e["message"]: (e["count"], e["lastTimestamp"][11:19]) for e in found}

    found = asyncio.run(main())
    combined = "(combined from similar events): Running node w.1000"
    assert found.pop(combined) == (992, "08:10:00")
    assert found.pop("Running node w.1001") == (1, "08:11:00")
    assert found.pop("Running node w.1002") == (1, "08:20:01")
    assert found == {f"Running node w.{i}": (1, "08:00:00") for i in range(9)}
