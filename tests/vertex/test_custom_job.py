"""The body of a create call, judged by the vendor's own message; the bootstrap that it carries."""

from __future__ import annotations

import ast
import copy
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.vertex.bootstrap import BOOTSTRAP
from argovx_lab.vertex.custom_job import build, differences


def test_the_vendors_message_takes_the_body(step, identity):
    from google.cloud.aiplatform_v1.types import AcceleratorType, CustomJob, Scheduling

    job = CustomJob.from_json(json.dumps(build(step, identity)))
    (pool,) = job.job_spec.worker_pool_specs
    assert pool.replica_count == 1
    assert pool.machine_spec.machine_type == "n1-standard-8"
    assert pool.machine_spec.accelerator_type == AcceleratorType.NVIDIA_TESLA_T4
    assert pool.machine_spec.accelerator_count == 2
    assert list(pool.container_spec.args)[2:] == [identity.intent_uri, identity.intent_digest]
    assert job.job_spec.scheduling.timeout.total_seconds() == 3600
    assert job.job_spec.scheduling.disable_retries is True
    assert job.job_spec.scheduling.strategy == Scheduling.Strategy.STANDARD
    assert job.job_spec.service_account == step.run_as
    assert job.job_spec.base_output_directory.output_uri_prefix == identity.prefix


def test_labels_are_labels_and_no_token_is_anywhere(step, identity):
    body = build(step, identity)
    for name, value in body["labels"].items():
        assert len(value) <= 63
        assert value == value.lower()
        assert name.startswith("argovx-")
    assert "env" not in body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]
    assert len(body["displayName"]) <= 128


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "local"},
        {"run_as": ""},
    ],
)
def test_a_step_that_is_no_job_is_refused(step, identity, change):
    with pytest.raises(SpecError):
        build(replace(step, **change), identity)
    with pytest.raises(SpecError, match="image"):
        build(replace(step, environment=replace(step.environment, image="")), identity)


def test_a_machine_without_accelerator_names_none(step, identity):
    body = build(replace(step, machine=replace(step.machine, accelerator="", accelerator_count=0)), identity)
    assert body["jobSpec"]["workerPoolSpecs"][0]["machineSpec"] == {"machineType": "n1-standard-8"}


def test_the_same_job_may_be_adopted_and_any_other_not(step, identity):
    body = build(step, identity)
    assert differences({**copy.deepcopy(body), "state": "JOB_STATE_RUNNING"}, body) == []
    changes = [
        lambda job: job["labels"].update({"argovx-user": "eve"}),
        lambda job: job["labels"].pop("argovx-spec"),
        lambda job: job.pop("labels"),
        lambda job: job["jobSpec"].update(serviceAccount="u-eve@p.iam.gserviceaccount.com"),
        lambda job: job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"].update(imageUri="evil"),
        lambda job: job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"].update(command=["sh"]),
        lambda job: job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"].append("x"),
        lambda job: job["jobSpec"]["workerPoolSpecs"][0]["machineSpec"].update(machineType="x"),
        lambda job: job["jobSpec"]["workerPoolSpecs"].append({}),
        lambda job: job["jobSpec"]["baseOutputDirectory"].update(outputUriPrefix="gs://b/users/eve/"),
        lambda job: job.pop("jobSpec"),
    ]
    for change in changes:
        job = copy.deepcopy(body)
        change(job)
        assert differences(job, body), change


def test_the_bootstrap_is_plain_standard_library_and_survives_vertex():
    tree = ast.parse(BOOTSTRAP, feature_version=(3, 7))
    names = {a.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert names <= set(sys.stdlib_module_names)
    assert "$(" not in BOOTSTRAP
    assert "{{" not in BOOTSTRAP
    assert len(BOOTSTRAP) < 4096


@pytest.fixture
def cloud():
    """Play metadata server and storage behind a proxy-less urllib, over plain http."""
    state = {"requests": [], "runner": b"", "status": []}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            state["requests"].append(
                (self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            status = state["status"].pop(0) if state["status"] else 200
            token = self.path.startswith("/job-7/computeMetadata")
            data = json.dumps({"access_token": "ya29.job"}).encode() if token else state["runner"]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{state['url']}/elsewhere")
            self.end_headers()
            self.wfile.write(data)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state["url"] = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


def zipapp(code: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("__main__.py", code)
    return file.getvalue()


def bootstrap(cloud, runner, tmp_path, digest=None):
    cloud["runner"] = runner
    text = BOOTSTRAP.replace("https://storage.googleapis.com", cloud["url"]).replace(
        "(0.2, 1, 3, 8,", "(0.01, 0.01,"
    )
    digest = digest or hashlib.sha256(runner).hexdigest()
    return subprocess.run(
        [sys.executable, "-I", "-c", text, "gs://bkt/a/b c", digest, "gs://bkt/intent.json", "f" * 64],
        env={
            "GCE_METADATA_HOST": f"{cloud['url'].partition('//')[2]}/job-7",
            "HTTP_PROXY": "http://127.0.0.1:9",
            "no_proxy": "127.0.0.1" if digest else "",
            "PATH": os.environ["PATH"],
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_bootstrap_fetches_checks_and_hands_over(cloud, tmp_path):
    result = bootstrap(cloud, zipapp("import sys; print(sys.argv[1:]); sys.exit(5)"), tmp_path)
    assert result.returncode == 5, result.stderr
    assert result.stdout.strip() == f"['--intent', 'gs://bkt/intent.json', '--intent-sha256', '{'f' * 64}']"
    (token, storage) = cloud["requests"]
    assert token[1]["metadata-flavor"] == "Google"
    assert storage[0] == "/storage/v1/b/bkt/o/a%2Fb%20c?alt=media"
    assert storage[1]["authorization"] == "Bearer ya29.job"


def test_other_bytes_are_not_run(cloud, tmp_path):
    result = bootstrap(cloud, zipapp("print('ran')"), tmp_path, digest="0" * 64)
    assert (result.returncode, result.stdout) == (122, "")
    assert "does not have the digest" in result.stderr


@pytest.mark.parametrize(
    ("statuses", "code", "text"),
    [
        ([503, 500], 0, ""),
        ([403], 120, "metadata server answered 403"),
        ([200, 403], 121, "answered 403"),
        ([200, 404], 121, "answered 404"),
        ([200, 302], 121, "answered 302"),
        ([200, 503, 200], 0, ""),
        ([503] * 9, 120, "answered 503"),
    ],
)
def test_each_failure_has_its_own_exit_status(cloud, tmp_path, statuses, code, text):
    cloud["status"] = list(statuses)
    result = bootstrap(cloud, zipapp("print('ran')"), tmp_path)
    assert result.returncode == code, result.stderr
    assert text in result.stderr
    assert "ya29" not in result.stderr
    assert not any(path == "/elsewhere" for path, _ in cloud["requests"])
