"""Five hundred steps at once, on a clock of their own: what Vertex is asked in any minute.

The loops are the launcher's own (turns, create, follow); bucket and Vertex are played, one request a call, and
counted as Vertex counts. Time is simulated, so half an hour takes seconds and every run is the same.
"""

from __future__ import annotations

import heapq
import json
import random
import sys
import threading
from collections import Counter
from io import StringIO
from types import SimpleNamespace

import pytest

from argovx_lab.errors import Conflict, NotFound
from argovx_lab.launcher.claim import Claim
from argovx_lab.launcher.context import Interrupt
from argovx_lab.launcher.events import Events, follow
from argovx_lab.launcher.follow import Follower
from argovx_lab.launcher.launch import Launch
from argovx_lab.launcher.pace import Pace
from argovx_lab.launcher.settings import Times
from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.vertex.jobs import Jobs

LAYOUT = Layout("bucket-a", "ada")
START = 1_795_000_000.0

#: A job's life. Unit: seconds.
PENDING_S, RUNNING_S, CONFIRM_S = 120, 600, 40


class Time:
    """Runs threads one at a time; time goes on when the one whose turn it is waits."""

    def __init__(self):
        self.now = START
        self._waiting = []
        self._turn = threading.Semaphore(0)
        self._number = 0

    def sleep(self, seconds):
        gate = threading.Semaphore(0)
        self._number += 1
        heapq.heappush(self._waiting, (self.now + max(seconds, 0), self._number, gate))
        self._turn.release()
        gate.acquire()

    def run(self, loops):
        def body(loop):
            try:
                loop()
            finally:
                self._turn.release()

        for loop in loops:  # each runs until it waits for the first time
            threading.Thread(target=body, args=(loop,), daemon=True).start()
            self._turn.acquire()
        while self._waiting:
            self.now, _, gate = heapq.heappop(self._waiting)
            gate.release()
            self._turn.acquire()


class Simulated(Interrupt):
    """A launcher's waiting on the simulated clock."""

    def __init__(self, time):
        super().__init__()
        self._time = time

    def clock(self):
        return self._time.now

    wall = clock

    def wait(self, seconds):
        self._time.sleep(seconds)


class Vertex:
    """The session behind :class:`Jobs`: answers and counts."""

    def __init__(self, time, limit=10**9):
        self._time, self._limit = time, limit
        self.jobs, self.by_folder, self.calls, self.creates = {}, {}, [], []

    def request(self, method, url, *, data=None, params=None, **_):
        path = url.partition("/v1/")[2]
        self.calls.append(self._time.now)
        if method == "POST" and path.endswith("/customJobs"):
            self.creates.append(self._time.now)
            if sum(1 for job in self.jobs.values() if self._time.now - job["born"] < 60) >= self._limit:
                return SimpleNamespace(status_code=429, content=b'{"error": {"message": "slow down"}}')
            name = f"{path}/{len(self.jobs)}"
            job = self.jobs[name] = {**json.loads(data), "name": name, "born": self._time.now}
            self.by_folder[job["jobSpec"]["baseOutputDirectory"]["outputUriPrefix"]] = job
            return self._answer(job)
        if path in self.jobs:
            return self._answer(self.jobs[path])
        return SimpleNamespace(status_code=200, content=b"{}")

    def _answer(self, job):
        age = self._time.now - job["born"]
        state = "PENDING" if age < PENDING_S else "RUNNING"
        if age >= PENDING_S + RUNNING_S + CONFIRM_S:
            state = "SUCCEEDED"
        doc = {**job, "state": f"JOB_STATE_{state}"}
        return SimpleNamespace(status_code=200, content=json.dumps(doc).encode())


class Bucket:
    """Write-once objects, and the runner's stream as its job goes on."""

    def __init__(self, time, vertex):
        self._time, self._vertex = time, vertex
        self.names = set()

    def create(self, bucket, name, data, *, content_type):
        if name in self.names:
            raise Conflict("there already")
        self.names.add(name)

    def list(self, bucket, prefix, *, start_offset=""):
        found = sorted(name for name in self.names if name.startswith(prefix) and name >= start_offset)
        return (SimpleNamespace(name=name) for name in found)

    def stat(self, bucket, name):
        return None

    def get(self, bucket, name):
        folder, _, rest = name.partition("r0.0/")
        job = self._vertex.by_folder[f"gs://{bucket}/{folder}"]
        if rest == "events/part-00001" and self._time.now - job["born"] >= PENDING_S + RUNNING_S:
            closed = {"v": 1, "method": "closed", "params": {"outcome": "succeeded", "exit_code": 0}}
            return json.dumps(closed).encode()
        raise NotFound("not yet")


