"""The runner against a bucket that is slow, wrong or refuses, and documents that do not agree."""

from __future__ import annotations

import pytest


def once(*answers):
    """A fault that gives these answers to the first requests that match, then none."""
    waiting = list(answers)

    def fault(method, path):
        for index, (wanted, part, status) in enumerate(waiting):
            if method == wanted and part in path:
                del waiting[index]
                return status
        return None

    fault.waiting = waiting
    return fault


@pytest.mark.parametrize("status", [503, -1, -2, -4], ids=["busy", "lost", "cut", "busy and cut"])
@pytest.mark.parametrize("part", ["intent.json", "events%2Fpart-00001", "out%2Fb%2Fdata", "manifest.json"])
def test_a_busy_bucket_or_a_lost_answer_is_tried_again(job, status, part):
    job.cell = "b = 1"
    job.outputs = {"b": "json"}
    method = "GET" if part == "intent.json" else "POST"
    job.cloud.fault = once((method, part, status))
    assert job.run() == 0, job.output
    assert not job.cloud.fault.waiting, "the fault was met"
    assert job.value("b") == 1
    assert job.closed["outcome"] == "succeeded"
    assert not job.cloud.names(job.prefix + "r0.1/"), "a lost answer starts no second life"


@pytest.mark.parametrize("status", [-2, -3, -4], ids=["cut", "garbled", "busy and cut"])
@pytest.mark.parametrize("stream", ["logs", "events"])
def test_a_broken_answer_does_not_end_a_stream(job, status, stream):
    """The thread that writes it must live on: all later parts come from it."""
    job.cell = "print('hello')\nargovx.progress(1, 1)\nb = 1"
    job.outputs = {"b": "json"}
    first = "part-00001" if stream == "logs" else "part-00002"
    job.cloud.fault = once(("POST", f"{stream}%2F{first}", status))
    assert job.run() == 0, job.output
    assert not job.cloud.fault.waiting, "the fault was met"
    assert [event["seq"] for event in job.events] == list(range(1, len(job.events) + 1))
    assert job.closed["outcome"] == "succeeded"
    assert job.cloud.logs(job.prefix + "r0.0/") == b"hello\n"


def test_an_answer_that_stays_garbled_is_said(job):
    job.cell = "b = 1"
    job.outputs = {"b": "json"}
    job.cloud.fault = lambda method, path: -3 if "out%2Fb" in path else None
    assert job.run() == 1
    assert (job.error["type"], "cannot be read" in job.error["message"]) == ("Unavailable", True)


def test_a_token_that_is_refused_once_is_asked_for_again(job):
    job.cloud.fault = once(("GET", "intent.json", 401))
    assert job.run() == 0, job.output
    assert job.cloud.tokens == 2


def test_a_bucket_that_refuses_outputs_is_named_and_there_is_no_manifest(job):
    job.cell = "b = 1"
    job.outputs = {"b": "json"}
    job.cloud.fault = lambda method, path: 403 if "out%2Fb" in path and method == "POST" else None
    assert job.run() == 1
    assert job.error["type"] == "PermissionMissing"
    assert "may not create gs://lab/" in job.error["message"]
    assert not job.cloud.names(job.prefix + "manifest.json")


def test_an_output_name_that_is_taken_by_other_bytes_is_a_conflict(job):
    job.cell = "b = 1"
    job.outputs = {"b": "json"}
    job.cloud.put(job.prefix + "out/b/data", b"something else")
    assert job.run() == 1
    assert job.error["type"] == "Conflict"


def test_logs_that_are_refused_do_not_end_the_cell(job):
    job.cell = "print('x')\nb = 1"
    job.outputs = {"b": "json"}
    job.cloud.fault = lambda method, path: 403 if "logs%2Fpart" in path else None
    assert job.run() == 0, job.output
    assert job.value("b") == 1
    assert "the log in the bucket is not whole: the job's service account may not create" in job.output


def test_a_record_that_cannot_be_closed_is_no_success(job):
    def fault(method, path):
        later = "events%2Fpart" in path and "part-00001" not in path
        return 403 if later and method == "POST" else None

    job.cloud.fault = fault
    assert job.run() == 1
    assert "could not be written" in job.output
    log = job.cloud.logs(job.prefix + "r0.0/").decode()
    assert "messages of this run are missing in the bucket: the job's service account may not create" in log


def test_an_intent_with_another_digest_is_refused(job):
    job.arguments = ["--intent-sha256", "0" * 64]
    assert job.run() == 1
    assert "does not have the digest" in job.output
    assert not job.cloud.names(job.prefix + "r0.0/")


def test_no_metadata_server_is_said_without_a_traceback(job, cloud):
    job.environment = {"GCE_METADATA_HOST": "127.0.0.1:1"}
    assert job.run() == 1
    assert "gave no token" in job.output
    assert "Traceback" not in job.output


def change(path, value):
    def apply(intent):
        target = intent
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value

    return apply


DISAGREEMENTS = {
    "schema": (change(["schema"], "argovx.intent/9"), "reads argovx.intent/1, not 'argovx.intent/9'"),
    "spec digest": (change(["spec", "digest"], "1" * 64), "does not have the digest"),
    "input digest": (change(["inputs", "a", "digest"], "1" * 64), "does not have the digest"),
    "input generation": (change(["inputs", "a", "generation"], "7"), "HTTP 404"),
    "input left out": (change(["inputs"], {}), "different inputs or outputs"),
    "output codec": (change(["outputs"], {"b": "pickle"}), "different inputs or outputs"),
    "prefix": (change(["prefix"], "s3://x/"), "not gs://"),
    "task": (change(["task"], ""), "lacks 'task'"),
    "codec": (change(["inputs", "a", "codec"], "nope"), "'nope' is not a codec"),
}


@pytest.mark.parametrize("name", DISAGREEMENTS)
def test_documents_that_do_not_agree_are_refused_by_name(job, name):
    job.changes, message = DISAGREEMENTS[name]
    job.inputs = {"a": 1}
    job.cell = "b = a\nprint('ran')"
    job.outputs = {"b": "json"}
    assert job.run() == 1
    assert message in job.output
    assert "ran\n" not in job.output


@pytest.mark.parametrize(
    "arguments",
    [[], ["--intent", "x"], ["--intent", "gs://b/o", "--intent-sha256", "00"], ["--intent-sha256", "0" * 64]],
)
def test_a_wrong_command_line_is_refused(archive, bare_python, arguments):
    import subprocess

    done = subprocess.run([bare_python, archive, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "error:" in done.stderr
