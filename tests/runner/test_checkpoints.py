"""``argovx.checkpoint_dir``: kept while the cell runs, whole or not at all, back after a restart or a retry."""

from __future__ import annotations

import json
import time

import pytest

from argovx_lab.errors import Conflict, PermissionMissing
from argovx_lab.runner import checkpoints
from argovx_lab.runner.bucket import Stored
from argovx_lab.runner.checkpoints import Checkpoints, _entries

OWN = "checkpoints/r0/"

#: Counts how often it was started, by a file in the checkpoint folder.
COUNT = """
import os, sys
path = os.path.join(argovx.checkpoint_dir, "state", "epoch.txt")
os.makedirs(os.path.dirname(path), exist_ok=True)
epoch = int(open(path).read()) if os.path.exists(path) else 0
with open(path + ".tmp", "w") as file:
    file.write(str(epoch + 1))
os.replace(path + ".tmp", path)
"""


def index(job, folder=None):
    return json.loads(job.cloud.get((folder or job.prefix) + OWN + "index.json"))


def test_a_failed_cells_checkpoint_is_back_when_vertex_starts_the_job_anew(job):
    job.cell = COUNT + "if epoch == 0: os.kill(os.getpid(), 9)\n"
    job.outputs = {"epoch": "json"}
    assert job.run() == 1
    assert job.error["type"] == "Killed"
    files = index(job)["files"]
    assert list(files) == ["state/epoch.txt"]
    assert job.cloud.get(job.prefix + OWN + files["state/epoch.txt"]["object"]) == b"1"
    assert job.run() == 0, job.output
    assert job.value("epoch") == 1
    assert "checkpoint_dir holds 1 file (1 B) of an earlier start of this job" in job.output


def attempt(job, ordinal):
    job.prefix = f"gs://lab/users/ada/runs/uid-1/train/{ordinal}-abcd123{ordinal}/"
    job.changes = lambda intent: intent.update(ordinal=ordinal)


def test_a_retry_finds_the_newest_checkpoint_of_the_same_step(job):
    job.cell = COUNT + "if argovx.context.attempt < 3: sys.exit(3)\n"
    job.outputs = {"epoch": "json"}
    for ordinal in range(4):
        attempt(job, ordinal)
        assert job.run() == (0 if ordinal == 3 else 1), job.output
    manifest = json.loads(job.cloud.get(job.prefix + "manifest.json"))
    assert manifest["values"] == {"epoch": 3}
    assert "of attempt 2" in job.output


def test_a_retry_takes_no_checkpoint_of_other_code(job):
    attempt(job, 0)
    job.cell = COUNT + "sys.exit(3)"
    assert job.run() == 1
    attempt(job, 1)
    job.cell = COUNT
    job.outputs = {"epoch": "json"}
    assert job.run() == 0, job.output
    assert json.loads(job.cloud.get(job.prefix + "manifest.json"))["values"] == {"epoch": 0}


def test_a_first_start_asks_the_bucket_nothing_about_checkpoints(job):
    job.cell = "x = 1"
    assert job.run() == 0
    assert not [path for _, path in job.cloud.requests if "checkpoint" in path or "delimiter" in path]


def test_checkpoints_are_kept_while_the_cell_runs(job, tmp_path):
    gate = tmp_path / "gate"
    job.environment = {"GATE": str(gate)}
    job.arguments = ["--checkpoint-every-s", "0.1"]
    job.cell = COUNT + "import time\nwhile not os.path.exists(os.environ['GATE']): time.sleep(0.01)\n"
    job.start()
    job.wait_for(lambda: job.cloud.names(job.prefix + OWN + "index.json"))
    gate.touch()
    assert job.finish() == 0
    assert index(job)["schema"] == "argovx.checkpoint/1"


def test_a_stop_keeps_what_the_cell_saved_last(job):
    job.cell = """
import os, signal, sys, time
def save(*args):
    with open(os.path.join(argovx.checkpoint_dir, "last"), "w") as file:
        file.write("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("ready", flush=True)
time.sleep(60)
"""
    process = job.start()
    job.wait_for(lambda: b"ready" in job.cloud.logs(job.prefix + "r0.0/"))
    process.terminate()
    assert job.finish() == 143
    entry = index(job)["files"]["last"]
    assert job.cloud.get(job.prefix + OWN + entry["object"]) == b"saved"


def test_a_broken_checkpoint_is_said_and_the_cell_starts_without(job):
    job.cell = COUNT + "left = os.listdir(argovx.checkpoint_dir)\n"
    job.outputs = {"epoch": "json"}
    job.cloud.put(job.prefix + "r0.0/events/part-00001", b"{}\n")
    job.cloud.put(job.prefix + OWN + "data/0.1", b"other bytes")
    entry = {"object": "data/0.1", "size_bytes": 1, "digest": "0" * 64}
    document = {"schema": "argovx.checkpoint/1", "files": {"state/epoch.txt": entry}}
    job.cloud.put(job.prefix + OWN + "index.json", json.dumps(document).encode())
    assert job.run() == 0, job.output
    assert job.value("epoch") == 0
    assert "cannot be brought back" in job.output


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a//b", "a/./b", "", "a\\b", "a/../../b", "a\0b"], ids=repr
)
def test_names_outside_of_the_folder_are_refused(name):
    entry = {"object": "data/0.1", "size_bytes": 1, "digest": "0" * 64}
    with pytest.raises(ValueError, match="index names"):
        _entries(json.dumps({"schema": checkpoints.SCHEMA, "files": {name: entry}}).encode())


