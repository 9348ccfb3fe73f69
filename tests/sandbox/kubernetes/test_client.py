"""The in-process client keeps the semantics of HTTP: copies, watches, versions, grace."""

from __future__ import annotations

import asyncio

import pytest

from argovx_lab.sandbox.kubernetes.interface import (
    CONFIG_MAPS,
    PODS,
    SERVICE_ACCOUNTS,
    WORKFLOW_TASK_RESULTS,
    WORKFLOWS,
    ApiError,
    Resource,
)

SPEC = {"containers": [{"name": "main", "image": "x"}]}


def workflow(name: str, **meta) -> dict:
    head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
    return {**head, "metadata": {"name": name, **meta}, "spec": {"entrypoint": "x"}}


def run(work):
    return asyncio.run(work)


def test_callers_own_what_they_get_and_give(client):
    async def main():
        mine = workflow("a")
        made = await client.create(WORKFLOWS, mine, "ns")
        mine["spec"]["entrypoint"] = made["spec"]["entrypoint"] = "changed"
        read = await client.get(WORKFLOWS, "a", "ns")
        read["spec"]["entrypoint"] = "changed"
        return await client.get(WORKFLOWS, "a", "ns")

    assert run(main())["spec"]["entrypoint"] == "x"


def test_a_watch_follows_a_list(client):
    async def main():
        await client.create(WORKFLOWS, workflow("before"), "ns")
        _, version = await client.list(WORKFLOWS, "ns")
        stream = client.watch(WORKFLOWS, "ns", resource_version=version)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await client.create(WORKFLOWS, workflow("a", labels={"k": "v"}), "ns")
        first = await waiting
        await client.patch(WORKFLOWS, "a", {"status": {"phase": "Running"}}, "ns")
        second = await anext(stream)
        await client.delete(WORKFLOWS, "a", "ns")
        third = await anext(stream)
        await stream.aclose()
        return [(event.type, event.object["metadata"]["name"]) for event in (first, second, third)]

    assert run(main()) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


def test_a_slow_watcher_ends_with_410(client):
    async def main():
        _, version = await client.list(CONFIG_MAPS, "ns")
        stream = client.watch(CONFIG_MAPS, "ns", resource_version=version)
        await client.create(CONFIG_MAPS, {"metadata": {"name": "first"}}, "ns")
        await anext(stream)
        for index in range(60):
            await client.create(CONFIG_MAPS, {"metadata": {"name": f"c{index}"}}, "ns")
        with pytest.raises(ApiError) as caught:
            await anext(stream)
        return caught.value

    assert (run(main()).code, run(asyncio.sleep(0))) == (410, None)


def test_selectors_and_owners_in_lists(client):
    async def main():
        await client.create(CONFIG_MAPS, {"metadata": {"name": "a", "labels": {"x": "1"}}}, "ns")
        await client.create(CONFIG_MAPS, {"metadata": {"name": "b", "labels": {"x": "2"}}}, "ns")
        found, _ = await client.list(CONFIG_MAPS, label_selector="x=2")
        named, _ = await client.list(CONFIG_MAPS, "ns", field_selector="metadata.name=a")
        return [item["metadata"]["name"] for item in [*found, *named]]

    assert run(main()) == ["b", "a"]


def test_stale_writes_conflict(client):
    async def main():
        old = await client.create(WORKFLOWS, workflow("a"), "ns")
        await client.patch(WORKFLOWS, "a", {"spec": {"suspend": True}}, "ns")
        with pytest.raises(ApiError) as caught:
            await client.replace(WORKFLOWS, {**old, "status": {"phase": "Running"}})
        return caught.value

    error = run(main())
    assert (error.code, error.reason) == (409, "Conflict")


def test_pods_are_bound_run_and_end(client):
    async def main():
        await client.create(PODS, {"metadata": {"name": "p"}, "spec": SPEC}, "ns")
        await client.create(PODS, {"target": {"name": "node"}}, "ns", subresource="binding", name="p")
        await client.patch(PODS, "p", {"status": {"phase": "Running"}}, "ns", subresource="status")
        await client.delete(PODS, "p", "ns")
        ending = await client.get(PODS, "p", "ns")
        await client.delete(PODS, "p", "ns", grace_s=0, uid=ending["metadata"]["uid"])
        return ending, await client.list(PODS, "ns")

    ending, (left, _) = run(main())
    assert ending["metadata"]["deletionTimestamp"] == "2026-11-24T12:00:30Z"
    assert ending["metadata"]["deletionGracePeriodSeconds"] == 30
    assert ending["status"]["phase"] == "Running"
    assert left == []


def test_tokens_by_subresource(client, issuer):
    async def main():
        body = {"spec": {"audiences": ["sts"], "expirationSeconds": 600}}
        return await client.create(SERVICE_ACCOUNTS, body, "ns", subresource="token", name="default")

    answer = run(main())
    claims = issuer.verify(answer["status"]["token"], ["sts"])
    assert claims["sub"] == "system:serviceaccount:ns:default"
    assert answer["status"]["expirationTimestamp"] == "2026-11-24T12:10:00Z"


@pytest.mark.parametrize(
    ("resource", "subresource"),
    [(Resource("", "v1", "services", "Service"), ""), (WORKFLOW_TASK_RESULTS, "status")],
)
def test_what_is_not_served_is_named(client, resource, subresource):
    async def main():
        await client.patch(resource, "a", {}, "ns", subresource=subresource)

    with pytest.raises(ApiError, match=resource.plural) as caught:
        run(main())
    assert caught.value.code == 404


def test_many_watchers_cost_no_copies(client, store):
    async def main():
        streams = [client.watch(WORKFLOWS, "ns", resource_version=str(store.revision)) for _ in range(50)]
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await asyncio.sleep(0)
        await client.create(WORKFLOWS, workflow("a"), "ns")
        events = await asyncio.gather(*waiting)
        for stream in streams:
            await stream.aclose()
        return events

    assert {event.object["metadata"]["name"] for event in run(main())} == {"a"}
