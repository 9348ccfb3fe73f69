"""The runner over ``python script.py``, and a 1 GB frame in and out beside the same bytes moved barely.

Target: the frame moves with 80 % of raw storage throughput, that is in at most 1.25 times the bare time. The
bare script downloads the same object to a file and uploads that file, by http.client, hashing and decoding
nothing, through the same proxy to the same sandbox. Set ``ARGOVX_BENCH_FRAME_MB`` for a smaller frame.
"""

import hashlib
import http.server
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.report import middle, row

RUNS = 5
FRAME_RUNS = 3
FRAME_MB = 1000

_TOKEN = """
import google.auth, google.auth.transport.requests as transport
credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
credentials.refresh(transport.Request())
print(credentials.token)
"""

_BARE = """
import http.client, os, sys, time, urllib.parse
bucket, source, target, path = sys.argv[1:5]
proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
line = http.client.HTTPSConnection(proxy.hostname, proxy.port, blocksize=1 << 20)
line.set_tunnel("storage.googleapis.com", 443)
auth = {"Authorization": "Bearer " + sys.stdin.read().strip()}
start = time.perf_counter()
line.request("GET", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(source, safe='')}?alt=media", headers=auth)
answer = line.getresponse()
assert answer.status == 200, answer.read()
with open(path, "wb") as file:
    while piece := answer.read(1 << 20):
        file.write(piece)
down = time.perf_counter() - start
query = urllib.parse.urlencode({"uploadType": "media", "name": target, "ifGenerationMatch": 0})
size = {"Content-Length": str(os.path.getsize(path))}
with open(path, "rb") as file:
    line.request("POST", f"/upload/storage/v1/b/{bucket}/o?{query}", body=file, headers={**auth, **size})
answer = line.getresponse()
assert answer.status == 200, answer.read()
answer.read()
print(down, time.perf_counter() - start - down)
"""


def run():
    """Measure small steps, then the frame, each in turn with its peer."""
    with tempfile.TemporaryDirectory(prefix="argovx-bench-runner-") as folder:
        stage = _Stage(Path(folder))
        try:
            small = _overhead(stage)
            _frame(stage, small)
        finally:
            stage.close()


def _overhead(stage):
    script = stage.folder / "script.py"
    script.write_text("x = 1\n")
    bare = middle([_timed(lambda: subprocess.run([sys.executable, script], check=True)) for _ in range(RUNS)])
    ours = middle([stage.step("x = 1", {}, {})[0] for _ in range(RUNS)])
    row("runner, cell x = 1", ours, "s", peer="python script.py", peer_value=bare)
    row("  over the script", ours - bare, "s")
    return ours


def _frame(stage, small):
    import numpy as np
    import pandas as pd

    from argovx_lab import codecs

    size = int(os.environ.get("ARGOVX_BENCH_FRAME_MB", FRAME_MB)) * 10**6
    rows = size // 8 // 16
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column_{i}": rng.random(rows) for i in range(16)})
    given = stage.put(codecs.encode(frame, name="frame", limit_bytes=2 * size).read(), codec="pandas")
    del frame
    bare, ours = [], []
    for _ in range(FRAME_RUNS):
        bare.append(stage.bare(given))
        ours.append(stage.step("out = frame", {"frame": given}, {"out": "pandas"}))
    total = [sum(pair) for pair in bare]
    took = [seconds - small for seconds, _ in ours]
    for what, values in (("download", [a for a, _ in bare]), ("upload", [b for _, b in bare])):
        row(f"{size / 1e9:g} GB, bare {what}", size / 1e6 / middle(values), "MB/s")
    for phase in ("inputs", "running", "uploading"):
        row(f"  runner, phase {phase}", middle([phases.get(phase, 0.0) for _, phases in ours]), "s")
    row("frame in and out, over a small step", middle(took), "s", peer="bare", peer_value=middle(total))
    row("  times the bare script", middle(took) / middle(total), "", target=1.25)
    row("  share of raw throughput", 100 * middle(total) / middle(took), "%")


