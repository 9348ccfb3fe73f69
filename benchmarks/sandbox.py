"""The Google end of the sandbox: start, memory, calls a second, 1 GB up and down, 200 jobs that sleep.

Each number stands beside a bare server of the same framework (hypercorn, TLS, one process) that answers the
same bytes without looking at anything. Targets: start 0.5 s and 80 MB; 0.5 s to open 10,000 jobs and 20,000
metadata nodes; with 200 jobs that sleep 95 % of calls within 50 ms and 200 MB besides the jobs.
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.report import middle, percentile, row

CALLS, JOBS, GIGABYTE = 400, 200, 10**9
CHUNK = 1024 * 1024

_BARE = """
import asyncio, ssl, sys
from hypercorn.asyncio import serve
from hypercorn.config import Config

body = open(sys.argv[4], "rb").read()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    grpc = dict(scope["headers"]).get(b"content-type") == b"application/grpc"
    if scope["path"] == "/gigabyte" and scope["method"] == "GET":
        size = 1024 * 1024
        headers = [(b"content-length", b"1000000000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        left, part = 10**9, bytes(size)
        while left:
            part = part[:left]
            left -= len(part)
            await send({"type": "http.response.body", "body": part, "more_body": left > 0})
        return
    kind = b"application/grpc" if grpc else b"application/json"
    answer = b"\\0" + len(body).to_bytes(4, "big") + body if grpc else body
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}
    await send({**start, "trailers": grpc})
    await send({"type": "http.response.body", "body": answer})
    if grpc:
        await send({"type": "http.response.trailers", "headers": [(b"grpc-status", b"0")]})

config = Config()
config.bind = ["127.0.0.1:" + sys.argv[1]]
config.certfile, config.keyfile = sys.argv[2], sys.argv[3]
config.loglevel = "ERROR"
config.keep_alive_timeout = 3600
config.keep_alive_max_requests = 10**9
asyncio.run(serve(app, config))
"""


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
    times = []
    for _ in range(5):
        began = time.perf_counter()
        status = lifecycle.start(folder, user="ada", timeout_s=60)
        times.append(time.perf_counter() - began)
        size = _rss(status.pid)
        lifecycle.stop(folder)
    floor = middle([_timed([sys.executable, "-c", "import hypercorn.asyncio, ssl"]) for _ in range(5)])
    row(
        "start of the whole sandbox",
        middle(times),
        "s",
        peer="import hypercorn",
        peer_value=floor,
        target=0.5,
    )
    row("  memory after the start", size, "MB", target=80)


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
    node = {"schema_title": "system.Artifact", "metadata": {"text": "x" * 100}, "etag": "1"}
    with store.transaction():
        for n in range(10_000):
            store.put("custom_jobs", f"us-central1/{10**18 + n}", {"job": job, "run": {}})
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
        with _Bare(folder, body) as (base, ca):
            bare = _Client(base, ca)
            _calls(client, bare, f"/v1/{name}")
            _grpc(status, client, base, ca, name)
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


class _Bare:
    """The bare server, with a certificate of its own."""

    def __init__(self, folder, body):
        self.folder, self.body = Path(folder), body

    def __enter__(self):
        import socket

        import trustme

        ca = trustme.CA()
        made = ca.issue_cert("127.0.0.1", "localhost")
        for name, part in (("bare-ca", ca.cert_pem), ("bare-key", made.private_key_pem)):
            part.write_to_path(self.folder / f"{name}.pem")
        made.cert_chain_pems[0].write_to_path(self.folder / "bare-cert.pem")
        (self.folder / "bare.py").write_text(_BARE)
        (self.folder / "bare-body").write_bytes(self.body)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        files = [str(self.folder / name) for name in ("bare-cert.pem", "bare-key.pem", "bare-body")]
        command = [sys.executable, str(self.folder / "bare.py"), str(port), *files]
        self.process = subprocess.Popen(command)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        return f"https://127.0.0.1:{port}", str(self.folder / "bare-ca.pem")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def _calls(client, bare, path):
    ours = [client.timed("GET", path) for _ in range(CALLS)]
    floor = [bare.timed("GET", path) for _ in range(CALLS)]
    row("unary calls over REST", 1 / middle(ours), "/s", peer="bare", peer_value=1 / middle(floor))


def _grpc(status, client, base, ca, name):
    import grpc

    token = client.headers["authorization"]
    message = b"\n" + bytes([len(name)]) + name.encode()
    rates = []
    for target, roots in ((status.google_endpoint, status.ca), (base, ca)):
        credentials = grpc.ssl_channel_credentials(Path(roots).read_bytes())
        with grpc.secure_channel(urlsplit(target).netloc, credentials) as channel:
            call = channel.unary_unary("/google.cloud.aiplatform.v1.JobService/GetCustomJob")
            times = []
            for _ in range(CALLS):
                began = time.perf_counter()
                call(message, metadata=[("authorization", token)], timeout=20)
                times.append(time.perf_counter() - began)
        rates.append(1 / middle(times))
    row("unary calls over gRPC", rates[0], "/s", peer="bare", peer_value=rates[1])


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
    gets = [client.timed("GET", f"/v1/{names[n % JOBS]}") for n in range(CALLS)]
    lists = [client.timed("GET", f"{jobs}?pageSize=100") for _ in range(CALLS // 4)]
    row(f"get with {JOBS} jobs, 95 %", percentile(gets, 0.95) * 1000, "ms", target=50)
    row(f"list of 100 with {JOBS} jobs, 95 %", percentile(lists, 0.95) * 1000, "ms", target=50)
    row("  memory besides the jobs", _rss(status.pid), "MB", target=200)
    for job in names:
        client.call("POST", f"/v1/{job}:cancel", b"{}")
