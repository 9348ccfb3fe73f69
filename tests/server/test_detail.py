"""Details of a step: earlier attempts are read once, what cannot be read is said, the rest is shown."""

import hashlib
import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from argovx_lab.errors import NotFound, Unavailable
from argovx_lab.model import names
from argovx_lab.runs.argo import executions
from argovx_lab.runs.asking import Asking
from argovx_lab.runs.follow import Follower
from argovx_lab.runs.merge import About
from argovx_lab.runs.store import RunStore
from argovx_lab.server.detail import Detail

BUCKET = "bucket"
DOCUMENT = b'{"name":"train","schema":"argovx.step/1"}'
SPEC = "users/ada/objects/sha256/aa/aabb"


@dataclass
class Meta:
    name: str
    size_bytes: int


class Bucket:
    """Objects in memory; a name that is broken refuses to be read."""

    def __init__(self):
        self.objects = {SPEC: DOCUMENT}
        self.reads = []
        self.broken = ""

    def list(self, _bucket, prefix):
        return iter([Meta(n, len(d)) for n, d in sorted(self.objects.items()) if n.startswith(prefix)])

    def get(self, _bucket, name, *, offset=None, length=None):
        self.reads.append(name)
        if self.broken and self.broken in name:
            raise Unavailable("the bucket does not answer")
        if name not in self.objects:
            raise NotFound("gone")
        return self.objects[name][offset or 0 :][:length]


class Jobs:
    def get(self, name):
        return {"name": name}

    def console_url(self, name):
        return name


def node(path, **fields):
    identifier = names.node_id("w", f"w.{path}")
    return identifier, {"id": identifier, "name": f"w.{path}", "type": "Pod", **fields}


def workflow():
    retried = {"nodeFlag": {"retried": True}}
    first = node(
        "train(0)",
        phase="Failed",
        startedAt="2026-11-24T08:00:01Z",
        finishedAt="2026-11-24T08:00:09Z",
        **retried,
    )
    second = node("train(1)", phase="Running", startedAt="2026-11-24T08:00:10Z", **retried)
    parent = node("train", type="Retry", phase="Running", children=[first[0], second[0]])
    parameters = [
        {"name": "spec", "value": f"gs://{BUCKET}/{SPEC}"},
        {"name": "spec-digest", "value": hashlib.sha256(DOCUMENT).hexdigest()},
    ]
    task = {"name": "train", "arguments": {"parameters": parameters}}
    return {
        "metadata": {
            "name": "w",
            "uid": "uid-w",
            "namespace": "argovx",
            "creationTimestamp": "2026-11-24T08:00:00Z",
            "labels": {names.LABEL_RUN: "r", names.LABEL_USER: "ada", names.LABEL_STEP: "train"},
        },
        "spec": {"templates": [{"name": "main", "dag": {"tasks": [task]}}]},
        "status": {
            "startedAt": "2026-11-24T08:00:00Z",
            "phase": "Running",
            "nodes": dict([first, second, parent]),
        },
    }


@pytest.fixture
def world():
    bucket, store = Bucket(), RunStore()
    mirror = SimpleNamespace(objects=[workflow()], stale_s=0.0)
    asking = Asking(Jobs(), bucket, bucket_name=BUCKET)
    follower = Follower(mirror, asking, store, about=About("sandbox", "argovx"))
    path = SimpleNamespace(reflector=mirror, follower=follower, asking=asking, store=store)
    profile = SimpleNamespace(bucket=BUCKET, prefix="")
    detail = Detail(SimpleNamespace(profile=profile, objects=bucket), path)
    (execution,) = executions(mirror.objects[0])
    return SimpleNamespace(detail=detail, bucket=bucket, execution=execution)


def folder(world, ordinal):
    return replace(world.execution, ordinal=ordinal).attempt(BUCKET, "").folder


def opened(second):
    event = {
        "v": 1,
        "seq": 1,
        "at": f"2026-11-24T08:00:{second:02d}Z",
        "method": "opened",
        "params": {"pid": second},
    }
    return json.dumps(event).encode()


def put_both(world):
    for ordinal, second in ((0, 5), (1, 12)):
        world.bucket.objects[folder(world, ordinal) + "r0.0/events/part-00001"] = opened(second)
    world.bucket.objects[folder(world, 0) + "exit.json"] = json.dumps(
        {"at": "2026-11-24T08:00:08Z", "code": 30, "reason": "Unavailable"}
    ).encode()


def test_every_attempt_is_heard_and_earlier_ones_are_read_once(world):
    put_both(world)
    found = world.detail.events("r", "train")
    assert found.problem == ""
    runner = [(line.text, line.attempt) for line in found.events if line.source == "runner"]
    assert runner == [("process 5", 1), ("process 12", 2)]
    (ended,) = [line for line in found.events if line.method == "ended"]
    assert (ended.text, ended.attempt) == ("exit code 30 · Unavailable", 1)
    earlier = [name for name in world.bucket.reads if folder(world, 0) in name]
    assert world.detail.events("r", "train") == found
    assert [name for name in world.bucket.reads if folder(world, 0) in name] == earlier


def test_what_cannot_be_read_is_said_beside_the_rest(world):
    put_both(world)
    world.bucket.broken = folder(world, 0)
    found = world.detail.events("r", "train")
    assert found.problem == "the bucket does not answer"
    assert [line.text for line in found.events if line.source == "runner"] == ["process 12"]
    assert [line.method for line in found.events if line.source == "argo"][:2] == ["created", "started"]


def test_the_spec_comes_with_its_document(world):
    found = world.detail.document("r", "train")
    assert json.loads(found.document)["name"] == "train"
    assert found.problem == ""


def test_a_document_that_is_gone_leaves_the_arguments(world):
    del world.bucket.objects[SPEC]
    found = world.detail.document("r", "train")
    assert (found.document, found.problem) == ("", "the step document cannot be read: gone")
    assert found.arguments["spec"] == f"gs://{BUCKET}/{SPEC}"


@pytest.mark.parametrize(("run", "step"), [("r", "other"), ("s", "train")])
def test_what_is_not_there_is_not_found(world, run, step):
    with pytest.raises(NotFound):
        world.detail.events(run, step)
    with pytest.raises(NotFound):
        world.detail.document(run, step)