@pytest.mark.parametrize(
    "change", [{"object": "../../manifest.json"}, {"digest": "x"}, {"size_bytes": "1"}, {"size_bytes": True}]
)
def test_entries_that_say_something_else_are_refused(change):
    entry = {"object": "data/0.1", "size_bytes": 1, "digest": "0" * 64, **change}
    with pytest.raises(ValueError, match="says too little"):
        _entries(json.dumps({"schema": checkpoints.SCHEMA, "files": {"a": entry}}).encode())


class Bucket:
    """Objects with generations; ``during`` is called in the middle of an upload."""

    def __init__(self):
        self.objects, self.log = {}, []
        self.during = lambda: None
        self.error = None

    def create_from(self, uri, path, size_bytes):
        if self.error:
            raise self.error
        with open(path, "rb") as file:
            data = file.read(size_bytes)
        self.during()
        return self._put(uri, data)

    def replace(self, uri, data, generation):
        if self.objects.get(uri, (b"", 0))[1] != generation:
            raise Conflict("taken")
        return self._put(uri, data)

    def delete(self, uri):
        del self.objects[uri]

    def _put(self, uri, data):
        self.log.append(uri)
        self.objects[uri] = (data, len(self.log))
        return Stored(uri, len(self.log), "0" * 64)

    @property
    def files(self):
        document = json.loads(self.objects["p/index.json"][0])
        return {name: self.objects["p/" + entry["object"]][0] for name, entry in document["files"].items()}


@pytest.fixture
def said():
    return []


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def kept(bucket, said, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SETTLE_S", 0.0)
    return Checkpoints(bucket, str(tmp_path / "c"), "p/", 0, said.append)


@pytest.fixture
def folder(tmp_path, kept):
    return tmp_path / "c"


def test_only_what_changed_is_uploaded_and_old_data_is_deleted(bucket, kept, folder):
    (folder / "a").write_text("one")
    (folder / "b").write_text("same")
    kept._try(final=False)
    kept._try(final=False)
    assert len(bucket.log) == 3, "nothing changed the second time"
    (folder / "a").write_text("three")
    kept._try(final=False)
    assert bucket.files == {"a": b"three", "b": b"same"}
    assert len(bucket.objects) == 3
    assert bucket.log[-1] == "p/index.json", "the index comes last"


def test_a_file_that_changes_meanwhile_leaves_the_checkpoint_before_it(bucket, kept, folder):
    (folder / "a").write_text("whole")
    kept._try(final=False)
    (folder / "a").write_text("half of it")
    bucket.during = lambda: (folder / "a").write_text("half of it, and the rest")
    kept._try(final=False)
    assert bucket.files == {"a": b"whole"}
    assert len(bucket.objects) == 2, "what was uploaded in vain is deleted"
    bucket.during = lambda: None
    kept._try(final=False)
    assert bucket.files == {"a": b"half of it, and the rest"}


def test_a_young_file_waits_unless_its_writer_is_gone(bucket, kept, folder, monkeypatch):
    monkeypatch.setattr(checkpoints, "SETTLE_S", 60.0)
    (folder / "a").write_text("young")
    kept._try(final=False)
    assert bucket.objects == {}
    kept._try(final=True)
    assert bucket.files == {"a": b"young"}


def test_names_of_unfinished_files_and_links_stay_behind(bucket, kept, folder, tmp_path):
    for name in ("model.tmp", ".hidden", "model.part", "model"):
        (folder / name).write_text(name)
    (tmp_path / "secret").write_text("token")
    (folder / "link").symlink_to(tmp_path / "secret")
    kept._try(final=False)
    assert bucket.files == {"model": b"model"}


def test_a_deleted_folder_does_not_take_the_checkpoint_along(bucket, kept, folder):
    (folder / "a").write_text("one")
    kept._try(final=False)
    (folder / "a").unlink()
    folder.rmdir()
    kept._try(final=True)
    assert bucket.files == {"a": b"one"}


def test_too_much_is_said_once_and_not_kept(bucket, kept, folder, said, monkeypatch):
    monkeypatch.setattr(checkpoints, "BYTES_MAX", 5)
    (folder / "a").write_text("sixsix")
    kept._try(final=False)
    kept._try(final=True)
    assert bucket.objects == {}
    assert said == [
        "argovx.checkpoint_dir holds 1 files of 6 B and is not kept: at most 1000 files of 5 B are"
    ]


def test_a_life_that_was_overtaken_writes_no_more(bucket, kept, folder, said):
    (folder / "a").write_text("one")
    kept._try(final=False)
    bucket._put("p/index.json", bucket.objects["p/index.json"][0])
    (folder / "a").write_text("two")
    kept._try(final=False)
    kept._try(final=True)
    assert said == ["another start of this job keeps the checkpoints now; this one stops"]
    assert bucket.objects["p/index.json"][1] == 3


def test_a_bucket_that_refuses_is_said_once(bucket, kept, folder, said):
    bucket.error = PermissionMissing("may not")
    (folder / "a").write_text("one")
    kept._try(final=False)
    kept._try(final=True)
    assert said == ["a checkpoint could not be kept: may not"]


def test_long_uploads_are_followed_by_long_pauses(bucket, kept, folder, monkeypatch):
    """The share of the time that goes into uploads is bounded, however often the cell saves."""
    waits = []
    clock = iter([0.0, 10.0, 20.0, 21.0])
    monkeypatch.setattr(
        checkpoints, "time", type("T", (), {"monotonic": lambda: next(clock), "time": time.time})
    )
    monkeypatch.setattr(kept._stop, "wait", lambda pause: waits.append(pause) or len(waits) == 3)
    kept._work()
    assert waits == [15.0, 40.0, 15.0]
