"""Asking for jobs outside the steps: only while somebody looks, bounded, and one bad end hides nothing."""

import pytest

from argovx_lab.errors import NotFound, PermissionMissing, Unavailable
from argovx_lab.model.run import Phase
from argovx_lab.runs.asking import Asking
from argovx_lab.runs.follow import Follower
from argovx_lab.runs.jobs.known import Bounds, Ends
from argovx_lab.runs.jobs.outside import PAGES_MAX, Outside
from argovx_lab.runs.merge import About
from argovx_lab.runs.store import RunStore

HEAD = "projects/7/locations/us-central1/customJobs/"
ABOUT = About("team", "argovx")


def job(number, state="JOB_STATE_SUCCEEDED", **fields):
    at = f"2026-11-{number // 60 + 1:02d}T08:{number % 60:02d}:00Z"
    ended = {} if state == "JOB_STATE_RUNNING" else {"endTime": at}
    return (
        {"name": f"{HEAD}{number}", "displayName": f"job {number}", "state": state, "createTime": at}
        | ended
        | fields
    )


class Vertex:
    """Vertex, metadata, TensorBoard and Logging in memory; counts what it is asked."""

    def __init__(self, *jobs):
        self.jobs = {item["name"]: item for item in jobs}
        self.asked = []
        self.broken = None
        self.size = 2

    def page(self, filter_text="", token=""):
        self.asked.append(("page", filter_text, token))
        if self.broken:
            raise self.broken
        every = sorted(self.jobs.values(), key=lambda item: item["createTime"], reverse=True)
        start = int(token or 0)
        more = str(start + self.size) if start + self.size < len(every) else ""
        return every[start : start + self.size], more

    def get(self, kind, node_id=None):
        if node_id is not None:
            self.asked.append((kind, node_id))
            return None
        self.asked.append(("get", kind))
        if kind not in self.jobs:
            raise NotFound("gone")
        return self.jobs[kind]

    def console_url(self, name):
        return f"https://console/{name}"

    def runs(self, experiment):
        self.asked.append(("runs", experiment))
        return []

    def series(self, run):
        return []

    def points(self, series):
        return []

    def of_job(self, job_id, since="", token=""):
        return [], ""

    def count(self, what):
        return sum(1 for call in self.asked if call[0] == what)


def outside(vertex, newest=50, only="", every_s=0.0):
    ends = Ends(vertex, vertex, vertex, vertex)
    return Outside(ends, user="ada", about=ABOUT, bounds=Bounds(newest, only, every_s))


def test_nobody_is_asked_while_nobody_looks():
    vertex = Vertex(job(1))
    found = outside(vertex)
    assert not found.ask()
    assert vertex.asked == []
    found.attend()
    assert found.ask()
    assert list(found.runs(set())) == ["vertex-1"]


def test_who_holds_a_stream_looks():
    found = outside(Vertex(job(1)))
    assert found.ask(watched=True)
    assert list(found.runs(None)) == ["vertex-1"]


def test_none_are_wanted():
    vertex = Vertex(job(1))
    found = outside(vertex, newest=0)
    found.attend(5.0)  # does not wait
    assert not found.ask(watched=True)
    assert vertex.asked == []


def test_the_list_is_bounded_and_filtered():
    vertex = Vertex(*[job(number) for number in range(1, 40)])
    found = outside(vertex, newest=3, only='labels.team="vision"')
    found.ask(watched=True)
    assert vertex.count("page") == PAGES_MAX
    assert {call[1] for call in vertex.asked if call[0] == "page"} == {'labels.team="vision"'}
    assert list(found.runs(set())) == ["vertex-39", "vertex-38", "vertex-37"]


def test_the_cadence_is_kept():
    vertex = Vertex(job(1))
    found = outside(vertex, every_s=3600.0)
    assert found.ask(watched=True)
    assert not found.ask(watched=True)
    assert vertex.count("page") == 1


def test_later_rounds_read_one_page_and_what_moves():
    vertex = Vertex(*[job(number) for number in range(2, 9)], job(1, "JOB_STATE_RUNNING"))
    found = outside(vertex)
    found.ask(watched=True)
    vertex.jobs[f"{HEAD}1"] = job(1)
    vertex.asked.clear()
    found.ask(watched=True)
    assert (vertex.count("page"), vertex.count("get")) == (1, 1)
    assert found.runs(set())["vertex-1"].phase is Phase.SUCCEEDED


