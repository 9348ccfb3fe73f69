"""A custom job that no step started, at the same endpoints as a run: created by the sandbox's owner at Vertex."""

import asyncio
import json
import time

import pytest
from tornado.httpclient import HTTPClientError

from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import Federation
from argovx_lab.vertex.jobs import Jobs
from argovx_lab.wiring.local import sandbox_status

API = ("argovx", "api", "v1")
CODE = "import sys, time; print('é begun', flush=True); time.sleep(float(sys.argv[1])); sys.exit(int(sys.argv[2]))"


@pytest.fixture(scope="module")
def owner(sandbox):
    status = sandbox_status()
    return Session(Federation(status.google_endpoint, status.audience, status.owner_token, ca_file=status.ca))


@pytest.fixture(scope="module")
def start(owner):
    """Create a custom job as the sandbox's owner does, with Vertex's own body; give its run's id."""
    status = sandbox_status()
    jobs = Jobs(owner, status.google_endpoint, status.project, status.region)

    def create(name, seconds=0.0, code=0, **fields):
        command = ["python3", "-c", CODE, str(seconds), str(code)]
        pool = {
            "machineSpec": {"machineType": "n1-standard-4"},
            "replicaCount": 1,
            "containerSpec": {
                "imageUri": "python:3.11",
                "command": command,
                "env": [{"name": "SECRET", "value": "hunter2"}],
            },
        }
        body = {"displayName": name, "jobSpec": {"workerPoolSpecs": [pool]}, **fields}
        return f"vertex-{jobs.create(body)['name'].rpartition('/')[2]}"

    return create


async def get(jp_fetch, *path, **params):
    return json.loads((await jp_fetch(*API, *path, params=params)).body)


async def post(jp_fetch, *path):
    headers = {"Content-Type": "application/json"}
    return json.loads((await jp_fetch(*API, *path, method="POST", body="{}", headers=headers)).body)


async def refused(call, status, *words):
    with pytest.raises(HTTPClientError) as error:
        await call
    found = json.loads(error.value.response.body)
    assert error.value.code == status
    assert set(found) == {"error", "message", "hint", "docs"}
    assert all(word in found["message"] for word in words), found


async def until(jp_fetch, run, phase):
    deadline = time.monotonic() + 30
    while True:
        found = await get(jp_fetch, "runs", run)
        if found["phase"] == phase:
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def listed(jp_fetch, run):
    deadline = time.monotonic() + 30
    while True:
        overview = await get(jp_fetch, "runs")
        for found in overview["runs"]:
            if found["id"] == run:
                return overview, found
        assert time.monotonic() < deadline, overview["jobs"]
        await asyncio.sleep(0.1)


async def test_it_is_a_run_with_log_events_and_document(jp_fetch, start):
    run = start("hello <b>world</b>", labels={"team": "x"})
    overview, found = await listed(jp_fetch, run)
    assert overview["jobs"] == {"message": "", "hint": ""}
    assert (found["source"], found["name"], found["nodes"]) == ("vertex", "hello <b>world</b>", [])
    (node,) = (await until(jp_fetch, run, "Succeeded"))["nodes"]
    assert (node["argo"], node["vertex"]["state"], node["machine"]) == (
        None,
        "JOB_STATE_SUCCEEDED",
        "n1-standard-4",
    )
    assert node["actions"] == ["open", "logs"]
    text, place, complete = "", 0, False
    deadline = time.monotonic() + 30
    while not complete:
        page = await get(jp_fetch, "runs", run, "nodes", "job", "logs", after=str(place))
        text, place, complete = text + page["text"], page["next"], page["complete"]
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.1)
    assert "é begun\n" in text
    metrics = await get(jp_fetch, "runs", run, "nodes", "job", "metrics", after="0")
    assert metrics["series"] == {}
    events = await get(jp_fetch, "runs", run, "nodes", "job", "events")
    assert [event["source"] for event in events["events"]] == ["vertex"] * 3
    spec = await get(jp_fetch, "runs", run, "nodes", "job", "spec")
    assert spec["arguments"]["image"] == "python:3.11"
    assert "hunter2" not in spec["document"]
    lineage = await get(jp_fetch, "lineage", run=run)
    assert [item["name"] for item in lineage["nodes"]] == ["hello <b>world</b>"]


