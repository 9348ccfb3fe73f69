"""A step as it was submitted: arguments out of the Workflow, the document checked against its digest."""

import hashlib
import json

import pytest

from argovx_lab.runs.document import DOCUMENT_MAX, submitted, with_document

DATA = json.dumps({"name": "train", "run_as": "u-ada@p"}).encode()


DIGEST = hashlib.sha256(DATA).hexdigest()


def given(workflow, digest=DIGEST):
    parameters = [{"name": "image", "value": "python:3.11"}, {"name": "spec-digest", "value": digest}]
    task = {"name": "train", "arguments": {"parameters": parameters}}
    spec = {"serviceAccountName": "wf-ada", "templates": [{"name": "main", "dag": {"tasks": [task]}}]}
    return workflow(spec=spec)


def test_what_argo_was_given_stands_in_the_open(workflow):
    found = submitted(given(workflow), "train")
    assert found.arguments["image"] == "python:3.11"
    assert (found.submitter, found.service_account, found.workflow) == ("ada", "wf-ada", "train-1")
    assert found.creator == ""


def test_the_creator_is_who_argo_or_kubernetes_recorded(workflow):
    found = given(workflow)
    found["metadata"]["managedFields"] = [{"manager": "argovx-lab"}]
    assert submitted(found, "train").creator == "argovx-lab"
    found["metadata"]["labels"]["workflows.argoproj.io/creator"] = "system-serviceaccount-argovx-nb-ada"
    assert submitted(found, "train").creator == "system-serviceaccount-argovx-nb-ada"


def test_the_document_is_shown_when_its_digest_is_right(workflow):
    found = with_document(submitted(given(workflow), "train"), DATA)
    assert json.loads(found.document) == json.loads(DATA)
    assert found.problem == ""


@pytest.mark.parametrize(
    ("data", "digest", "problem"),
    [
        (DATA + b" ", DIGEST, "not what its digest says"),
        (b"{", hashlib.sha256(b"{").hexdigest(), "not JSON"),
        (b" " * (DOCUMENT_MAX + 1), "x", "larger than"),
    ],
)
def test_another_document_is_refused_with_its_reason(workflow, data, digest, problem):
    found = with_document(submitted(given(workflow, digest), "train"), data)
    assert problem in found.problem
    assert found.document == ""


@pytest.mark.parametrize("spec", [{}, {"templates": 7}, {"templates": [{"dag": {"tasks": [3]}}]}])
def test_a_workflow_of_another_shape_has_no_arguments(workflow, spec):
    assert submitted(workflow(spec=spec), "train").arguments == {}
