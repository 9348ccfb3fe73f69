"""One step from intent to ``closed``: the order of things, and what every end is called.

Owns the claim of ``r<replica>.<restart>``, the phases and the manifest. Everything that is written
is written once; the manifest comes after the outputs, ``closed`` after everything. Refuses documents
whose digests, names or codecs do not agree.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any, Optional

from argovx_lab.errors import ArgovxError
from argovx_lab.runner import documents
from argovx_lab.runner.bucket import Bucket
from argovx_lab.runner.checkpoints import EVERY_S, Checkpoints
from argovx_lab.runner.earlier import checkpoints_of_earlier
from argovx_lab.runner.events import Events
from argovx_lab.runner.folder import Folder
from argovx_lab.runner.lives import about, claim, replica_number
from argovx_lab.runner.outputs import Attempt, upload, upload_partial
from argovx_lab.runner.parts import Parts
from argovx_lab.runner.process import Child
from argovx_lab.runner.requirements import install, missing
from argovx_lab.runner.streams import Streams
from argovx_lab.runner.tee import Tee
from argovx_lab.runner.token import TokenSource
from argovx_lab.runner.trace import failure, of_disk, plain

#: How long the last records may take. Unit: seconds.
CLOSE_S = 60.0

#: How long a reader of stdout that is stuck is waited for at the end. Unit: seconds.
STDOUT_S = 5.0

#: How long the last checkpoint may take, after the cell has ended. Unit: seconds.
CHECKPOINT_S = 60.0


@dataclass(frozen=True)
class Settings:
    """What the command line says."""

    intent: str
    intent_sha256: str
    grace_s: float = 10.0
    checkpoint_every_s: float = EVERY_S
    folder: str = ""


class Stopped(BaseException):
    """SIGTERM or SIGINT came while no cell was running."""


def run_step(settings: Settings) -> int:
    """Run one step; returns the exit code (0, 1, or 128 + n)."""
    bucket = Folder(settings.folder) if settings.folder else Bucket(TokenSource())
    try:
        intent = documents.intent(bucket.read(settings.intent, settings.intent_sha256))
        replica = replica_number(os.environ.get("CLUSTER_SPEC", ""))
        life = claim(bucket, intent.prefix, replica)
    except ArgovxError as error:
        sys.stderr.write("argovx runner: %s %s\n" % (error.message, error.hint))
        return 1
    return _Job(settings, bucket, intent, (replica, life)).run()


class _Job:
    """The state of one life of one replica."""

    def __init__(
        self, settings: Settings, bucket: Bucket, intent: documents.Intent, life: tuple[int, int]
    ) -> None:
        self._settings = settings
        self._bucket = bucket
        self._intent = intent
        self._replica, self._restart = life
        stream = "%sr%d.%d/" % (intent.prefix, *life)
        self._logs = Parts(bucket, stream + "logs/part-")
        self._events = Events(Parts(bucket, stream + "events/part-", start=2))
        self._tee = Tee()
        self._streams = Streams(bucket)
        self._checkpoints: Optional[Checkpoints] = None
        self._child: Optional[Child] = None
        self._warm: Optional[Child] = None
        self._last_word: Optional[dict[str, Any]] = None
        self._following: Optional[tuple[Attempt, dict[str, Any], str]] = None
        self._signal = 0

    def run(self) -> int:
        """Run the step and close the record."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        folder = ""
        try:
            folder = tempfile.mkdtemp(prefix="argovx-")
            error = self._phases(folder)
        except Stopped:
            error = None
        except ArgovxError as failed:
            error = plain(failed.name, failed.message + (". " + failed.hint if failed.hint else ""))
        except OSError as failed:
            error = of_disk(failed, "the runner could not go on")
        finally:
            self._streams.stop()
            if self._warm is not None:
                self._warm.drop()
            shutil.rmtree(folder, ignore_errors=True)
        if self._signal:
            name = signal.Signals(self._signal).name
            error = plain("Cancelled", "the job was told to stop (%s)" % name)
        return self._close(error)

    def _close(self, error: Optional[dict[str, Any]]) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if error is not None:
            self._output(("argovx: %(type)s: %(message)s\n" % error).encode(errors="replace"))
        if self._events.lost:
            self._output(
                b"argovx: %d metrics were left out, the bucket did not keep up\n" % self._events.lost
            )
        if self._events.error is not None:
            note = "argovx: messages of this run are missing in the bucket: %s\n" % self._events.error.message
            self._output(note.encode())
        self._say_lost()
        if not self._logs.close(CLOSE_S):
            why = self._logs.error.message if self._logs.error else "the bucket did not keep up"
            sys.stderr.write("argovx runner: the log in the bucket is not whole: %s\n" % why)
        self._tee.close(STDOUT_S)
        exit_code = 128 + self._signal if self._signal else int(error is not None)
        outcome = "succeeded" if error is None else "failed"
        if not self._events.close(outcome, exit_code, error, CLOSE_S):
            sys.stderr.write("argovx runner: the record of this run could not be written to the bucket\n")
            return exit_code or 1
        return exit_code

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        del frame
        self._signal = self._signal or number
        if self._child is None:
            raise Stopped
        self._child.stop(self._settings.grace_s)

    def _phases(self, folder: str) -> Optional[dict[str, Any]]:
        self._events.phase("inputs")
        if self._restart and self._finished():
            return None
        step = documents.step(self._read(self._intent.spec))
        documents.agree(self._intent, step)
        source = documents.source(self._read(step.source))
        task = self._prepare(step, source, folder)
        self._events.phase("running")
        attempt = Attempt(self._intent, step.name, self._replica, self._restart)
        result = self._run_cell(attempt, task, folder)
        error: Optional[dict[str, Any]] = result["error"]
        if error is not None:
            self._keep_partial(attempt, result.get("partial") or {}, error, folder)
            return error
        if self._replica:
            return None
        self._events.phase("uploading")
        upload(self._bucket, attempt, result, folder, self._events, self._streams)
        return None

    def _finished(self) -> bool:
        """Tell whether an earlier life wrote the manifest: then all is done."""
        try:
            self._bucket.read(self._intent.prefix + "manifest.json")
        except ArgovxError:
            return False
        return True

    def _read(self, blob: documents.Blob) -> bytes:
        return self._bucket.read(blob.uri, blob.digest)

    def _prepare(self, step: documents.Step, source: documents.SourceDocument, folder: str) -> dict[str, Any]:
        """Fetch inputs and packages; returns and writes what the child is to do."""
        lacking = missing(step.requirements)
        codecs = {blob.codec for blob in self._intent.inputs.values()}
        if codecs and not lacking:  # its imports take as long as a download, and need not wait for it
            self._warm = Child(folder, self._output, self._heard, sorted(codecs))
        inputs = {}
        for index, (name, blob) in enumerate(self._intent.inputs.items()):
            path = "input-%d" % index
            with open(os.path.join(folder, path), "w+b") as file:
                self._bucket.download(blob.uri, file, blob.digest, blob.generation)
            inputs[name] = {"path": path, "codec": blob.codec}
        paths = []
        if lacking:
            packages = os.path.join(folder, "packages")
            self._output(("argovx: installing %s\n" % ", ".join(lacking)).encode())
            install(lacking, packages, self._output)
            paths.append(packages)
        checkpoint_dir = os.path.join(folder, "checkpoints")
        self._bring_back(checkpoint_dir)
        task = {
            "checkpoint_dir": checkpoint_dir,
            "context": about(self._intent, step, source, (self._replica, self._restart)),
            "cell": asdict(source.cell),
            "definitions": [asdict(code) for code in source.definitions],
            "inputs": inputs,
            "outputs": {} if self._replica else step.outputs,
            "paths": paths,
        }
        with open(os.path.join(folder, "task.json"), "w", encoding="utf-8") as target:
            json.dump(task, target)
        return task

    def _bring_back(self, folder: str) -> None:
        """Make the checkpoint folder, with what an earlier start or attempt of this step left in it."""
        prefix = "%scheckpoints/r%d/" % (self._intent.prefix, self._replica)
        self._checkpoints = Checkpoints(self._bucket, folder, prefix, self._restart, self._note)
        if self._restart or self._intent.ordinal:
            earlier = checkpoints_of_earlier(self._bucket, self._intent, self._replica)
            self._checkpoints.restore(earlier)

    def _run_cell(self, attempt: Attempt, task: dict[str, Any], folder: str) -> dict[str, Any]:
        """Run the cell; returns its ``error``, its ``outputs``, and the ``partial`` ones of a failed cell."""
        assert self._checkpoints is not None

        self._following = (attempt, task, folder)
        warm, self._warm = self._warm, None
        self._child = warm or Child(folder, self._output, self._heard)
        self._checkpoints.start(self._settings.checkpoint_every_s)
        if self._signal:
            self._child.stop(self._settings.grace_s)
        code = self._child.wait()
        child, self._child = self._child, None
        result = self._result(child, code, folder)
        self._checkpoints.finish(bool(self._signal or result["error"]), CHECKPOINT_S)
        if child.left:
            self._note("%s that the cell left behind: ended with the step" % child.left)
        if self._signal:
            raise Stopped
        if result["error"] is None and code != 0:
            self._note("after the cell was done, %s; its results count" % child.death(code)["message"])
        return result

    def _heard(self, message: Any) -> None:
        if not self._events.from_child(message) and self._following is not None:
            self._last_word = failure(message) or self._last_word
            self._begin_output(*self._following, message)

    def _begin_output(self, attempt: Attempt, task: dict[str, Any], folder: str, message: Any) -> None:
        """Follow an output that the child begins to write; what is no declared one is none."""
        params = message.get("params") if isinstance(message, dict) else None
        name = params.get("name") if isinstance(params, dict) else None
        if not isinstance(name, str) or message.get("method") != "output" or name not in task["outputs"]:
            return
        path = os.path.join(folder, "output-%d" % list(task["outputs"]).index(name))
        self._streams.begin(name, attempt.output(name), path)

    def _result(self, child: Child, code: int, folder: str) -> dict[str, Any]:
        try:
            with open(os.path.join(folder, "result.json"), encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
        except (OSError, ValueError):
            return {"error": self._last_word or child.death(code), "outputs": {}}
        return found

    def _keep_partial(
        self, attempt: Attempt, partial: dict[str, Any], error: dict[str, Any], folder: str
    ) -> None:
        """Keep what the cell had assigned before it failed, marked as what it is."""
        if not partial.get("outputs"):
            return
        try:
            uri = upload_partial(self._bucket, attempt, partial, error, folder)
        except (ArgovxError, OSError) as failed:
            text = failed.message if isinstance(failed, ArgovxError) else str(failed)
            self._note("what the cell had assigned could not be kept: %.300s" % text)
        else:
            self._note(
                "the cell failed; what it had assigned (%s) lies in %s" % (", ".join(partial["outputs"]), uri)
            )

    def _note(self, text: str) -> None:
        self._output(("argovx: %s\n" % text).encode())

    def _output(self, data: bytes) -> None:
        """Pass on output: to this program's stdout, and to the log in the bucket."""
        self._tee.add(data)
        if self._logs.has_room(len(data)):  # one note for the whole gap, and none while it grows
            self._say_lost()
        self._logs.add(data)

    def _say_lost(self) -> None:
        lost = self._logs.take_left_out()
        if lost:
            note = "\n[argovx: %d bytes of output were left out, the bucket did not keep up]\n" % lost
            self._logs.add(note.encode(), now=True)
