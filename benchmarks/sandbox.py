"""The Google end of the sandbox: start, memory, calls a second, 1 GB up and down, 200 jobs that sleep.

Each number stands beside a bare server of the same framework (hypercorn, TLS, one process) that answers the
same bytes without looking at anything. Both are asked in turn, and beside the calls a second stands the CPU
time that a call costs either server, which says more on a machine with other work. Targets: start 0.5 s and
80 MB; 0.5 s to open 10,000 jobs and 20,000 metadata nodes; with 200 jobs that sleep 95 % of calls within
50 ms and 200 MB besides the jobs.
"""

import http.client
import json
import os
import resource
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bare_sandbox import Bare
from benchmarks.report import middle, percentile, row

CALLS, BLOCK, JOBS, GIGABYTE = 2000, 100, 200, 10**9
CHUNK = 1024 * 1024


def run():
    """Measure everything."""
    with tempfile.TemporaryDirectory(prefix="argovx-google-") as folder:
        _start(Path(folder) / "start")
        _open(Path(folder) / "history")
        _serving(Path(folder) / "state")


def _lifecycle():
    from argovx_lab.sandbox import lifecycle

    return lifecycle


def _start(folder):
    lifecycle = _lifecycle()
    times, spent = [], []
    for _ in range(5):
        began, before = time.perf_counter(), _children()
        status = lifecycle.start(folder, user="ada", timeout_s=60)
        times.append(time.perf_counter() - began)
        spent.append(_children() - before + _cpu(status.pid))
        size = _rss(status.pid)
        lifecycle.stop(folder)
    command = [sys.executable, "-c", "import hypercorn.asyncio, ssl"]
    floors, floor_spent = [], []
    for _ in range(5):
        before = _children()
        floors.append(_timed(command))
        floor_spent.append(_children() - before)
    name = "import hypercorn"
    row("start of the whole sandbox", middle(times), "s", peer=name, peer_value=middle(floors), target=0.5)
    row("  its CPU time", middle(spent), "s", peer=name, peer_value=middle(floor_spent))
    row("  memory after the start", size, "MB", target=80)


def _children():
    """Return the CPU time of all children that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu(pid):
    """Return the CPU time of a process, in seconds."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _timed(command):
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - began


def _rss(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) / 1000


def _open(folder):
    from argovx_lab.sandbox.google.store import Store

    store = Store(folder / "google.sqlite")
    container = {
        "image_uri": "python:3.11",
        "command": ["python3", "-c", "x" * 200],
        "args": ["gs://b/o"] * 8,
    }
    pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "container_spec": container}
    job = {"display_name": "a job", "job_spec": {"worker_pool_specs": [pool]}, "state": "JOB_STATE_SUCCEEDED"}
    jobs = "projects/424242424242/locations/us-central1/customJobs"
    node = {"schema_title": "system.Artifact", "metadata": {"text": "x" * 100}, "etag": "1"}
    with store.transaction():
        for n in range(10_000):
            made = {**job, "name": f"{jobs}/{10**18 + n}", "create_time": "2026-11-02T10:00:00Z"}
            store.put("custom_jobs", f"us-central1/{10**18 + n}", {"job": made, "run": {}})
        for n in range(20_000):
            store.put("meta.artifacts", f"us-central1/default/node-{n:06d}", node)
    store.close()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        store = Store(folder / "google.sqlite")
        times.append(time.perf_counter() - began)
        store.close()
    row("opening 10,000 jobs and 20,000 nodes", middle(times), "s", target=0.5)
    lifecycle = _lifecycle()
    began = time.perf_counter()
    status = lifecycle.start(folder, user="ada", timeout_s=60)
    client = _Client(status.google_endpoint, status.ca, _token(status))
    client.timed("GET", f"/v1/projects/{status.project}/locations/{status.region}/customJobs?pageSize=100")
    row("  start with them, to the first list of 100", time.perf_counter() - began, "s")
    row("  memory with them", _rss(status.pid), "MB", target=200)
    lifecycle.stop(folder)


class _Client:
    """One kept connection."""

    def __init__(self, base, ca, token=""):
        place = urlsplit(base)
        context = ssl.create_default_context(cafile=ca)
        self.connection = http.client.HTTPSConnection(place.hostname, place.port, context=context)
        self.headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def call(self, method, path, body=None, **headers):
        self.connection.request(method, path, body, {**self.headers, **headers})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def timed(self, method, path, body=None):
        began = time.perf_counter()
        answer, data = self.call(method, path, body)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {data[:300]}")
        return time.perf_counter() - began


def _serving(folder):
    lifecycle = _lifecycle()
    status = lifecycle.start(folder, user="ada", timeout_s=60)
    try:
        client = _Client(status.google_endpoint, status.ca, _token(status))
        jobs = f"/v1/projects/{status.project}/locations/{status.region}/customJobs"
        name = json.loads(client.call("POST", jobs, json.dumps(_job(status, "true")))[1])["name"]
        body = client.call("GET", f"/v1/{name}")[1]
        with Bare(folder, body) as floor:
            bare = _Client(floor.base, floor.ca)
            ours = (client, status.pid), (bare, floor.process.pid)
            _rates("REST", [(lambda c=c: c.timed("GET", f"/v1/{name}"), pid) for c, pid in ours])
            with ExitStack() as stack:
                ends = (
                    (status.google_endpoint, status.ca, status.pid),
                    (floor.base, floor.ca, floor.process.pid),
                )
                _rates("gRPC", [(_channel(stack, client, name, *end[:2]), end[2]) for end in ends])
            _gigabyte(status, client, bare)
        _sleepers(status, client, jobs)
    finally:
        lifecycle.stop(folder, all=True)