class Crowd:
    """So many launchers of one user, each with a step of its own."""

    def __init__(self, lib, limit=10**9, **times):
        self.time = Time()
        self.vertex = Vertex(self.time, limit)
        self.bucket = Bucket(self.time, self.vertex)
        self.ends, self.lines = Counter(), []
        self._spec = lib.spec(lib.World())
        # the bucket's own pace is of no interest here, and would cost the test's time
        self._times = Times(bucket_min_s=30, bucket_max_s=30, **times)

    def launcher(self, number):
        key = names.attempt_key("uid", f"wf.t{number}", 0, "t")
        attempt = LAYOUT.attempt("uid", f"wf.t{number}", 0, key)
        intent = {"attempt_key": key, "workflow_uid": "uid", "task": f"wf.t{number}", "user": "ada"}
        claim = Claim(intent, attempt, attempt.uri + "intent.json", "d" * 64, True)
        said = StringIO()
        context = SimpleNamespace(
            settings=SimpleNamespace(times=self._times, layout=LAYOUT),
            interrupt=Simulated(self.time),
            events=Events(said),
            objects=self.bucket,
            pace=Pace(self.bucket, LAYOUT, self._times.creates_per_minute),
            jobs=Jobs(self.vertex, "https://vertex", "demo", "europe-west4"),
        )
        shown = []

        def loop():
            job = Launch(context, claim, self._spec, shown.append).obtain(lambda name: None)
            end = Follower(context, claim, job, SimpleNamespace(progress=None)).run()
            self.ends[end.job["state"]] += 1
            self.lines.append(([json.loads(line) for line in said.getvalue().splitlines()], shown))

        return loop

    def run(self, count):
        random.seed(7)
        self.time.run([self.launcher(number) for number in range(count)])
        return self


def most(moments, seconds=60):
    """Return the largest number of moments in any so many seconds."""
    ordered, best, first = sorted(moments), 0, 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds:
            first += 1
        best = max(best, last - first + 1)
    return best


@pytest.fixture(scope="module")
def crowd():
    return Crowd(sys.modules["argovx_test_world"]).run(500)


def test_all_end_well_and_each_has_one_job(crowd):
    assert crowd.ends == {"JOB_STATE_SUCCEEDED": 500}
    assert len(crowd.vertex.jobs) == 500
    for lines, _ in crowd.lines:
        follow(_begun(lines))


def _begun(lines):
    """Put the lines before the claim in front, which these loops leave out."""
    head = [
        ("placed", {"task": "", "ordinal": 0, "key": ""}),
        ("specified", {"step": "", "digest": ""}),
        ("claimed", {"fresh": True, "prefix": ""}),
    ]
    return [{"v": 1, "method": method, "params": params} for method, params in head] + lines


def test_creates_stay_within_sixty_a_minute(crowd):
    assert most(crowd.vertex.creates) <= 60
    assert len(crowd.vertex.creates) == 500


def test_all_calls_stay_within_six_hundred_a_minute(crowd):
    assert most(crowd.vertex.calls) <= 600


def test_who_waits_says_why(crowd):
    waiting = [shown for _, shown in crowd.lines if shown]
    assert len(waiting) > 400
    assert all("waiting for its turn" in shown[0] for shown in waiting)
    assert max(shown[0] for shown in waiting).startswith(
        "waiting for its turn: Vertex takes so many new jobs"
    )


def test_busy_answers_of_a_shared_project_are_waited_out(lib):
    """Other users take two thirds of the minute: the refused calls cost a turn each, and no step fails."""
    crowd = Crowd(lib, limit=20).run(60)
    assert crowd.ends == {"JOB_STATE_SUCCEEDED": 60}
    assert most(crowd.vertex.creates) <= 60
    assert len(crowd.vertex.jobs) == 60


def test_without_turns_the_limits_are_broken(lib):
    """A test of the test: the counters see it."""
    crowd = Crowd(lib, creates_per_minute=0).run(120)
    assert most(crowd.vertex.creates) == 120
