"""A step from intent to manifest, in a Python without argovx."""

from __future__ import annotations

import hashlib
import json


def test_a_cell_runs_and_its_value_is_in_the_bucket(job):
    job.inputs = {"a": 20}
    job.cell = "\nprint('hello')\nb = a + 1\nb * 2\n"
    job.outputs = {"b": "auto"}
    assert job.run() == 0, job.output
    assert job.value("b") == 21
    item = job.manifest["outputs"]["b"]
    data = job.cloud.get(item["uri"])
    assert item["digest"] == hashlib.sha256(data).hexdigest()
    assert item["size_bytes"] == len(data)
    assert item["uri"].endswith("/out/b/data")
    assert item["generation"] == job.cloud.objects[item["uri"]][1]
    assert job.manifest["values"] == {"b": 21}
    assert job.manifest["task"] == "train"
    assert [e["method"] for e in job.events if e["method"] not in ("artifact",)] == [
        "opened", "phase", "phase", "phase", "closed",
    ]
    assert [e["seq"] for e in job.events] == list(range(1, len(job.events) + 1))
    assert job.closed == {"outcome": "succeeded", "exit_code": 0, "error": None}
    assert job.cloud.logs(job.prefix + "r0.0/") == b"hello\n42\n"
    assert job.output == "hello\n42\n"
