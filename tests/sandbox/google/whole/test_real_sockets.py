"""Garbage over real sockets: a refusal with a reason or a clean close, and the next client is served."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest

from argovx_lab.sandbox import lifecycle
from argovx_lab.sandbox.state import StateDir
from tests.sandbox.google.whole.garbage import Http1, Http2

GET_JOB = "/google.cloud.aiplatform.v1.JobService/GetCustomJob"
CREATE_JOB = "/google.cloud.aiplatform.v1.JobService/CreateCustomJob"
#: Every connection ends within it, whatever was said on it. Unit: seconds.
DEADLINE_S = 30.0
#: What an answer may be: done, a refusal, or the name of what is not there.
FINE = {*range(200, 500), 501, 505}


def field(number: int, text: str) -> bytes:
    data = text.encode()
    return bytes([number << 3 | 2, len(data)]) + data


class Target:
    """A running sandbox as somebody without manners meets it."""

    def __init__(self, status: lifecycle.Status, api) -> None:
        self.status, self.api = status, api
        self.place = (urlsplit(status.google_endpoint).hostname, urlsplit(status.google_endpoint).port)
        self.jobs = api.jobs
        self.parent = api.jobs.removeprefix("/v1/").removesuffix("/customJobs")
        self.upload = f"/upload/storage/v1/b/{status.bucket}/o?uploadType=media&name=users/{status.user}/fuzz"

    def exchange(self, data: bytes, alpn: str = "") -> bytes:
        """Send ``data`` and the end of it; return everything that came until the other side closed."""
        with self.opened(alpn) as connection:
            with contextlib.suppress(OSError):  # the other side has had enough
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            found, end = [], time.monotonic() + DEADLINE_S
            while time.monotonic() < end:
                try:
                    part = connection.recv(65536)  # of TLS what the wire holds: the end is what counts
                except ConnectionResetError:
                    part = b""
                if not part:
                    return b"".join(found)
                found.append(part)
        raise AssertionError(f"the connection stays open after {data[:2000]!r}")

    def opened(self, alpn: str = "") -> socket.socket:
        """Return a connection; with a protocol's name over TLS."""
        raw = socket.create_connection(self.place, timeout=DEADLINE_S)
        if not alpn:
            return raw
        context = ssl.create_default_context(cafile=self.status.ca)
        context.set_alpn_protocols([alpn])
        return context.wrap_socket(raw, server_hostname="localhost")

    def serves(self) -> None:
        """Say that both transports answer."""
        assert "error" not in self.api.call("GET", self.jobs)
        roots = grpc.ssl_channel_credentials(Path(self.status.ca).read_bytes())
        with grpc.secure_channel(urlsplit(self.status.google_endpoint).netloc, roots) as channel:
            call = channel.unary_unary(GET_JOB)
            with pytest.raises(grpc.RpcError) as refused:
                call(field(1, f"{self.parent}/customJobs/1"), metadata=self.metadata(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND

    def metadata(self):
        return [("authorization", f"Bearer {self.api.token}")]

    def kept(self) -> tuple[int, list[str]]:
        """Return the number of jobs and the names of objects."""
        names = self.api.call("GET", f"/storage/v1/b/{self.status.bucket}/o")
        return len(self.api.call("GET", self.jobs).get("customJobs", [])), [
            o["name"] for o in names.get("items", [])
        ]

    def logs(self) -> str:
        """Return what went wrong without anybody having foreseen it."""
        state = StateDir(Path(self.status.state_dir))
        lines = state.log.read_text().splitlines()
        bad = [line for line in lines if any(word in line for word in ("Traceback", "ERROR", "Unhandled"))]
        return state.errors.read_text() + "\n".join(bad)


@pytest.fixture
def target(start, google):
    """A sandbox with one job's name in mind, and nothing else."""
    status = start()
    return Target(status, google(status))


def answers(data: bytes) -> list[int]:
    """Return the status of every HTTP/1.1 answer in ``data``."""
    found = []
    while data.startswith(b"HTTP/1.1 "):
        head, _, rest = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        fields = dict(line.lower().partition(b":")[::2] for line in head.split(b"\r\n")[1:])
        size = int(fields.get(b"content-length", b"0"))
        if status >= 400 and not head.startswith(b"HTTP/1.1 405"):
            assert rest[:size].strip() or b"HEAD" in data, f"no reason: {head!r}"
        found.append(status)
        data = rest[size:]
    return [status for status in found if status >= 200]


def body() -> dict:
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1}
    container = {"imageUri": "python:3.11", "command": ["python3", "-c", "pass"]}
    return {"displayName": "f", "jobSpec": {"workerPoolSpecs": [{**pool, "containerSpec": container}]}}


def http1(target: Target, seed: int, rounds: int) -> None:
    random_ = random.Random(seed)
    # a whole request names a place that is not there: nothing of this can be done
    path = target.jobs.replace("us-central1", "nowhere")
    made = Http1(path, target.upload, target.api.token, json.dumps(body()).encode())
    for turn in range(rounds):
        for number, case in enumerate(made.cases()):
            data = case(random_)
            found = target.exchange(data, "http/1.1" if random_.random() < 0.1 and not turn else "")
            bad = [status for status in answers(found) if status not in FINE]
            assert not bad, (seed, turn, number, data[:3000], found[:1000])


def http2(target: Target, seed: int, rounds: int) -> None:
    random_ = random.Random(seed)
    parent = target.parent.replace("us-central1", "nowhere")
    made = Http2(CREATE_JOB, target.api.token, field(1, parent))
    for turn in range(rounds):
        for case in made.cases():
            target.exchange(case(random_), "h2" if random_.random() < 0.1 and not turn else "")


def play(target: Target, seeds: range, rounds: int) -> None:
    before = target.kept()
    for seed in seeds:
        http1(target, seed, rounds)
        http2(target, seed, rounds)
        target.serves()
    assert lifecycle.status(Path(target.status.state_dir)).pid == target.status.pid
    assert target.kept() == before
    assert target.logs() == ""


def test_a_sample_of_garbage(target):
    play(target, range(1), 3)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_much_garbage(target):
    play(target, range(100, 110), 10)
