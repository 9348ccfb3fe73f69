"""Cloud Storage through the vendor's unmodified client: small objects, 1 GiB up and down, memory.

The floor is a bare server of the same framework behind the same proxy: it drops what comes and sends zeros.
Target: the server's memory does not grow with the object (at most 32 MB over what it was).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import middle, percentile, row

_CLIENT = """
import json, os, sys, time
from google.cloud import storage
from google.oauth2.credentials import Credentials

bucket_name, token, big = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = storage.Client(project="p", **({"credentials": Credentials(token)} if token else {}))
bucket = client.bucket(bucket_name)

def timed(act):
    start = time.perf_counter()
    act()
    return time.perf_counter() - start

small = bytes(1024)
bucket.blob("warm-1024").upload_from_string(small, checksum=None)
up = [timed(lambda: bucket.blob(f"n{i}-1024").upload_from_string(small, checksum=None)) for i in range(200)]
down = [timed(lambda: bucket.blob(f"n{i}-1024").download_as_bytes(checksum=None)) for i in range(200)]
with open(os.environ["BIG_FILE"], "wb") as file:
    file.truncate(big)
blob = bucket.blob(f"big-{big}")
large_up = timed(lambda: blob.upload_from_filename(os.environ["BIG_FILE"], checksum=None, timeout=600))
with open(os.devnull, "wb") as sink:
    large_down = timed(lambda: bucket.blob(f"big-{big}").download_to_file(sink, checksum=None, timeout=600))
print(json.dumps({"up": up, "down": down, "large_up": large_up, "large_down": large_down}))
client.close()
"""
BIG = 1024**3
MEMORY_MB = 32


def run():
    """Measure the floor, then the sandbox."""
    from argovx_lab.wiring.local import sandbox_environment, start_sandbox

    with tempfile.TemporaryDirectory(prefix="argovx-bench-storage-") as folder:
        floor, floor_memory = _floor(Path(folder))
        status = start_sandbox()
        before = _memory(status.pid, reset=True)
        ours = _client(sandbox_environment(), status.bucket, "", folder)
        grown = _memory(status.pid) - before
    for what, name in (("upload of 1 KiB, median", "up"), ("download of 1 KiB, median", "down")):
        peer = middle(floor[name]) * 1000
        row(what, middle(ours[name]) * 1000, "ms", peer="bare server", peer_value=peer)
        row("  95th percentile", percentile(ours[name], 0.95) * 1000, "ms")
    for what, name in (("1 GiB up", "large_up"), ("1 GiB down", "large_down")):
        row(what, ours[name], "s", peer="bare server", peer_value=floor[name])
    row("memory of the server, 1 GiB up and down: growth", grown, "MB", target=MEMORY_MB)
    row("  of the bare server", floor_memory, "MB")


def _client(environment, bucket, token, folder):
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CLIENT, bucket, token, str(BIG)],
        env={**os.environ, **environment, "BIG_FILE": f"{folder}/big"},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        sys.exit(answer.stderr[-2000:])
    return json.loads(answer.stdout.splitlines()[-1])


def _floor(folder):
    from argovx_lab.sandbox.environment import network

    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_storage", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # as the sandbox has one
    )
    try:
        proxy, ca = json.loads(server.stdout.readline())
        before = _memory(server.pid, reset=True)
        numbers = _client(network(proxy, ca), "bucket", "token", folder)
        return numbers, _memory(server.pid) - before
    finally:
        server.kill()
        server.communicate()


def _memory(pid, *, reset=False):
    """Return the largest resident size since the last reset, in MB."""
    if reset:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000
