"""From start to create call, over TLS on one sandbox: the launcher, four other ways to make a custom job.

Targets: CPU at most 1.5 times a bare google-auth script that sends the same requests, at most a quarter of
the launcher of Google Cloud Pipeline Components, and 50 MB at the peak. All are measured in turn. The
sandbox's Google end answers all; one question to Kubernetes goes to the loopback world of the tests.
"""

import base64
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from benchmarks import launcher_peers as peers
from benchmarks.report import middle, row

RUNS = 7


def run():
    """Record once, then measure in turn."""
    with tempfile.TemporaryDirectory(prefix="argovx-launcher-") as folder:
        bench = Bench(Path(folder))
        number, recorded = bench.rehearse()
        print(f"{len(recorded)} requests up to the create call, the token exchange among them")
        found = {name: [] for name in ("launcher", "bare", "gapic", "sdk", "components")}
        for _ in range(RUNS):
            found["launcher"].append(bench.launcher(number))
            found["bare"].append(bench.bare(recorded))
            found["gapic"].append(bench.script(peers.GAPIC))
            found["sdk"].append(bench.script(peers.SDK))
            found["components"].append(bench.components())
    _report({name: values for name, values in found.items() if all(values)})


def _report(found):
    names = {
        "bare": "bare google-auth",
        "gapic": "gapic script",
        "sdk": "Vertex SDK script",
        "components": "pipeline components",
    }
    took, cpu, peak = (middle(values) for values in zip(*found["launcher"], strict=True))
    row("launcher, start to create call: CPU", cpu, "s")
    row("  wall time", took, "s")
    row("  peak RSS", peak, "MB", target=50)
    for name, title in names.items():
        if name not in found:
            print(f"{title}: not measured")
            continue
        theirs = [middle(values) for values in zip(*found[name], strict=True)]
        target = {"bare": 1.5, "components": 0.25}.get(name)
        row(f"{title}: CPU", theirs[1], "s", peer="launcher", peer_value=cpu)
        row("  launcher's CPU as a share of it", cpu / theirs[1], "", target=target)
        row("  wall time", theirs[0], "s", peer="launcher", peer_value=took)
        row("  peak RSS", theirs[2], "MB", peer="launcher", peer_value=peak)


class Bench:
    """The sandbox's Google end, a loopback Kubernetes API, and programs that start from nothing."""

    def __init__(self, folder, components=True):
        from argovx_lab.wiring.local import sandbox_environment, sandbox_profile, start_sandbox

        self._folder = folder
        status = start_sandbox()
        self.profile = sandbox_profile(status)
        self._owner = {**_base(), **sandbox_environment()}
        self.token_file = str(Path(status.state_dir) / "tokens" / "owner.jwt")
        self.kit, self.lib = _kit(self.profile)
        self._python = _components_environment(folder) if components else None
        self._count = 0

    def stage(self):
        """Return a fresh Workflow whose documents lie in the sandbox."""
        return Stage(self)

    def rehearse(self):
        """Run the launcher on the loopback world; return the create call's number, the requests up to it."""
        with Stage(self, loopback=True) as stage:
            log = stage.folder / "faults.log"
            process = stage.launcher.start(stage.step, ARGOVX_FAULTS_LOG=str(log))
            _, errors = process.communicate()
            if process.returncode:
                raise RuntimeError(f"the launcher ended with {process.returncode}: {errors.decode()[-500:]}")
            lines = [line.split(" ", 3) for line in log.read_text().splitlines()]
            number = next(int(n) for n, method, path, _ in lines if _creates(method, path))
            last = next(i for i, (method, path, *_) in enumerate(stage.recorded) if _creates(method, path))
            self._uid = stage.uid
            return number, stage.recorded[: last + 1]

    def launcher(self, number):
        with self.stage() as stage:
            env = {**_base(), **stage.launcher.environment, "ARGOVX_FAULTS": f"kill-after@{number}"}
            command = [sys.executable, "-m", "argovx_lab.launcher", *stage.launcher.arguments(stage.step)]
            code, *found, errors = _usage(command, stage.folder, env)
            if code != -signal.SIGKILL or '"method":"creating"' not in errors or "warning" in errors:
                raise RuntimeError(f"the launcher did not end at its create call: {errors[-700:]}")
            return found

    def bare(self, recorded):
        with self.stage() as stage:
            environment = stage.launcher.environment
            plan = {
                "url": self.profile.endpoints.sts.rstrip("/"),
                "cluster": stage.server.url,
                "audience": environment["ARGOVX_AUDIENCE"],
                "token_file": self.token_file,
                "cluster_token_file": str(Path(environment["ARGOVX_KUBERNETES_DIR"]) / "token"),
                "requests": [
                    (
                        method,
                        self._fresh(path, stage.uid),
                        kind,
                        base64.b64encode(self._body(body, stage.uid)).decode(),
                    )
                    for method, path, kind, body in recorded
                    if path != "/v1/token"
                ],
            }
            env = {**_base(), "REQUESTS_CA_BUNDLE": self.profile.ca_file}
            code, *found, errors = self._script(stage.folder, peers.BARE, plan, env)
            answers = [
                line.split()[1] for line in errors.splitlines() if line[:1].isupper() and " 2" in line[:8]
            ]
            if code or len(answers) != len(plan["requests"]):
                raise RuntimeError(f"the bare script was not answered as the launcher is: {errors[-700:]}")
            return found

    def script(self, text):
        folder = self.next()
        code, *found, errors = self._script(folder, text, self._plan(folder), self._owner)
        if code or "created projects/" not in errors:
            raise RuntimeError(f"a peer made no job: {errors[-700:]}")
        return found

    def components(self):
        if self._python is None:
            return None
        folder, plan = self.next(), self._plan("components")
        pool = {
            "machine_spec": {"machine_type": "n1-standard-8"},
            "replica_count": 1,
            "container_spec": {"image_uri": plan["image"], "command": ["true"]},
        }
        spec = {"worker_pool_specs": [pool], "service_account": plan["run_as"]}
        payload = json.dumps({"display_name": "components", "job_spec": spec})
        written = str(folder / "gcp_resources")
        command = [self._python, "-m", peers.COMPONENTS, "--type", "CustomJob", "--payload", payload]
        command += ["--project", plan["project"], "--location", plan["region"], "--gcp_resources", written]
        code, *found, errors = _usage(command, folder, self._owner, until=written)
        if code != -signal.SIGKILL or "customJobs" not in Path(written).read_text():
            raise RuntimeError(f"the pipeline components made no job: {errors[-700:]}")
        return found

    def _script(self, folder, text, plan, env):
        (folder / "plan.json").write_text(json.dumps(plan))
        (folder / "peer.py").write_text(text)
        return _usage([sys.executable, "peer.py", "plan.json"], folder, env)

    def _plan(self, folder):
        profile = self.profile
        return {
            "project": profile.project,
            "region": profile.region,
            "bucket": profile.bucket,
            "image": profile.images[0],
            "run_as": profile.run_as,
            "folder": f"gs://{profile.bucket}/peers/{Path(str(folder)).name}",
        }

    def next(self):
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder

    def _fresh(self, path, uid):
        """Return a path of the rehearsal as a run of its own would have it."""
        path = path.replace(quote(self._uid, safe=""), uid)
        return path if "/turns/" not in path else path[:-6] + uid[-6:]

    def _body(self, body, uid):
        """Give records of the rehearsal names of their own; turns are told apart by their place."""
        if b"/turns/" in body:
            place = body.partition(b"/turns/")[2][:14]
            return body.replace(place, b"%014d" % (uuid.uuid4().int % 10**14))
        count = 1 if body.startswith(b"--") else -1  # an object's name only: its bytes have a checksum
        return body.replace(self._uid.encode(), uid.encode(), count)