def _token(status):
    kind = "urn:ietf:params:oauth:token-type:"
    form = {
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requestedTokenType": kind + "access_token",
        "subjectTokenType": kind + "jwt",
        "subjectToken": Path(status.owner_token).read_text().strip(),
        "audience": status.audience,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    }
    place = urlsplit(status.google_endpoint)
    context = ssl.create_default_context(cafile=status.ca)
    connection = http.client.HTTPSConnection(place.hostname, place.port, context=context)
    connection.request("POST", "/v1/token", json.dumps(form), {"content-type": "application/json"})
    return json.loads(connection.getresponse().read())["access_token"]


def _job(status, *command):
    container = {"imageUri": "busybox", "command": list(command)}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1, "containerSpec": container}
    spec = {"workerPoolSpecs": [pool], "serviceAccount": status.run_as}
    return {"displayName": "bench", "jobSpec": spec}


def _rates(transport, ends):
    """Call ours and the bare server in turn, and say how often and for how much CPU time they answer."""
    for call, _ in ends:
        for _ in range(20):
            call()
    times, spent = ([], []), ([], [])
    for _ in range(CALLS // BLOCK):
        for i, (call, pid) in enumerate(ends):
            before = _busy(pid)
            times[i].extend(call() for _ in range(BLOCK))
            spent[i].append((_busy(pid) - before) / BLOCK)
    ours, floor = (1 / middle(part) for part in times)
    row(f"unary calls over {transport}", ours, "/s", peer="bare", peer_value=floor)
    ours, floor = (middle(part) * 1e6 for part in spent)
    row("  CPU time of a call", ours, "us", peer="bare", peer_value=floor)


def _busy(pid):
    """Return how long a process's first thread has been on a CPU, in seconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _channel(stack, client, name, target, roots):
    import grpc

    credentials = grpc.ssl_channel_credentials(Path(roots).read_bytes())
    channel = stack.enter_context(grpc.secure_channel(urlsplit(target).netloc, credentials))
    call = channel.unary_unary("/google.cloud.aiplatform.v1.JobService/GetCustomJob")
    message = b"\n" + bytes([len(name)]) + name.encode()
    metadata = [("authorization", client.headers["authorization"])]

    def timed():
        began = time.perf_counter()
        call(message, metadata=metadata, timeout=20)
        return time.perf_counter() - began

    return timed


def _gigabyte(status, client, bare):
    path = f"/upload/storage/v1/b/{status.bucket}/o?uploadType=media&name=users/{status.user}/gigabyte"
    before = _rss(status.pid)
    up = _upload(client, path)
    floor_up = _upload(bare, "/gigabyte")
    down = _download(client, f"/storage/v1/b/{status.bucket}/o/users%2F{status.user}%2Fgigabyte?alt=media")
    floor_down = _download(bare, "/gigabyte")
    row("1 GB up", up, "s", peer="bare", peer_value=floor_up)
    row("1 GB down", down, "s", peer="bare", peer_value=floor_down)
    row("  memory that both took", max(0.0, _rss(status.pid) - before), "MB")


def _upload(client, path):
    def parts():
        left, part = GIGABYTE, os.urandom(CHUNK)
        while left:
            part = part[:left]
            left -= len(part)
            yield part

    began = time.perf_counter()
    headers = {"content-length": str(GIGABYTE), "content-type": "application/octet-stream"}
    answer, data = client.call("POST", path, parts(), **headers)
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {data[:300]}")
    return time.perf_counter() - began


def _download(client, path):
    began = time.perf_counter()
    client.connection.request("GET", path, headers=client.headers)
    answer = client.connection.getresponse()
    left = GIGABYTE
    while left and (data := answer.read(CHUNK)):
        left -= len(data)
    if left:
        raise RuntimeError(f"{path}: {left} bytes are missing")
    return time.perf_counter() - began


def _sleepers(status, client, jobs):
    names = []
    for _ in range(JOBS):
        answer, data = client.call("POST", jobs, json.dumps(_job(status, "sleep", "600")))
        if answer.status != 200:
            raise RuntimeError(data[:300])
        names.append(json.loads(data)["name"])
    running = f"{jobs}?filter=state%3D%22JOB_STATE_RUNNING%22&pageSize=1000"
    end = time.monotonic() + 120
    while len(json.loads(client.call("GET", running)[1]).get("customJobs", [])) < JOBS:
        if time.monotonic() > end:
            raise RuntimeError("the jobs do not run")
        time.sleep(0.2)
    time.sleep(12)  # over one sample of CPU and memory
    gets = [client.timed("GET", f"/v1/{names[n % JOBS]}") for n in range(CALLS // 2)]
    lists = [client.timed("GET", f"{jobs}?pageSize=100") for _ in range(CALLS // 10)]
    row(f"get with {JOBS} jobs, 95 %", percentile(gets, 0.95) * 1000, "ms", target=50)
    row(f"list of 100 with {JOBS} jobs, 95 %", percentile(lists, 0.95) * 1000, "ms", target=50)
    row("  memory besides the jobs", _rss(status.pid), "MB", target=200)
    for job in names:
        client.call("POST", f"/v1/{job}:cancel", b"{}")
