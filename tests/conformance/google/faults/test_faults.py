"""Each kind of fault, seen through the vendors' clients over both transports."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from argovx_lab.sandbox.faults import Fault

SCRIPT = Path(__file__).parent / "scripts" / "see.py"
CREATE = "JobService.CreateCustomJob"
LIST = "JobService.ListCustomJobs"


class Seer:
    """A program with the vendors' clients that does what it is told."""

    def __init__(self, end, transport):
        self.end, self.transport = end, transport
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(SCRIPT), transport],
            env=end.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sees(self, command):
        """Return what the client made of a command."""
        return self.timed(command).partition(" ")[2]

    def timed(self, command):
        """Return the same with "slow" or "fast" before it."""
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline().strip()
        assert line, self.process.stderr.read()[-3000:]
        return line

    def arm(self, kind, **fields):
        self.end.call(lambda: self.end.server.faults.add(Fault(kind, **fields)))

    def until(self, command, wanted, deadline_s=30):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            seen = self.sees(command)
            if wanted in seen:
                return seen
            time.sleep(0.05)
        raise AssertionError(f"{command}: {wanted} was not seen, but {seen}")

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture(scope="module", params=["grpc", "rest"])
def seer(end, request):
    """One program for all faults of a transport."""
    made = Seer(end, request.param)
    assert made.sees("count nothing") == "0"
    store = {"name": "projects/424242424242/locations/us-central1/metadataStores/default"}
    end.call(lambda: end.server.store.put("meta.stores", "us-central1/default", store))
    yield made
    made.close()
    end.call(end.server.faults.clear)


@pytest.fixture(autouse=True)
def disarmed(end):
    """No fault of one test is met by the next."""
    yield
    end.call(end.server.faults.clear)


@pytest.fixture
def fresh(end, seer):
    """A program of this test alone: over gRPC a token that ended early stays in use."""
    made = Seer(end, seer.transport)
    assert made.sees("count nothing") == "0"
    yield made
    made.close()


def over(seer, grpc, rest):
    return grpc if seer.transport == "grpc" else rest


def test_latency_and_a_late_answer(seer):
    seer.arm("latency", rpc=LIST, seconds=1.0)
    assert seer.timed("count nothing") == "slow 0"
    seer.arm("late", rpc=LIST, seconds=1.0)
    assert seer.timed("count nothing") == "slow 0"
    assert seer.sees("count nothing") == "0"


@pytest.mark.parametrize(
    ("status", "grpc", "rest"),
    [
        (429, "ResourceExhausted", "TooManyRequests"),
        (500, "InternalServerError", "InternalServerError"),
        (503, "ServiceUnavailable", "ServiceUnavailable"),
    ],
)
def test_a_status(seer, status, grpc, rest):
    seer.arm("status", rpc=LIST, status=status)
    assert seer.sees("count nothing") == f"{over(seer, grpc, rest)}"
    seer.arm("status", rpc=LIST, status=status, retry_after_s=7)
    assert seer.sees("count nothing") == f"{over(seer, grpc, rest + ' retry-after=7')}"
    assert seer.sees("count nothing") == "0"


def test_a_reset_and_an_answer_that_is_lost_after_the_work(seer):
    name = f"lost-{seer.transport}"
    failure = over(seer, ("ServiceUnavailable",), ("ConnectionError", "ProxyError"))
    seer.arm("reset", rpc=CREATE)
    assert seer.sees(f"create {name}").split()[0] in failure
    seer.until(f"count {name}", "0")  # gRPC needs a moment for a new connection
    seer.arm("lost", rpc=CREATE)
    assert seer.sees(f"create {name}").split()[0] in failure
    seer.until(f"count {name}", "1")


def test_a_truncated_body(seer):
    seer.arm("truncated", rpc=LIST, bytes=1)
    failure = over(
        seer,
        ("ServiceUnavailable", "Cancelled", "Unknown", "InternalServerError"),
        ("ChunkedEncodingError", "ConnectionError"),
    )
    assert seer.sees("count nothing").split()[0] in failure
    seer.until("count nothing", "0")


def test_a_quota_has_its_reason(seer):
    seer.arm("quota", rpc=CREATE)
    failure = over(seer, "ResourceExhausted", "TooManyRequests")
    assert seer.sees("create quota") == f"{failure} RATE_LIMIT_EXCEEDED"


