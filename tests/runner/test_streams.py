"""Large outputs are on their way while they are encoded; whatever happens, the bytes are right."""

from __future__ import annotations

import hashlib

import pytest

SIZE = 40 << 20

CELL = f"import random\nbig = random.Random(0).getrandbits(8 * {SIZE}).to_bytes({SIZE}, 'little')\nsmall = b'x'\n"


def prepare(job):
    job.cell = CELL
    job.outputs = {"big": "bytes", "small": "bytes"}
    return job


def check(job):
    assert job.closed["outcome"] == "succeeded"
    item = job.manifest["outputs"]["big"]
    data = job.cloud.get(item["uri"])
    assert len(data) == SIZE
    assert hashlib.sha256(data).hexdigest() == item["digest"]
    assert item["generation"] == job.cloud.objects[item["uri"]][1]
    assert job.value("small") == b"x"


def sent(job, method, part):
    return [path for verb, path in job.cloud.requests if verb == method and part in path]


def test_a_large_output_goes_by_chunks_and_a_small_one_in_one_go(job):
    assert prepare(job).run() == 0, job.output
    check(job)
    assert len(sent(job, "PUT", "upload_id=0")) == 2
    assert len(sent(job, "POST", "out%2Fbig")) == 1
    assert "uploadType=media" in sent(job, "POST", "out%2Fsmall")[0]


FAULTS = {
    "no session": ("POST", "uploadType=resumable", 403),
    "busy": ("PUT", "upload_id", 503),
    "session gone": ("PUT", "upload_id", 410),
    "answer lost": ("PUT", "upload_id", -1),
}


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_any_chunk_changes_nothing(job, name, number):
    method, part, status = FAULTS[name]
    seen = []

    def fault(verb, path):
        if verb == method and part in path:
            seen.append(path)
            return status if len(seen) == number else None
        return None

    job.cloud.fault = fault
    assert prepare(job).run() == 0, job.output
    check(job)
    assert seen


def test_a_cell_that_fails_leaves_no_object_of_an_upload_that_began(job):
    job.cell = CELL + "import threading\nsmall = threading.Lock()\n"
    job.outputs = {"big": "bytes", "small": "auto"}
    assert job.run() == 1
    assert job.error["type"] == "CodecError"
    assert not job.cloud.names(job.prefix + "out/")


def test_a_message_about_what_is_no_output_begins_nothing(job):
    job.cell = (
        "import json, os\nfor fd in range(3, 20):\n    try:\n"
        "        os.write(fd, json.dumps({'method': 'output', 'params': {'name': '../x'}}).encode() + b'\\n')\n"
        "    except OSError:\n        pass\na = 1"
    )
    job.outputs = {"a": "json"}
    assert job.run() == 0, job.output
    assert not job.cloud.sessions
