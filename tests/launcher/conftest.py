"""A launcher against a loopback world, in this process or as the real program."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.context import Interrupt, connect
from argovx_lab.launcher.events import Events
from argovx_lab.launcher.settings import from_environment
from argovx_lab.launcher.step import Step
from argovx_lab.launcher.sweep import sweep
from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.model.step import canonical


def _load(name: str) -> Any:
    """Load a module that lies beside this file; tests are no package."""
    place = importlib.util.spec_from_file_location(
        f"argovx_test_{name}", Path(__file__).with_name(f"{name}.py")
    )
    module = importlib.util.module_from_spec(place)
    sys.modules[place.name] = module
    place.loader.exec_module(module)
    return module


_module = _load("world")
_matrix = _load("matrix")

QUICK = {
    "started_s": 5,
    "started_poll_s": 0.01,
    "bucket_min_s": 0.01,
    "bucket_max_s": 0.05,
    "vertex_first_s": 0.05,
    "vertex_max_s": 0.1,
    "settle_min_s": 0.01,
    "settle_max_s": 0.05,
    "settle_s": 3,
    "lookup_s": 0.02,
    "busy_max_s": 0.05,
    "creates_per_minute": 60_000,
    "cancel_s": 2,
    "cancel_poll_s": 0.02,
    "silence_s": 0.05,
    "request_first_s": 0.01,
    "request_max_s": 0.05,
    "hang_s": 0.01,
}


class Launcher:
    """Runs the launcher for one step of the world."""

    def __init__(self, world: Any, url: str, folder: Path) -> None:
        self.world, self.url, self.folder = world, url, folder
        self.outputs = folder / "outputs"
        self.termination = folder / "termination"
        self.termination.touch()
        self.layout = Layout(_module.BUCKET, _module.USER)
        secrets = folder / "secrets"
        secrets.mkdir()
        (secrets / "token").write_text(_module.jwt(sub="system:serviceaccount:team:wf-ada") + "\n")
        (secrets / "namespace").write_text("team")
        (folder / "sts-token").write_text(world.subject_token + "\n")
        self.environment = {
            "ARGOVX_STS_URL": url,
            "ARGOVX_AUDIENCE": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
            "ARGOVX_TOKEN_FILE": str(folder / "sts-token"),
            "ARGOVX_AIPLATFORM_URL": url,
            "ARGOVX_STORAGE_URL": url,
            "ARGOVX_PROJECT": _module.PROJECT,
            "ARGOVX_REGION": _module.REGION,
            "ARGOVX_BUCKET": _module.BUCKET,
            "ARGOVX_ACCOUNT": "wf-ada",
            "ARGOVX_OUTPUTS": str(self.outputs),
            "ARGOVX_KUBERNETES_URL": url,
            "ARGOVX_KUBERNETES_DIR": str(secrets),
            "ARGOVX_TERMINATION_LOG": str(self.termination),
            "ARGOVX_TIMES": json.dumps(QUICK),
            "ARGO_WORKFLOW_NAME": "wf-1",
            "ARGO_PROGRESS_FILE": str(folder / "progress"),
        }
        self.stderr = StringIO()
        self.at(0)

    def at(self, ordinal: int) -> None:
        """Stand at a retry ordinal, as Argo would have it."""
        self.ordinal = ordinal
        started_at = self.world.workflow["status"]["startedAt"] if self.world.workflow else None
        self.world.workflow = _module.workflow(ordinal, started_at)
        self.node_id = names.node_id("wf-1", f"wf-1.train({ordinal})")
        self.environment["ARGO_NODE_ID"] = self.node_id
        self.world.task_results[self.node_id] = {}

    def arguments(self, step: Any, **changes: str) -> list[str]:
        """Return the command line that the template would give."""
        values = {
            "spec": self.layout.uri(self.layout.object(step.digest)),
            "spec-digest": step.digest,
            "inputs": canonical({name: asdict(ref) for name, ref in step.inputs.items()}).decode(),
            "kind": step.kind,
            "image": step.environment.image,
            "machine-type": step.machine.type,
            "accelerator": step.machine.accelerator,
            "accelerator-count": str(step.machine.accelerator_count),
            "replicas": str(step.machine.replicas),
            "strategy": step.machine.strategy,
            "disk-gb": str(step.machine.disk_gb),
            "persistent-resource": step.machine.persistent,
            "timeout": str(step.timeout_s),
            "retries": str(step.retries),
            "retry-failures": "true" if step.retry_failures else "false",
            "run-as": step.run_as,
            "ordinal": str(self.ordinal),
        }
        values.update({name.replace("_", "-"): value for name, value in changes.items()})
        return ["run", *(f"--{name}={value}" for name, value in values.items())]

    def context(self, **times: float) -> Any:
        """Build the clients as the program does."""
        settings = from_environment(self.environment)
        settings = replace(settings, times=replace(settings.times, **times))
        return connect(settings, Events(self.stderr), Interrupt())

    def run(self, step: Any, **changes: str) -> Any:
        """Run the step in this process and return its ending."""
        return Step(self.context(), parse(self.arguments(step, **changes))).run()

    def sweep(self) -> Any:
        """Run the sweeper in this process."""
        return sweep(self.context(), _module.UID)

    def start(self, step: Any, **environment: str) -> subprocess.Popen[bytes]:
        """Start the real program."""
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return subprocess.Popen(
            [sys.executable, "-m", "argovx_lab.launcher", *self.arguments(step)],
            env={**base, **self.environment, **environment},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def attempt(self, ordinal: int = 0) -> Any:
        """Return the folder of an attempt."""
        started = self.world.workflow["status"]["startedAt"]
        key = names.attempt_key(_module.UID, "wf-1.train", ordinal, started)
        return self.layout.attempt(_module.UID, "wf-1.train", ordinal, key)

    def output(self, name: str) -> str:
        """Return an output parameter as Argo would read it."""
        path = self.outputs / name
        return path.read_text() if path.exists() else ""

    @property
    def events(self) -> list[dict[str, Any]]:
        """The launcher's own lines so far."""
        return [json.loads(line) for line in self.stderr.getvalue().splitlines()]


@pytest.fixture
def lib() -> Any:
    """Return the module behind the world: behaviours and documents."""
    return SimpleNamespace(**vars(_module))


@pytest.fixture
def world() -> Any:
    """Return the state behind the endpoints."""
    return _module.World()


@pytest.fixture
def launcher(world: Any, tmp_path: Path) -> Any:
    """Return a launcher for the step ``train`` of user ``ada``."""
    server = _module.Server(world)
    yield Launcher(world, server.url, tmp_path)
    server.close()


@pytest.fixture
def matrix(launcher: Any) -> Any:
    """Return the crash matrix of a launcher."""
    return _matrix.Matrix(launcher, _module)


@pytest.fixture
def step(world: Any) -> Any:
    """Return a step whose documents lie in the bucket."""
    return _module.spec(world)