class _Stage:
    """The sandbox's bucket, a metadata server with a token for it, and documents for the runner."""

    def __init__(self, folder):
        from argovx_lab.capture.archive import runner_archive
        from argovx_lab.wiring.local import sandbox_environment, start_sandbox

        self.folder = folder
        status = start_sandbox()
        self._env = {**os.environ, **sandbox_environment()}
        done = subprocess.run(
            [sys.executable, "-c", _TOKEN], env=self._env, capture_output=True, text=True, check=True
        )
        self._token = done.stdout.strip()
        self._bucket = status.bucket
        self._archive = folder / "runner.pyz"
        self._archive.write_bytes(runner_archive())
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _metadata(self._token))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._env["GCE_METADATA_HOST"] = f"127.0.0.1:{self._server.server_address[1]}"
        self._client = _client(self._env, self._bucket, self._token)

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def put(self, data, codec=""):
        digest = hashlib.sha256(data).hexdigest()
        name = f"bench/objects/{digest}"
        self._client(name, data)
        return {"uri": f"gs://{self._bucket}/{name}", "digest": digest, **({"codec": codec} if codec else {})}

    def step(self, cell, inputs, outputs):
        """Run a cell; returns seconds, and seconds by phase."""
        prefix = f"bench/runs/uid/train/0-{secrets.token_hex(4)}/"
        source = {"schema": "argovx.source/1", "filename": "bench", "cell": cell, "definitions": []}
        spec = {
            "schema": "argovx.step/1",
            "name": "train",
            "source": self.put(json.dumps(source).encode()),
            "environment": {"image": "i", "requirements": [], "python": ""},
            "inputs": inputs,
            "outputs": outputs,
        }
        intent = {
            "schema": "argovx.intent/1",
            "attempt_key": "k" * 32,
            "workflow_uid": "uid",
            "task": "train",
            "spec": self.put(json.dumps(spec).encode()),
            "inputs": inputs,
            "outputs": outputs,
            "prefix": f"gs://{self._bucket}/{prefix}",
        }
        data = json.dumps(intent).encode()
        self._client(prefix + "intent.json", data)
        command = [sys.executable, self._archive, "--intent", intent["prefix"] + "intent.json"]
        command += ["--intent-sha256", hashlib.sha256(data).hexdigest()]
        start = time.perf_counter()
        done = subprocess.run(command, env=self._env, capture_output=True, text=True, check=False)
        took = time.perf_counter() - start
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        return took, self._phases(prefix)

    def bare(self, blob):
        """Return seconds of download and upload of the same bytes."""
        name = blob["uri"].partition("//")[2].partition("/")[2]
        command = [sys.executable, "-c", _BARE, self._bucket, name, f"bench/raw/{secrets.token_hex(4)}"]
        done = subprocess.run(
            [*command, str(self.folder / "raw")],
            env=self._env,
            input=self._token,
            capture_output=True,
            text=True,
            check=True,
        )
        return tuple(float(word) for word in done.stdout.split())

    def _phases(self, prefix):
        from datetime import datetime

        begun = []
        for number in range(1, 100):
            data = self._client(f"{prefix}r0.0/events/part-{number:05d}")
            if data is None:
                break
            for line in data.splitlines():
                event = json.loads(line)
                if event["method"] in ("phase", "closed"):
                    at = datetime.fromisoformat(event["at"]).timestamp()
                    begun.append((event["params"].get("phase", "closed"), at))
        return {name: until - at for (name, at), (_, until) in itertools.pairwise(begun)}


def _metadata(token):
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            del args

        def do_GET(self):
            body = json.dumps({"access_token": token, "expires_in": 3000, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Metadata-Flavor", "Google")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _client(env, bucket, token):
    """Return ``call(name, data)``, which creates an object, and ``call(name)``, which reads one."""
    import ssl
    import urllib.error
    import urllib.parse
    import urllib.request

    context = ssl.create_default_context(cafile=env["SSL_CERT_FILE"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": env["HTTPS_PROXY"]}),
        urllib.request.HTTPSHandler(context=context),
    )

    def call(name, data=None):
        quoted = urllib.parse.quote(name, safe="")
        path = f"/storage/v1/b/{bucket}/o/{quoted}?alt=media"
        if data is not None:
            path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quoted}"
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
        request = urllib.request.Request("https://storage.googleapis.com" + path, data, headers)
        try:
            with opener.open(request) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404 and data is None:
                return None
            raise

    return call


def _timed(act):
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