async def test_a_failure_is_vertex_own_word(jp_fetch, start):
    run = start("breaks", code=3)
    await listed(jp_fetch, run)
    (node,) = (await until(jp_fetch, run, "Failed"))["nodes"]
    assert "non-zero status of 3" in node["line"]
    assert node["vertex"]["error"] == node["exit"]["error"]


@pytest.fixture
def stopper(owner):
    """Give the notebook the role of stopping jobs when called; taken back at the end."""
    status = sandbox_status()

    def call(verb, body):
        url = f"{status.google_endpoint}/v3/projects/{status.project}:{verb}IamPolicy"
        headers = {"Content-Type": "application/json"}
        answer = owner.request("POST", url, headers=headers, data=json.dumps(body).encode())
        assert answer.status_code == 200, answer.text
        return answer.json()

    before = call("get", {})["bindings"]
    (member,) = next(item["members"] for item in before if item["role"].endswith("argovxPanelReader"))
    role = f"projects/{status.project}/roles/argovxJobStopper"

    def write(bindings):
        call("set", {"policy": {**call("get", {}), "bindings": bindings}})

    yield lambda: write([*before, {"role": role, "members": [member]}])
    write(before)


async def test_it_is_stopped_once_and_never_retried(jp_fetch, start, stopper):
    stopper()
    run = start("sleeps", seconds=600)
    await listed(jp_fetch, run)
    await until(jp_fetch, run, "Running")
    await refused(post(jp_fetch, "runs", run, "steps", "job:retry"), 409, "cannot be retried here")
    await refused(post(jp_fetch, "runs", run, "steps", "train:stop"), 404, "no step train")
    stopped = await post(jp_fetch, "runs", f"{run}:stop")
    assert stopped["stopped"][0].endswith(run.removeprefix("vertex-"))
    (node,) = (await until(jp_fetch, run, "Stopped"))["nodes"]
    assert node["line"] == "cancelled at Vertex"
    await refused(post(jp_fetch, "runs", f"{run}:stop"), 409, "nothing of run")
    await refused(post(jp_fetch, "runs", run, "steps", "job:stop"), 409, "has ended")


async def test_changes_of_it_are_streamed(jp_fetch, start):
    run = start("streamed", seconds=1)
    await listed(jp_fetch, run)
    seen, since, deadline = [], "", time.monotonic() + 30
    while "Succeeded" not in seen:
        answer = await get(jp_fetch, "events", since=since, wait="5")
        since = answer["since"]
        seen += [m["upsert"]["phase"] for m in answer["messages"] if m["run"] == run and m["upsert"]]
        assert time.monotonic() < deadline, seen


async def test_a_step_of_somebody_else_is_not_shown(jp_fetch, start):
    labels = {"argovx-key": "k", "argovx-wf": "uid", "argovx-task": "t"}
    theirs = start("theirs", labels={**labels, "argovx-user": "bob"})
    lost = start("lost", labels={**labels, "argovx-user": "ada"})
    overview, found = await listed(jp_fetch, lost)
    assert (found["name"], found["user"]) == ("lost", "ada")
    assert theirs not in [run["id"] for run in overview["runs"]]
    await refused(get(jp_fetch, "runs", theirs), 404, "there is no run")


async def test_who_may_not_cancel_is_told_the_role(jp_fetch, start, stopper):
    run = start("guarded", seconds=600)
    await listed(jp_fetch, run)
    await refused(post(jp_fetch, "runs", f"{run}:stop"), 403, "aiplatform.customJobs.cancel")
    stopper()
    await post(jp_fetch, "runs", f"{run}:stop")
    await until(jp_fetch, run, "Stopped")
