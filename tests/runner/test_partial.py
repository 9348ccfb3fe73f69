"""What a failed cell had assigned is kept, readable, and marked so that nothing takes it for a result."""

from __future__ import annotations

import json

from argovx_lab import codecs

LIFE = "r0.0/"


def partial(job):
    return json.loads(job.cloud.get(job.prefix + LIFE + "manifest-partial.json"))


def test_what_was_assigned_before_the_failure_is_readable_and_marked(job):
    job.cell = "rows = [1, 2]\nother = {3}\nraise ValueError('no')"
    job.outputs = {"rows": "auto", "other": "data", "never": "auto"}
    assert job.run() == 1
    found = partial(job)
    assert (found["schema"], found["complete"]) == ("argovx.partial/1", False)
    assert found["error"] == {"type": "ValueError", "message": "no", "place": "cell 7, line 3"}
    assert sorted(found["outputs"]) == ["other", "rows"]
    item = found["outputs"]["other"]
    assert codecs.decode(job.cloud.get(item["uri"]), item["codec"]) == {3}
    assert "argovx: the cell failed; what it had assigned (other, rows) lies in gs://" in job.output


def test_nothing_partial_lies_where_results_lie(job):
    job.cell = "rows = [1, 2]\nraise ValueError('no')"
    job.outputs = {"rows": "auto"}
    assert job.run() == 1
    assert not job.cloud.names(job.prefix + "out/")
    assert not job.cloud.names(job.prefix + "manifest.json")
    assert job.closed["outcome"] == "failed"


def test_the_launchers_check_takes_no_partial_manifest_for_outputs(job):
    """Not even where somebody puts it in the place of the manifest."""
    from types import SimpleNamespace

    import pytest

    from argovx_lab.errors import NotFound, OutputsMissing
    from argovx_lab.launcher.verify import verify
    from argovx_lab.model.layout import Attempt

    job.cell = "rows = [1, 2]\nraise ValueError('no')"
    job.outputs = {"rows": "auto"}
    assert job.run() == 1
    data = job.cloud.get(job.prefix + LIFE + "manifest-partial.json")
    attempt = Attempt("lab", job.prefix.removeprefix("gs://lab/"))
    claim = SimpleNamespace(attempt=attempt, key="k" * 32, intent={"workflow_uid": "uid-1", "task": "train"})
    there = {}

    def get(bucket, name):
        if name not in there:
            raise NotFound(name)
        return there[name]

    for _ in range(2):
        with pytest.raises(OutputsMissing):
            verify(
                SimpleNamespace(get=get),
                claim,
                SimpleNamespace(name="train", digest="d", outputs={"rows": "auto"}),
            )
        there[attempt.manifest] = data


def test_an_input_that_was_not_touched_is_no_partial_result(job):
    job.inputs = {"X": [1]}
    job.cell = "raise ValueError"
    job.outputs = {"X": "auto"}
    assert job.run() == 1
    assert not job.cloud.names(job.prefix + LIFE + "manifest-partial.json")


def test_what_cannot_travel_is_left_out_with_the_reason(job):
    job.cell = "import threading\na = 1\nguard = threading.Lock()\nimport sys; sys.exit(3)"
    job.outputs = {"a": "json", "guard": "auto"}
    assert job.run() == 1
    found = partial(job)
    assert list(found["outputs"]) == ["a"]
    assert found["left_out"]["guard"].startswith("guard cannot travel: it is a lock")
    assert found["error"]["type"] == "SystemExit"


def test_outputs_beside_one_that_is_missing_are_kept(job):
    job.cell = "a = 1"
    job.outputs = {"a": "json", "b": "json"}
    assert job.run() == 1
    assert list(partial(job)["outputs"]) == ["a"]


def test_a_second_failure_of_the_same_attempt_has_its_own(job):
    job.cell = "a = argovx.context.restart\nraise ValueError"
    job.outputs = {"a": "json"}
    assert job.run() == 1
    assert job.run() == 1
    for restart in (0, 1):
        uri = f"{job.prefix}r0.{restart}/out/a/data"
        assert job.cloud.get(uri) == str(restart).encode()


def test_a_bucket_that_takes_none_of_it_changes_nothing_about_the_failure(job):
    job.cell = "a = 1\nraise ValueError('mine')"
    job.outputs = {"a": "json"}
    job.cloud.fault = lambda method, path: 403 if "out%2Fa" in path else None
    assert job.run() == 1
    assert (job.error["type"], job.error["message"]) == ("ValueError", "mine")
    assert "what the cell had assigned could not be kept" in job.output
