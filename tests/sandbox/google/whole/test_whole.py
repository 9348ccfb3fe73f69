"""What only the whole sandbox shows: what was asked for in vain, and an image's own variables in jobs."""

from __future__ import annotations

import json
import re

import pytest

from argovx_lab.cli import main
from argovx_lab.sandbox import lifecycle

MODELS = "google.cloud.aiplatform.v1.ModelService.ListModels"


@pytest.fixture
def said(folder, capsys, monkeypatch):
    """Run ``argovx sandbox status`` and return what it says."""
    monkeypatch.setenv("ARGOVX_SANDBOX", str(folder))

    def run(*flags):
        assert main(["sandbox", "status", *flags]) == 0
        return capsys.readouterr().out

    return run


def test_status_lists_what_was_asked_for_in_vain(folder, start, google, until, said):
    status = start()
    assert status.missing == {}
    assert json.loads(said("--json"))["missing"] == {}
    assert "asked for in vain" not in said()
    api = google(status)
    models = api.jobs.replace("customJobs", "models")
    for _ in range(2):
        assert api.call("GET", models)["error"]["code"] == 501
    until(lambda: lifecycle.status(folder).missing == {MODELS: 2}, "two calls in the discovery file")
    assert json.loads(said("--json"))["missing"] == {MODELS: 2}
    assert re.search(rf"^ +2  {re.escape(MODELS)}$", said(), re.MULTILINE)
    assert lifecycle.status(folder).started_at == status.started_at
    lifecycle.stop(folder)
    assert start().missing == {MODELS: 2}, "it is of the state folder, not of one server"


def test_a_stop_leaves_no_discovery_file_whatever_was_just_asked(folder, start, google):
    status = start()
    api = google(status)
    api.call("GET", api.jobs.replace("customJobs", "models"))
    lifecycle.stop(folder)
    assert not (folder / "sandbox.json").exists()


SETTINGS = """
[images]
"my-tool" = { cmd = ["sh"], path = ["/opt/my-tool/bin"], env = { MODE = "test", LANG = "de_DE.UTF-8" } }
"""


def test_an_images_env_table_reaches_jobs(folder, start, google, until):
    start()
    lifecycle.stop(folder)
    (folder / "settings.toml").write_text(SETTINGS)
    api = google(start())
    seen = {}
    for image in ("my-tool:1", "python:3.11"):
        words = ["sh", "-c", 'echo "$MODE|$LANG|$PATH|$PYTHONPATH"']
        name = api.submit("", image, words)
        until(lambda name=name: api.get(name)["state"] == "JOB_STATE_SUCCEEDED", "end of the job")
        (seen[image],) = api.lines(name)
    mode, language, path, pythonpath = seen["my-tool:1"].split("|")
    assert (mode, language, pythonpath) == ("test", "de_DE.UTF-8", "")
    assert path.startswith("/opt/my-tool/bin:")
    mode, language, path, pythonpath = seen["python:3.11"].split("|")
    assert (mode, language, pythonpath) == ("", "C.UTF-8", ""), "nothing of ours leaks into a job"
    assert "/opt/my-tool" not in path
