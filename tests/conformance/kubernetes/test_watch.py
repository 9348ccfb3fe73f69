"""Watches through the official client: order, resume, selection, bookmarks, expiry."""

from __future__ import annotations

import json
import threading
import time

import pytest
from kubernetes import client, watch

NAMESPACE = "argovx"


@pytest.fixture
def place(core):
    """A namespace of the test's own, so that others do not write into its watch."""
    name = core.create_namespace({"metadata": {"generateName": "watch-"}}).metadata.name
    for _ in range(200):  # what every namespace gets: the real server's controller puts it there
        if core.list_namespaced_config_map(name).items:
            return name
        time.sleep(0.05)
    raise AssertionError("no kube-root-ca.crt")


OWN = "metadata.name!=kube-root-ca.crt"


def config(name: str, **labels: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels))


def test_a_watch_goes_on_where_the_list_ended(core, place):
    core.create_namespaced_config_map(place, config("before"))
    start = core.list_namespaced_config_map(place).metadata.resource_version
    core.create_namespaced_config_map(place, config("a"))
    core.patch_namespaced_config_map("a", place, {"data": {"k": "v"}})
    core.delete_namespaced_config_map("a", place)
    events = list(
        watch.Watch().stream(
            core.list_namespaced_config_map,
            place,
            resource_version=start,
            field_selector=OWN,
            timeout_seconds=1,
        )
    )
    assert [(event["type"], event["object"].metadata.name) for event in events] == [
        ("ADDED", "a"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]
    versions = [int(event["object"].metadata.resource_version) for event in events]
    assert versions == sorted(set(versions))
    assert versions[0] > int(start)


def test_without_a_version_the_present_comes_first(core, place):
    core.create_namespaced_config_map(place, config("there"))
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, place, field_selector=OWN, timeout_seconds=1
    )
    assert [(event["type"], event["object"].metadata.name) for event in stream] == [("ADDED", "there")]


def test_changes_arrive_while_the_watch_is_open(core, place, cluster):
    seen: list[str] = []
    opened = threading.Event()
    watcher = watch.Watch()

    def follow():
        for event in watcher.stream(
            core.list_namespaced_config_map, place, field_selector=OWN, timeout_seconds=20
        ):
            seen.append(f"{event['type']} {event['object'].metadata.name}")
            opened.set()
            if event["object"].metadata.name == "last":
                watcher.stop()

    core.create_namespaced_config_map(place, config("first"))
    thread = threading.Thread(target=follow)
    thread.start()
    assert opened.wait(10)
    with cluster.api(cluster.owner_token) as other:
        client.CoreV1Api(other).create_namespaced_config_map(place, config("last"))
    thread.join(10)
    assert seen == ["ADDED first", "ADDED last"]


def test_leaving_a_selection_looks_like_a_deletion(core, place):
    start = core.list_namespaced_config_map(place).metadata.resource_version
    core.create_namespaced_config_map(place, config("a", colour="red"))
    core.patch_namespaced_config_map("a", place, {"metadata": {"labels": {"colour": "blue"}}})
    core.patch_namespaced_config_map("a", place, {"metadata": {"labels": {"colour": "red"}}})
    stream = watch.Watch().stream(
        core.list_namespaced_config_map,
        place,
        resource_version=start,
        label_selector="colour=red",
        timeout_seconds=1,
    )
    assert [event["type"] for event in stream] == ["ADDED", "DELETED", "ADDED"]


@pytest.mark.ours
def test_bookmarks_carry_the_newest_version(core, place):
    start = core.list_namespaced_config_map(place).metadata.resource_version
    core.create_namespaced_config_map(place, config("a", colour="red"))
    answer = core.list_namespaced_config_map(
        place,
        resource_version=start,
        watch=True,
        allow_watch_bookmarks=True,
        label_selector="colour=none",
        timeout_seconds=1,
        _preload_content=False,
    )
    lines = [json.loads(line) for line in answer.read().splitlines()]
    assert [line["type"] for line in lines] == ["BOOKMARK"]
    assert int(lines[0]["object"]["metadata"]["resourceVersion"]) > int(start)


@pytest.mark.ours
def test_an_old_version_is_410_and_a_future_one_504(core, place, cluster):
    start = core.list_namespaced_config_map(place).metadata.resource_version
    core.create_namespaced_config_map(place, config("a"))
    kinds = cluster.server.store
    cluster.in_loop(lambda: [kinds.history(kind).compact() for kind in _kinds()])
    with pytest.raises(client.ApiException) as caught:
        list(
            watch.Watch().stream(
                core.list_namespaced_config_map, place, resource_version=start, timeout_seconds=1
            )
        )
    assert caught.value.status == 410
    assert "too old resource version" in str(caught.value.body or caught.value.reason)
    with pytest.raises(client.ApiException) as caught:
        core.list_namespaced_config_map(place, resource_version="99999999")
    assert caught.value.status == 504
    assert json.loads(caught.value.body)["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def _kinds():
    from argovx_lab.sandbox.kubernetes.kinds import KINDS

    return [kind for kind in KINDS if kind.id == "configmaps"]


@pytest.mark.ours
def test_a_watcher_that_leaves_is_forgotten(core, place, cluster):
    from argovx_lab.sandbox.kubernetes.kinds import BY_ID

    history = cluster.server.store.history(BY_ID["configmaps"])
    before = cluster.in_loop(lambda: len(history._readers))
    answer = core.list_namespaced_config_map(place, watch=True, timeout_seconds=60, _preload_content=False)
    assert cluster.in_loop(lambda: len(history._readers)) == before + 1
    answer.connection.close()
    answer.release_conn()
    answer.close()
    deadline = threading.Event()
    for _ in range(100):
        if cluster.in_loop(lambda: len(history._readers)) == before:
            return
        deadline.wait(0.05)
    pytest.fail("the cursor of a closed connection is still there")


def test_workflows_are_watched_through_custom_objects(custom):
    place = ("argoproj.io", "v1alpha1", NAMESPACE, "workflows")
    start = custom.list_namespaced_custom_object(*place)["metadata"]["resourceVersion"]
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "watched"},
        "spec": {"entrypoint": "x"},
    }
    custom.create_namespaced_custom_object(*place, workflow)
    stream = watch.Watch().stream(
        custom.list_namespaced_custom_object, *place, resource_version=start, timeout_seconds=1
    )
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in stream] == [
        ("ADDED", "watched")
    ]