class Stage:
    """A fresh Workflow with one step, its documents in the sandbox's bucket or in the loopback world."""

    def __init__(self, bench, loopback=False):
        lib, kit, profile = bench.lib, bench.kit, bench.profile
        recorded = self.recorded = []
        self.folder, self.uid = bench.next(), str(uuid.uuid4())
        lib.UID = self.uid

        class Recorder(lib.Server):
            def serve(self, handler):
                body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
                stream, handler.rfile = handler.rfile, io.BytesIO(body)
                recorded.append(
                    (handler.command, handler.path, handler.headers.get("Content-Type", ""), body)
                )
                try:
                    super().serve(handler)
                finally:
                    handler.rfile = stream

        world = lib.World()
        self.server = Recorder(world)
        self.launcher = kit.Launcher(world, self.server.url, self.folder)
        self.launcher.environment["ARGOVX_ACCOUNT"] = f"wf-{profile.user}"
        del self.launcher.environment["ARGOVX_TIMES"]
        self.step = lib.spec(world)
        self.step = replace(self.step, environment=replace(self.step.environment, image=profile.images[0]))
        self.step = replace(self.step, run_as=profile.run_as)
        world.put(self.launcher.layout.object(self.step.digest), self.step.encode())
        if not loopback:
            self._to_sandbox(bench, world)

    def _to_sandbox(self, bench, world):
        from argovx_lab.wiring.services import Services

        profile = bench.profile
        objects = Services(profile).objects
        for stored in list(world.objects.values()):
            objects.create_content(self.launcher.layout, stored["data"])
        self.launcher.environment.update(
            ARGOVX_STS_URL=profile.endpoints.sts,
            ARGOVX_AIPLATFORM_URL=profile.endpoints.aiplatform,
            ARGOVX_STORAGE_URL=profile.endpoints.storage,
            ARGOVX_AUDIENCE=profile.audience,
            ARGOVX_TOKEN_FILE=bench.token_file,
            ARGOVX_CA_FILE=profile.ca_file,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()


def _kit(profile):
    """Load the launcher's test folder, with the sandbox's names in its loopback world."""
    place = Path(__file__).parent.parent / "tests" / "launcher" / "conftest.py"
    spec = importlib.util.spec_from_file_location("argovx_bench_launcher", place)
    kit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kit)
    lib = sys.modules["argovx_test_world"]
    lib.PROJECT, lib.NUMBER, lib.REGION = profile.project, profile.project_number, profile.region
    lib.BUCKET, lib.USER = profile.bucket, profile.user
    return kit, lib


def _creates(method, path):
    return method == "POST" and path.partition("?")[0].endswith("/customJobs")


def _components_environment(folder):
    """Return the Python that has the pipeline components, in an environment of its own, or ``None``."""
    given = os.environ.get("ARGOVX_BENCH_COMPONENTS", "")
    uv = shutil.which("uv")
    if given or uv is None:
        if not given:
            print(
                "the pipeline components are not measured: uv is not on the path (make bench puts it there)"
            )
        return given or None
    python = str(folder / "components" / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "components"], check=True)
    packages = ["google-cloud-pipeline-components>=2"]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *packages], check=True)
    return python


def _base():
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def _usage(command, folder, env, until=""):
    """Return exit code, wall time and CPU in seconds, peak RSS in MB, and what was written to stderr."""
    small = [sys.executable, "-I", "-S", "-c", peers.SMALL, until, *command]
    done = subprocess.run(small, cwd=folder, env=env, capture_output=True, text=True, check=True)
    code, took, cpu, peak = json.loads(done.stdout.splitlines()[-1])
    return code, took, cpu, peak * 1024 / 1e6, done.stderr
