"""``--here``: the very same step on this machine, as a process of its own, in seconds.

Owns the folder that stands in the bucket's place, the process and its clean environment. Spec, source, runner
and inputs are those that a job would get, byte for byte; no cluster is asked and no job is made. The process
gets no credentials: a cell that asks Google itself has to run as a job.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from argovx_lab.capture.archive import runner_archive
from argovx_lab.capture.arguments import Options
from argovx_lab.compile.manifest import machine_text
from argovx_lab.errors import InternalError, SpecError, StepTimedOut
from argovx_lab.model import names
from argovx_lab.model.layout import split_uri
from argovx_lab.model.step import canonical
from argovx_lab.notebook import child
from argovx_lab.notebook.inputs import Bound
from argovx_lab.notebook.plan import Plan
from argovx_lab.runs.stream import Stream, parse, reduce
from argovx_lab.wiring import Services

#: What every view of such a result says.
RAN_HERE = "ran on this machine"

#: Flags that mean the same here; every other one is refused with ``--here``.
_KEPT = {"here", "machine", "image", "requirements", "timeout_s", "dry_run", "allow_secret"}


@dataclass(frozen=True)
class Ended:
    """How a step on this machine ended.

    Parameters
    ----------
    id : str
        Stands where a job has its Workflow's name.
    outputs : dict
        Output → its entry in the runner's manifest; empty when the step failed.
    files : dict
        Output → the file with its bytes.
    """

    id: str
    started_at: str
    finished_at: str
    stream: Stream
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def refuse_flags(options: Options, flags: Mapping[str, str]) -> None:
    """Refuse what ``--here`` cannot do.

    Parameters
    ----------
    flags : mapping
        Field of the options → the flag as it is typed.

    Raises
    ------
    SpecError
        Naming the flags.
    """
    usual = Options()
    odd = [
        flags.get(name, name)
        for name in vars(options)
        if name not in _KEPT and getattr(options, name) != getattr(usual, name)
    ]
    if odd:
        listed = ", ".join(odd)
        hint = f"Take out {listed}, or take out --here to run it as a job."
        raise SpecError(f"--here runs the step on this machine, where {listed} cannot be had", hint=hint)


def differences(plan: Plan) -> str:
    """Return what a job would have that this machine does not: said each time, for results may differ."""
    spec = plan.spec
    return (
        f"runs on this machine, with this kernel's Python {spec.environment.python} and packages: not in"
        f" {spec.environment.image}, not on {machine_text(spec)}, and without credentials"
    )


class Workshop:
    """The folder of one step on this machine; taken away at the end of the ``with`` block."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._id = f"here-{secrets.token_hex(6)}"
        self._temporary = tempfile.TemporaryDirectory(prefix="argovx-here-", ignore_cleanup_errors=True)
        self._root = Path(self._temporary.name)
        self._key = names.attempt_key(self._id, plan.name, 0, "")
        self._attempt = plan.services.profile.layout.attempt(self._id, plan.name, 0, self._key)

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_ended: object) -> None:
        self._temporary.cleanup()

    def run(self) -> Ended:
        """Run the step; its output appears as the cell's own.

        Raises
        ------
        KeyboardInterrupt
            When the user interrupts; the process has ended then.
        StepTimedOut
            When it ran longer than ``--timeout`` allows.
        """
        self._fill()
        started = _now()
        code = self._process()
        stream = self._stream()
        if stream.outcome not in ("succeeded", "failed"):
            raise InternalError(
                f"{self._plan.name} ended on this machine without a record (exit code {code})",
                hint="What it wrote stands above.",
            )
        if stream.outcome == "failed":
            return Ended(self._id, started, _now(), stream)
        outputs = json.loads(self._file(self._attempt.bucket, self._attempt.manifest).read_bytes())["outputs"]
        files = {name: self._file(*split_uri(item["uri"])) for name, item in outputs.items()}
        return Ended(self._id, started, _now(), stream, outputs, files)

    def _fill(self) -> None:
        """Put down everything that the runner reads, under the names that it has in the bucket."""
        plan = self._plan
        (self._root / "runner.pyz").write_bytes(runner_archive())
        for folder in ("work", "home", "tmp"):
            (self._root / folder).mkdir()
        self._write(plan.spec.source.uri, plan.source)
        self._write(self._spec_uri, plan.spec.encode())
        for item in plan.inputs:
            place(item, self._file(*split_uri(item.ref.uri)), plan.services)
        self._write(self._intent_uri, canonical(self._intent()))

    @property
    def _spec_uri(self) -> str:
        layout = self._plan.services.profile.layout
        return layout.uri(layout.object(self._plan.spec.digest))

    @property
    def _intent_uri(self) -> str:
        return f"gs://{self._attempt.bucket}/{self._attempt.intent}"

    def _intent(self) -> dict[str, Any]:
        plan = self._plan
        return {
            "schema": "argovx.intent/1",
            "attempt_key": self._key,
            "workflow_uid": self._id,
            "workflow": self._id,
            "task": plan.name,
            "ordinal": 0,
            "namespace": "",
            "user": plan.services.profile.user,
            "spec": {"uri": self._spec_uri, "digest": plan.spec.digest},
            "runner": {"uri": plan.spec.runner.uri, "digest": plan.spec.runner.digest},
            "inputs": {
                name: {"uri": ref.uri, "digest": ref.digest, "codec": ref.codec, "generation": 0}
                for name, ref in plan.spec.inputs.items()
            },
            "outputs": dict(plan.spec.outputs),
            "prefix": self._attempt.uri,
            "created_at": _now(),
        }

    def _process(self) -> int:
        intent = self._file(self._attempt.bucket, self._attempt.intent).read_bytes()
        command = [sys.executable, str(self._root / "runner.pyz"), "--intent", self._intent_uri]
        command += ["--intent-sha256", hashlib.sha256(intent).hexdigest()]
        command += ["--folder", str(self._root / "bucket")]
        process = subprocess.Popen(
            command,
            cwd=self._root / "work",
            env=child.clean_environment(self._root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        late = threading.Event()

        def end() -> None:
            late.set()
            process.terminate()

        timer = threading.Timer(self._plan.spec.timeout_s, end)
        timer.daemon = True
        timer.start()
        threading.Thread(target=child.clear, args=(process,), daemon=True).start()
        try:
            child.show(process)
            code = process.wait()
        finally:
            timer.cancel()
            child.end(process)
        if late.is_set():
            raise StepTimedOut(
                f"{self._plan.name} timed out on this machine after {self._plan.spec.timeout_s} s",
                hint="It ran longer than --timeout allows; raise it, or run it as a job.",
            )
        return code

    def _stream(self) -> Stream:
        """Return what the runner said, out of its event parts."""
        stream = Stream(life=(0, 0))
        folder = self._file(self._attempt.bucket, self._attempt.replica().rstrip("/")) / "events"
        for part in sorted(folder.glob("part-*")):
            stream = reduce(stream, parse(part.read_bytes()))
        return stream

    def _write(self, uri: str, data: bytes) -> None:
        file = self._file(*split_uri(uri))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def _file(self, bucket: str, name: str) -> Path:
        return self._root / "bucket" / bucket / name


def place(item: Bound, file: Path, services: Services) -> None:
    """Put an input's bytes down, checked against its digest where they come from the bucket."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        if item.encoded is not None:
            for chunk in item.encoded.chunks():
                target.write(chunk)
            item.encoded.close()
        else:
            services.objects.download(*split_uri(item.ref.uri), target, digest=item.ref.digest)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
