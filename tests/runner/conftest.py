"""A job as the launcher would start it, in a Python in which argovx is not installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from argovx_lab import codecs
from argovx_lab.capture.archive import runner_archive
from argovx_lab.model.step import canonical

_SPEC = importlib.util.spec_from_file_location("runner_stub", Path(__file__).with_name("stub.py"))
stub = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stub)

PREFIX = "gs://lab/users/ada/runs/uid-1/train/0-abcd1234/"
LIFE = PREFIX + "r0.0/"


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A virtual environment with nothing in it."""
    folder = tmp_path_factory.mktemp("bare")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("zipapp") / "runner.pyz"
    path.write_bytes(runner_archive())
    return str(path)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Any]:
    made = stub.Cloud(tmp_path)
    yield made
    made.close()


@dataclass
class Job:
    """One step: what goes in, how it is started, what came out."""

    cloud: Any
    archive: str
    python: str
    cell: str = "x = 1"
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    definitions: list[dict[str, Any]] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    minor: str = f"{sys.version_info[0]}.{sys.version_info[1]}"
    environment: dict[str, str] = field(default_factory=dict)
    arguments: list[str] = field(default_factory=list)
    changes: Callable[[dict[str, Any]], None] = lambda intent: None
    prefix: str = PREFIX
    _process: Any = None
    output: str = ""

    def _blob(self, data: bytes) -> dict[str, str]:
        import hashlib

        digest = hashlib.sha256(data).hexdigest()
        uri = f"gs://lab/users/ada/objects/sha256/{digest[:2]}/{digest}"
        self.cloud.put(uri, data)
        return {"uri": uri, "digest": digest}

    def _intent(self) -> bytes:
        source = {
            "schema": "argovx.source/1",
            "filename": "digits.ipynb cell 7 (train)",
            "cell": self.cell,
            "definitions": self.definitions,
            "notebook": "work/digits.ipynb",
            "cell_id": "c7",
            "cell_number": 7,
        }
        inputs = {}
        for name, value in self.inputs.items():
            value, codec = value if isinstance(value, tuple) else (value, "auto")
            encoded = codecs.encode(value, codec)
            inputs[name] = {
                **self._blob(encoded.read()),
                "codec": encoded.codec,
                "size_bytes": encoded.size_bytes,
            }
        spec = {
            "schema": "argovx.step/1",
            "name": "train",
            "source": self._blob(canonical(source)),
            "environment": {"image": "i", "requirements": self.requirements, "python": self.minor},
            "inputs": inputs,
            "outputs": self.outputs,
        }
        intent = {
            "schema": "argovx.intent/1",
            "attempt_key": "k" * 32,
            "workflow_uid": "uid-1",
            "workflow": "wf",
            "task": "train",
            "ordinal": 0,
            "namespace": "argovx",
            "user": "ada",
            "spec": self._blob(canonical(spec)),
            "runner": {"uri": "gs://lab/r", "digest": "0" * 64},
            "inputs": {k: {**v, "generation": 0} for k, v in inputs.items()},
            "outputs": self.outputs,
            "prefix": self.prefix,
            "created_at": "2026-11-24T08:00:00Z",
        }
        self.changes(intent)
        return canonical(intent)

    def start(self) -> subprocess.Popen[str]:
        import hashlib

        data = self._intent()
        uri = self.prefix + "intent.json"
        self.cloud.put(uri, data)
        env = {k: v for k, v in os.environ.items() if not k.upper().endswith("_PROXY")}
        env.update(self.cloud.environment, **self.environment)
        env.pop("PYTHONPATH", None)
        command = [self.python, self.archive, "--intent", uri]
        command += ["--intent-sha256", hashlib.sha256(data).hexdigest(), *self.arguments]
        self._process = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        return self._process

    def finish(self, timeout_s: float = 60) -> int:
        try:
            self.output, _ = self._process.communicate(timeout=timeout_s)
        finally:
            self._process.kill()
        assert stub.TOKEN not in self.output
        return self._process.returncode

    def run(self) -> int:
        self.start()
        return self.finish()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            assert self._process.poll() is None, self._process.communicate()[0]
            time.sleep(0.02)

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.cloud.events(LIFE)

    @property
    def closed(self) -> dict[str, Any]:
        last = self.events[-1]
        assert last["method"] == "closed"
        return last["params"]

    @property
    def error(self) -> dict[str, Any]:
        return self.closed["error"]

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads(self.cloud.get(PREFIX + "manifest.json"))

    def value(self, name: str) -> Any:
        item = self.manifest["outputs"][name]
        return codecs.decode(self.cloud.get(item["uri"]), item["codec"])


@pytest.fixture
def job(cloud: Any, archive: str, bare_python: str) -> Job:
    return Job(cloud, archive, bare_python)


@pytest.fixture(scope="session")
def main_python() -> str:
    """The interpreter that has numpy, pandas and pip; the runner itself comes from the archive."""
    return sys.executable


def _pythons() -> list[str]:
    """Other minors of Python on this machine, from 3.9 on; none is a reason to skip, not to fail."""
    found = {}
    roots = [Path("/usr/bin"), Path("/usr/local/bin"), *Path.home().glob(".pyenv/versions/3.*/bin")]
    for minor in (9, 10, 12, 13):
        for root in roots:
            if (root / f"python3.{minor}").exists():
                found.setdefault(minor, str(root / f"python3.{minor}"))
    return list(found.values())


@pytest.fixture(params=_pythons() or [None], ids=lambda path: Path(path).name if path else "none")
def other_python(request: pytest.FixtureRequest) -> str:
    if request.param is None:
        pytest.skip("no other Python from 3.9 on is on this machine")
    return request.param


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small package as a wheel, made by hand."""
    import zipfile

    path = tmp_path_factory.mktemp("wheels") / "argovx_test_wheel-1.2-py3-none-any.whl"
    info = "argovx_test_wheel-1.2.dist-info/"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("argovx_test_wheel.py", "ANSWER = 42\n")
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: argovx-test-wheel\nVersion: 1.2\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(info + "RECORD", "")
    return path