def test_a_stale_list_is_stale_for_a_bounded_time(seer):
    name = f"stale-{seer.transport}"
    seer.arm("stale", rpc=LIST, seconds=4.0, count=-1)
    assert seer.sees(f"create {name}").endswith(name)
    assert seer.sees(f"count {name}") == "0"
    seer.until(f"count {name}", "1", 30)
    seer.end.call(seer.end.server.faults.clear)


def test_a_full_disk_writes_nothing(seer):
    name = f"full-{seer.transport}"
    seer.arm("disk_full", rpc="MetadataService.CreateContext")
    assert seer.sees(f"context {name}") == "ServiceUnavailable"
    assert seer.sees(f"exists {name}") == "False"
    assert seer.sees(f"context {name}") == f"{name}"


def test_a_token_that_expires(fresh):
    """Over REST google-auth takes a new one by itself; over gRPC the call fails once."""
    fresh.arm("token_expired", rpc=LIST)
    assert fresh.sees("count nothing") == over(fresh, "Unauthenticated ACCESS_TOKEN_EXPIRED", "0")


def test_a_stock_out_and_a_preemption(seer):
    name = f"stock-{seer.transport}"
    seer.arm("stockout", rpc=name)
    seer.sees(f"create {name} STANDARD yes")
    assert "'JOB_STATE_FAILED', 8, 'Resources are insufficient" in seer.until(f"state {name}", "FAILED")
    name = f"spot-{seer.transport}"
    seer.sees(f"create {name} SPOT yes")
    seer.until(f"state {name}", "RUNNING")
    seer.arm("preemption", rpc=name)
    assert "'JOB_STATE_FAILED', 8, 'Resources are insufficient" in seer.until(f"state {name}", "FAILED")


def test_a_clock_that_jumps_ends_tokens(fresh):
    """Two hours on, access token and subject token are over."""
    fresh.arm("skew", seconds=7200.0)
    try:
        seen = fresh.sees("count nothing").split()[0]
    finally:
        fresh.arm("skew", seconds=-7200.0)
    assert seen == over(fresh, "Unauthenticated", "OAuthError")


def test_by_probability_with_a_seed(seer):
    def pattern():
        seer.arm("status", rpc=LIST, count=-1, probability=0.5, seed=7)
        seen = "".join("." if seer.sees("count nothing") == "0" else "x" for _ in range(12))
        seer.end.call(seer.end.server.faults.clear)
        return seen

    first = pattern()
    assert first == pattern()
    assert {*first} == {".", "x"}


def test_by_service_method_and_count_from_outside(seer):
    """As another process arms it: a file in the state folder."""
    path = seer.end.folder / "faults.json"
    faults = [{"kind": "status", "service": "storage", "method": "POST", "status": 503, "count": 2}]
    path.touch(mode=0o600)
    path.write_text(json.dumps(faults))
    name = f"users/ada/faults-{seer.transport}"
    assert seer.sees("count nothing") == "0"
    assert seer.sees(f"put {name} 10") == "ServiceUnavailable"
    assert seer.sees(f"put {name} 10") == "ServiceUnavailable"
    assert seer.sees(f"put {name} 10") == "written"
    assert not path.exists()


def test_cloud_storage_meets_them_as_well(fresh):
    name = f"users/ada/disorder-{fresh.transport}"
    fresh.arm("disk_full", rpc="storage.objects.create")
    assert fresh.sees(f"put {name} 10").split()[0] in ("GoogleAPICallError", "ServiceUnavailable")
    assert fresh.sees(f"get {name}") == "NotFound"
    fresh.arm("quota", rpc="storage.objects.create")
    assert fresh.sees(f"put {name} 10").startswith("TooManyRequests")
    assert fresh.sees(f"put {name} 10") == "written"
    # the client takes a new token by itself
    fresh.arm("token_expired", rpc="storage.objects.get")
    assert fresh.sees(f"get {name}") == "10"
    assert fresh.sees(f"put {name}-big 1048576") == "written"
    fresh.arm("token_expired", rpc="storage.objects.get", skip=2)
    assert fresh.sees(f"chunks {name}-big") == "1048576"
    assert not fresh.end.server.faults.armed("token_expired"), "it was met in the middle"
    fresh.arm("truncated", rpc="storage.objects.get", bytes=5)
    assert fresh.sees(f"get {name} yes").split()[0] in ("10", "ChunkedEncodingError", "ConnectionError")


def test_sts_answers_a_quota(seer):
    seer.arm("quota", service="sts")
    assert seer.sees("token").split()[0] in ("OAuthError", "RefreshError")
    assert seer.sees("token") == "True"
