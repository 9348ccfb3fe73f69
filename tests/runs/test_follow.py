"""The follower: one bad run hides no other, and no end is asked more often than the cadence says."""

import threading

import pytest

from argovx_lab.errors import NotFound, PermissionMissing
from argovx_lab.model import names
from argovx_lab.runs.argo import executions
from argovx_lab.runs.asking import LOOK_S, Asking, Cadence
from argovx_lab.runs.follow import Follower
from argovx_lab.runs.merge import About
from argovx_lab.runs.store import RunStore

JOB = "projects/p/locations/r/customJobs/7"


class Mirror:
    stale_s = 0.0

    def __init__(self, *objects):
        self.objects = list(objects)


class Jobs:
    """Vertex: answers ``job``, or that there is none, and counts the questions."""

    def __init__(self, job=None):
        self.job = job
        self.asked = 0

    def get(self, name):
        self.asked += 1
        if self.job is None:
            raise NotFound(f"{name} was deleted")
        return self.job

    def console_url(self, name):
        return ""


class Empty:
    def list(self, bucket, prefix):
        return iter(())


def follower(mirror, jobs, bucket=None, vertex_s=3600.0, user="", places=()):
    about = About("sandbox", "argovx")
    cadence = Cadence(0.01, vertex_s)
    asking = Asking(jobs, bucket or Empty(), bucket_name="b", cadence=cadence, places=places)
    made = Follower(mirror, asking, RunStore(), about=about, user=user)
    return made, made._store


def step(workflow, node, run="r-1", name="train-1", phase="Succeeded"):
    outputs = {"parameters": [{"name": "vertex-job", "value": JOB}]}
    identifier, entry = node(name, ".train", phase=phase, outputs=outputs)
    return workflow(name, run=run, nodes={identifier: entry}, status={"phase": phase})


def test_a_job_that_was_deleted_is_not_asked_for_in_every_round(workflow, node):
    jobs = Jobs()
    made, _ = follower(Mirror(step(workflow, node)), jobs)
    for _ in range(5):
        made.refresh()
    assert jobs.asked == 1


def test_the_end_of_a_step_asks_once_more_at_once(workflow, node):
    jobs = Jobs({"name": JOB, "state": "JOB_STATE_RUNNING"})
    mirror = Mirror(step(workflow, node, phase="Running"))
    made, _ = follower(mirror, jobs)
    made.refresh()
    made.refresh()
    assert jobs.asked == 1
    mirror.objects = [step(workflow, node)]
    made.refresh()
    made.refresh()
    assert jobs.asked == 2


def test_what_the_bucket_cannot_say_hides_nothing_that_argo_says(workflow, node):
    class Hostile(Empty):
        def list(self, bucket, prefix):
            if "uid-bad-1" in prefix:
                raise TypeError("the bucket holds what nobody expected")
            return iter(())

    mirror = Mirror(step(workflow, node, "bad", "bad-1"), step(workflow, node, "good", "good-1"))
    made, store = follower(mirror, Jobs(), Hostile())
    made.refresh()
    assert {run.id: run.nodes[0].phase for run in store.all()} == {"bad": "Succeeded", "good": "Succeeded"}


def test_a_bucket_that_hangs_delays_no_graph(workflow, node):
    let_go, asked = threading.Event(), threading.Event()

    class Hanging(Empty):
        def list(self, bucket, prefix):
            asked.set()
            assert let_go.wait(30)
            return iter(())

    mirror = Mirror(step(workflow, node, phase="Running"))
    made, store = follower(mirror, Jobs(), Hanging())
    made.start()
    try:
        assert asked.wait(10)
        news = threading.Event()
        store.listen(news.set)
        mirror.objects = [step(workflow, node)]
        made.changed([])
        assert news.wait(10)
        assert store.get("r-1").nodes[0].phase == "Succeeded"
    finally:
        made.stop()
        let_go.set()


def test_the_thread_outlives_what_it_cannot_merge(workflow, node):
    class Hostile(Empty):
        def list(self, bucket, prefix):
            if "uid-bad-1" in prefix:
                raise TypeError("the bucket holds what nobody expected")
            return iter(())

    mirror = Mirror(step(workflow, node, "bad", "bad-1"))
    made, store = follower(mirror, Jobs(), Hostile())
    found = threading.Event()
    store.listen(lambda: store.get("good") and found.set())
    made.start()
    mirror.objects = [*mirror.objects, step(workflow, node, "good", "good-1")]
    made.changed([])
    assert found.wait(10)
    made.stop()


def test_what_the_mirror_lost_is_forgotten(workflow, node):
    mirror = Mirror(step(workflow, node))
    made, store = follower(mirror, Jobs())
    made.refresh()
    assert made._asking._known
    mirror.objects = []
    made.refresh()
    assert (made._asking._known, store.all()) == ({}, [])


class Clock:
    """Time that passes only when an end is asked."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Slow(Empty):
    """A bucket whose every answer takes a tenth of a second; remembers what it was asked."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []

    def list(self, bucket, prefix):
        self.clock.now += 0.1
        self.asked.append(prefix)
        return iter(())


def many(workflow, node, count, phase="Succeeded"):
    made = []
    for number in range(count):
        name = f"old-{number:03d}"
        identifier, entry = node(name, ".train", phase=phase)
        created = f"2026-11-24T08:{number // 60:02d}:{number % 60:02d}Z"
        made.append(
            workflow(
                name,
                run=f"r-{number:03d}",
                nodes={identifier: entry},
                status={"phase": phase},
                created=created,
            )
        )
    return made