def test_a_job_that_was_deleted_is_gone():
    vertex = Vertex(*[job(number) for number in range(2, 9)], job(1, "JOB_STATE_RUNNING"))
    found = outside(vertex)
    found.ask(watched=True)
    del vertex.jobs[f"{HEAD}1"]
    found.ask(watched=True)
    assert "vertex-1" not in found.runs(set())
    with pytest.raises(NotFound):
        found.logs("vertex-1", "job", 0)


def test_what_was_heard_stays_when_vertex_is_away():
    vertex = Vertex(job(1))
    found = outside(vertex)
    found.ask(watched=True)
    vertex.broken = Unavailable("busy")
    found.ask(watched=True)
    assert found.error is vertex.broken
    assert list(found.runs(set())) == ["vertex-1"]
    vertex.broken = None
    found.ask(watched=True)
    assert found.error is None


def test_one_that_ended_long_ago_is_read_once():
    vertex = Vertex(job(1, jobSpec={"experiment": "c/penguins", "experimentRun": "c/penguins-a"}))
    found = outside(vertex)
    for _ in range(3):
        found.ask(watched=True)
    assert vertex.count("contexts") == 1
    found.look("vertex-1")
    assert vertex.count("get") == 0
    assert found.runs(set())["vertex-1"].nodes[0].experiment.run == "a"


def test_there_is_one_node():
    found = outside(Vertex(job(1)))
    found.ask(watched=True)
    assert found.events("vertex-1", "job").events
    with pytest.raises(NotFound, match="no step train"):
        found.events("vertex-1", "train")
    with pytest.raises(NotFound, match="no run vertex-2"):
        found.document("vertex-2", "job")


class Mirror:
    def __init__(self, *objects, stale_s=0.0):
        self.objects = list(objects)
        self.stale_s = stale_s


class Nothing:
    def list(self, bucket, prefix):
        return iter(())


def follower(mirror, vertex):
    asking, store = Asking(vertex, Nothing(), bucket_name="b"), RunStore()
    found = outside(vertex)
    found.ask(watched=True)
    return Follower(mirror, asking, store, about=ABOUT, user="", outside=found), store


STEP = {"argovx-key": "k", "argovx-wf": "uid-train-1", "argovx-user": "ada"}


def test_a_steps_job_is_its_steps_until_the_workflow_is_gone(workflow):
    mirror = Mirror(workflow())
    made, store = follower(mirror, Vertex(job(1, labels=STEP), job(2)))
    made.publish()
    assert {run.id: run.source for run in store.all()} == {"first-step-ab": "argo", "vertex-2": "vertex"}
    mirror.objects = []
    made.publish()
    assert {run.id for run in store.all()} == {"vertex-1", "vertex-2"}
    assert made.job_of("vertex-1") is not None


def test_before_workflows_are_known_no_step_is_taken_for_lost():
    made, store = follower(Mirror(stale_s=float("inf")), Vertex(job(1, labels=STEP), job(2)))
    made.publish()
    assert [run.id for run in store.all()] == ["vertex-2"]


def test_a_run_of_argo_keeps_its_id(workflow):
    made, store = follower(Mirror(workflow(run="vertex-2")), Vertex(job(2)))
    made.publish()
    assert [(run.id, run.source) for run in store.all()] == [("vertex-2", "argo")]
    assert made.job_of("vertex-2") is None
    assert made.logs("vertex-2", "train", 0).text == ""


def test_the_follower_asks_in_a_thread_of_its_own():
    vertex = Vertex(job(1))
    ends = Ends(vertex, vertex, vertex, vertex)
    found = Outside(ends, user="ada", about=ABOUT, bounds=Bounds(every_s=0.05))
    store = RunStore()
    made = Follower(Mirror(), Asking(vertex, Nothing(), bucket_name="b"), store, about=ABOUT, outside=found)
    made.start()
    try:
        found.attend(20.0)
        assert [run.id for run in store.all()] == ["vertex-1"]
    finally:
        made.stop()


def test_a_denied_list_is_said():
    vertex = Vertex()
    vertex.broken = PermissionMissing("permission aiplatform.customJobs.list is missing on p", hint="ask")
    found = outside(vertex)
    found.ask(watched=True)
    assert (found.error.message, found.runs(set())) == (vertex.broken.message, {})
