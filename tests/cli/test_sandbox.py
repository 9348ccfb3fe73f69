"""``argovx sandbox``: what scripts read of it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from argovx_lab.cli import main

#: Source: ARCHITECTURE.md, the sandbox's state folder.
FIELDS = {
    "pid": int,
    "state_dir": str,
    "started_at": str,
    "version": str,
    "kubeconfig": str,
    "namespace": str,
    "argo_server": type(None),
    "google_endpoint": str,
    "proxy": str,
    "ca": str,
    "ca_bundle": str,
    "project": str,
    "project_number": str,
    "region": str,
    "bucket": str,
    "credentials": str,
    "notebook_credentials": str,
    "notebook_context": str,
    "notebook_token": str,
    "audience": str,
    "user": str,
    "run_as": str,
    "settings": dict,
    "missing": dict,
}


def test_status_as_json_is_the_discovery_document(sandbox, capsys):
    assert main(["sandbox", "status", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {name: type(document.get(name)) for name in FIELDS} == FIELDS
    assert document == json.loads((Path(document["state_dir"]) / "sandbox.json").read_text())
    for name in ("kubeconfig", "ca", "ca_bundle", "credentials", "notebook_credentials", "notebook_token"):
        assert Path(document[name]).is_file(), name
    assert document["state_dir"] == os.environ["ARGOVX_SANDBOX"]


def test_status_for_people_has_a_line_for_each_part(sandbox, capsys):
    assert main(["sandbox", "status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    named = {line.split()[0] for line in lines if line}
    assert {"pid", "project", "bucket", "google_endpoint"} <= named
    assert "argo_server" in named
    assert next(line for line in lines if line.startswith("argo_server")).endswith("–")


def test_env_is_what_a_shell_takes_and_holds_no_token(sandbox, capsys):
    assert main(["sandbox", "env"]) == 0
    text = capsys.readouterr().out
    found = {}
    for line in text.splitlines():
        word, assignment = shlex.split(line)
        assert word == "export"
        name, _, value = assignment.partition("=")
        found[name] = value
    for name in ("KUBECONFIG", "GOOGLE_APPLICATION_CREDENTIALS"):
        assert Path(found[name]).is_file()
    assert found["GOOGLE_CLOUD_PROJECT"] == sandbox.profile.project
    state = Path(os.environ["ARGOVX_SANDBOX"])
    for token in (state / "tokens").iterdir():
        assert token.read_text().strip() not in text


def run(*words):
    return subprocess.run(
        [sys.executable, "-m", "argovx_lab.cli", "sandbox", "run", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_run_gives_a_command_that_environment_and_passes_its_exit_code_on(sandbox):
    code = "import os, sys; print(os.environ['GOOGLE_CLOUD_PROJECT'], *sys.argv[1:]); sys.exit(7)"
    done = run("--", sys.executable, "-c", code, "--json", "--", "x")
    assert done.returncode == 7
    assert done.stdout.split() == [sandbox.profile.project, "--json", "--", "x"]


def test_a_command_that_is_not_there_is_said(sandbox):
    done = run("--", "no-such-command-here")
    assert done.returncode == 10
    assert done.stderr.startswith("argovx: no-such-command-here cannot be run: No such file")


def test_start_says_that_it_runs(sandbox, capsys):
    assert main(["sandbox", "start"]) == 0
    assert capsys.readouterr().out.startswith("sandbox runs: pid ")


def test_the_custom_roles_are_lines_for_a_shell(sandbox, capsys):
    assert main(["platform", "roles"]) == 0
    lines = capsys.readouterr().out.splitlines()
    verbs = ",".join(f"aiplatform.customJobs.{verb}" for verb in ("cancel", "create", "get", "list"))
    head = "gcloud iam roles create argovxSubmitter --project=argovx-sandbox --permissions="
    assert head + verbs in lines
    assert any("argovxPanelReader" in line for line in lines)


def test_the_template_is_an_object_that_kubectl_takes(sandbox, capsys):
    assert main(["platform", "template"]) == 0
    document = yaml.safe_load(capsys.readouterr().out)
    assert document["kind"] == "ClusterWorkflowTemplate"
    assert document["metadata"]["name"] == "argovx-vertex-step"
    assert {"step", "sweep"} <= {template["name"] for template in document["spec"]["templates"]}


def test_doctor_is_content_with_a_fresh_sandbox(sandbox, capsys):
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("✓") for line in lines)