def test_three_hundred_finished_runs_are_there_at_once_and_read_newest_first(workflow, node, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("argovx_lab.runs.asking.time", clock)
    bucket = Slow(clock)
    made, store = follower(Mirror(*many(workflow, node, 300)), Jobs(), bucket)
    made.refresh()
    assert len(store.all()) == 300
    assert clock.now - 1000.0 < 1.0
    assert "uid-old-299" in bucket.asked[0]
    rounds = 0
    while len(bucket.asked) < 300:
        made.refresh()
        rounds += 1
        assert rounds < 100, "what is old is never read to its end"
    made.refresh()
    assert len(bucket.asked) == 300


def test_a_run_that_somebody_opens_is_read_at_once(workflow, node, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("argovx_lab.runs.asking.time", clock)
    bucket = Slow(clock)
    made, _ = follower(Mirror(*many(workflow, node, 50)), Jobs(), bucket)
    made.refresh()
    assert not any("uid-old-000" in asked for asked in bucket.asked)
    made.look("r-000")
    assert "uid-old-000" in bucket.asked[-1]
    made.look("nowhere")


def test_what_was_followed_is_read_at_its_end_however_much_is_old(workflow, node, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("argovx_lab.runs.asking.time", clock)
    bucket, old = Slow(clock), many(workflow, node, 50)
    mirror = Mirror(*old, step(workflow, node, phase="Running"))
    made, _ = follower(mirror, Jobs(), bucket)
    made.refresh()
    mirror.objects = [*old, step(workflow, node)]
    before = len(bucket.asked)
    made.refresh()
    assert any("uid-train-1" in asked for asked in bucket.asked[before:])


def test_an_end_that_keeps_refusing_is_named_once(workflow, node, caplog):
    class Refusing(Empty):
        def list(self, bucket, prefix):
            raise NotFound("the bucket is gone")

    made, store = follower(Mirror(step(workflow, node)), Jobs({"name": JOB}), Refusing())
    for _ in range(5):
        made.refresh()
    assert [record.message for record in caplog.records] == [
        "could not ask the bucket about train: the bucket is gone"
    ]
    assert store.get("r-1") is not None


def test_the_thread_outlives_a_look_that_failed(workflow, node, caplog):
    class Broken(Mirror):
        looks = 0

        @property
        def objects(self):
            self.looks += 1
            if self.looks == 1:
                raise RuntimeError("nobody expected this")
            return self.kept

        @objects.setter
        def objects(self, value):
            self.kept = value

    made, store = follower(Broken(step(workflow, node)), Jobs({"name": JOB}))
    seen = threading.Event()
    store.listen(seen.set)
    made.start()
    try:
        assert seen.wait(10)
    finally:
        made.stop()
    assert "a look at the runs failed" in caplog.text


class Forbidden(Empty):
    """A bucket that refuses everybody, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def list(self, bucket, prefix):
        self.asked.append(prefix)
        raise PermissionMissing("permission missing: storage.objects.list")


@pytest.mark.parametrize("phase", ["Running", "Succeeded"])
def test_nobody_is_asked_about_a_neighbour_and_nothing_is_warned_of(workflow, node, caplog, phase):
    theirs = step(workflow, node, "shared", phase=phase)
    theirs["metadata"]["labels"][names.LABEL_USER] = "mallory"
    jobs, bucket = Jobs({"name": JOB}), Forbidden()
    made, store = follower(Mirror(theirs), jobs, bucket, user="ada")
    made.refresh()
    (run,) = store.all()
    made.look(run.id)
    assert run.nodes[0].phase == {"Running": "Queued", "Succeeded": "Succeeded"}[phase]
    assert (jobs.asked, bucket.asked, caplog.records) == (0, [], [])
    assert all(made._asking.settled(execution) for execution in made._executions())


def test_a_neighbour_who_lets_us_read_is_asked_about(workflow, node):
    theirs = step(workflow, node)
    theirs["metadata"]["labels"][names.LABEL_USER] = "bob"
    bucket = Slow(Clock())
    made, _ = follower(Mirror(theirs), Jobs({"name": JOB}), bucket, user="ada", places=("gs://b/users/bob/",))
    made.refresh()
    assert len(bucket.asked) == 1
    assert bucket.asked[0].startswith("users/bob/")


def test_a_look_at_a_run_of_very_many_steps_ends(workflow, node, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("argovx_lab.runs.asking.time", clock)
    objects = many(workflow, node, 300)
    for one in objects:
        one["metadata"]["labels"][names.LABEL_RUN] = "r-1"
    bucket = Slow(clock)
    made, store = follower(Mirror(*objects), Jobs(), bucket)
    made.look("r-1")
    assert clock.now - 1000.0 <= LOOK_S + 0.2
    assert "uid-old-299" in bucket.asked[0]
    assert store.get("r-1") is not None
    made.look("r-1")
    assert len(set(bucket.asked)) == len(bucket.asked) > 150


def test_an_object_that_did_not_change_is_read_once(workflow, node, monkeypatch):
    read = []

    def counted(workflow):
        read.append(workflow["metadata"]["name"])
        return executions(workflow)

    monkeypatch.setattr("argovx_lab.runs.follow.executions", counted)
    mirror = Mirror(step(workflow, node), step(workflow, node, "r-2", "train-2", "Running"))
    made, store = follower(mirror, Jobs({"name": JOB}))
    for _ in range(3):
        made.refresh()
        made.look("r-1")
    assert sorted(read) == ["train-1", "train-2"]
    mirror.objects = [mirror.objects[0], step(workflow, node, "r-2", "train-2")]
    made.refresh()
    assert read[2:] == ["train-2"]
    assert store.get("r-2").nodes[0].phase == "Succeeded"
