"""The launcher's CPU from its start to the answer of the create call, beside a bare google-auth script.

Target: at most 1.5 times the bare script. One run of the real launcher is recorded on the loopback world of
its tests (plain HTTP); then both are measured in turn: the launcher, which ends itself by its fault plan once
the create call was answered, and a script that sends the recorded requests with google-auth and requests.
"""

import base64
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import middle, row

RUNS = 9

_BARE = """
import base64, json, sys
import requests
from google.auth import identity_pool
from google.auth.transport.requests import AuthorizedSession

with open(sys.argv[1]) as file:
    plan = json.load(file)
google = AuthorizedSession(identity_pool.Credentials(
    audience=plan["audience"],
    subject_token_type="urn:ietf:params:oauth:token-type:jwt",
    token_url=plan["url"] + "/v1/token",
    credential_source={"file": plan["token_file"]},
    scopes=["https://www.googleapis.com/auth/cloud-platform"],
))
cluster = requests.Session()
with open(plan["cluster_token_file"]) as file:
    cluster.headers["Authorization"] = "Bearer " + file.read().strip()
for method, path, kind, body in plan["requests"]:
    session = cluster if path.startswith("/apis/") else google
    headers = {"Content-Type": kind} if kind else {}
    answer = session.request(method, plan["url"] + path, data=base64.b64decode(body), headers=headers)
    print(method, answer.status_code, answer.url, file=sys.stderr)
"""

# A child's ru_maxrss begins with the size of the process that it was forked from: this one must be small.
_SMALL = """
import json, os, sys
pid = os.fork()
if pid == 0:
    os.dup2(2, 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


def run():
    """Record once, then measure in turn."""
    kit = _kit()
    number, recorded, statuses = _rehearse(kit)
    ours, bare = [], []
    for _ in range(RUNS):
        ours.append(_launcher(kit, number, len(recorded)))
        bare.append(_bare(kit, recorded, statuses))
    cpu, peak = (middle(values) for values in zip(*ours, strict=True))
    floor, floor_peak = (middle(values) for values in zip(*bare, strict=True))
    print(f"{len(recorded)} requests up to the create call, the token exchange among them")
    row("launcher's CPU up to the create call", cpu, "s", peer="bare google-auth", peer_value=floor)
    row("  times the bare script", cpu / floor, "", target=1.5)
    row("  peak RSS", peak, "MB", peer="bare google-auth", peer_value=floor_peak)


def _kit():
    """Load the launcher's test folder: its loopback world and the pod's environment."""
    place = Path(__file__).parent.parent / "tests" / "launcher" / "conftest.py"
    spec = importlib.util.spec_from_file_location("argovx_bench_launcher", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Stage:
    """A fresh world with one step, its server (which records), and a launcher that is not yet started."""

    def __init__(self, kit, folder):
        lib = sys.modules["argovx_test_world"]
        recorded = self.recorded = []

        class Recorder(lib.Server):
            def serve(self, handler):
                body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
                stream, handler.rfile = handler.rfile, io.BytesIO(body)
                kind = handler.headers.get("Content-Type", "")
                recorded.append((handler.command, handler.path, kind, body))
                try:
                    super().serve(handler)
                finally:
                    handler.rfile = stream

        world = lib.World()
        self.server = Recorder(world)
        self.launcher = kit.Launcher(world, self.server.url, Path(folder))
        self.step = lib.spec(world)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()


def _rehearse(kit):
    """Return the create call's number, the requests up to it, and their statuses by method and path."""
    with tempfile.TemporaryDirectory(prefix="argovx-launcher-") as folder, _Stage(kit, folder) as stage:
        log = Path(folder) / "faults.log"
        process = stage.launcher.start(stage.step, ARGOVX_FAULTS_LOG=str(log))
        _, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"the launcher ended with {process.returncode}: {errors.decode()[-500:]}")
        lines = [line.split(" ", 3) for line in log.read_text().splitlines()]
        number = next(int(n) for n, method, path, _ in lines if _creates(method, path))
        last = next(i for i, (method, path, *_) in enumerate(stage.recorded) if _creates(method, path))
    statuses = [status for n, method, _, status in lines if int(n) <= number and method != "WRITE"]
    return number, stage.recorded[: last + 1], statuses


def _creates(method, path):
    return method == "POST" and path.partition("?")[0].endswith("/customJobs")


def _launcher(kit, number, expected):
    with tempfile.TemporaryDirectory(prefix="argovx-launcher-") as folder, _Stage(kit, folder) as stage:
        env = {**_base(), **stage.launcher.environment, "ARGOVX_FAULTS": f"kill-after@{number}"}
        command = [sys.executable, "-m", "argovx_lab.launcher", *stage.launcher.arguments(stage.step)]
        code, cpu, peak, errors = _usage(command, folder, env)
        if code != -signal.SIGKILL or len(stage.recorded) != expected:
            raise RuntimeError(f"the launcher did not end at its create call: {errors[-500:]}")
    return cpu, peak


def _bare(kit, recorded, statuses):
    with tempfile.TemporaryDirectory(prefix="argovx-launcher-") as folder, _Stage(kit, folder) as stage:
        environment = stage.launcher.environment
        token_file = Path(environment["ARGOVX_TOKEN_FILE"])
        token_file.write_text(token_file.read_text().strip())  # google-auth would send the line's end
        plan = {
            "url": stage.server.url,
            "audience": environment["ARGOVX_AUDIENCE"],
            "token_file": str(token_file),
            "cluster_token_file": str(Path(environment["ARGOVX_KUBERNETES_DIR"]) / "token"),
            "requests": [
                (method, path, kind, base64.b64encode(body).decode())
                for method, path, kind, body in recorded
                if path != "/v1/token"
            ],
        }
        (Path(folder) / "plan.json").write_text(json.dumps(plan))
        (Path(folder) / "bare.py").write_text(_BARE)
        command = [sys.executable, "bare.py", "plan.json"]
        code, cpu, peak, errors = _usage(command, folder, _base())
        if code or len(stage.recorded) != len(recorded):
            raise RuntimeError(f"the bare script did not do the same calls: {errors[-500:]}")
        seen = sorted(line.split()[1] for line in errors.splitlines() if line)
        wanted = sorted(statuses)
        if len(wanted) == len(seen) + 1:  # google-auth exchanges the token unseen
            wanted.remove("200")
        if seen != wanted:
            raise RuntimeError(f"the bare script was answered {seen}, the launcher {wanted}")
    return cpu, peak


def _base():
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def _usage(command, folder, env):
    """Return exit code, CPU seconds, peak RSS in MB, and what the command wrote to stderr."""
    small = [sys.executable, "-I", "-S", "-c", _SMALL, *command]
    done = subprocess.run(small, cwd=folder, env=env, capture_output=True, text=True, check=True)
    code, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return code, cpu, peak * 1024 / 1e6, done.stderr
