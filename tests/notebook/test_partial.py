"""Partial results: the newest life's, checked, and under names of their own."""

import hashlib
import json
from types import SimpleNamespace

import pytest

from argovx_lab.compile.manifest import step_reference, workflow_spec
from argovx_lab.errors import NotFound, OutputsMissing, PolicyDenied, SpecError
from argovx_lab.model import names
from argovx_lab.model.layout import Attempt, Layout
from argovx_lab.notebook import partial
from argovx_lab.notebook.pull import pull
from argovx_lab.runs.argo import executions

DATA = b"[3,4]"
ROOT = "users/ada/"
ATTEMPT = Attempt("lab", f"{ROOT}runs/uid-1/divide/0-1/")


def ended(phase):
    """The Workflow of a step that has ended."""
    node = names.node_id("divide-1", "divide-1.divide(0)")
    about = {"divide": {"name": "divide", "outputs": [{"name": "tops", "codec": "json"}]}}
    pod = {"id": node, "name": "divide-1.divide(0)", "type": "Pod", "phase": phase}
    at = "2026-11-24T08:00:00Z"
    return {
        "metadata": {
            "name": "divide-1",
            "uid": "uid-1",
            "creationTimestamp": at,
            "labels": {names.LABEL_RUN: "run-1", names.LABEL_USER: "ada"},
            "annotations": {names.ANNOTATION_STEPS: json.dumps(about)},
        },
        "spec": workflow_spec("ada", [{"name": "divide", "templateRef": step_reference()}]),
        "status": {"startedAt": at, "phase": phase, "nodes": {node: pod}},
    }


class Objects:
    """A bucket."""

    def __init__(self):
        self.there = {}

    def get(self, bucket, name):
        assert bucket == "lab"
        if name not in self.there:
            raise NotFound(name)
        return self.there[name]

    def folders(self, bucket, prefix):
        below = {name[len(prefix) :].partition("/")[0] for name in self.there if name.startswith(prefix)}
        return [f"{prefix}{name}/" for name in sorted(below)]

    def fail(self, attempt, life="r0.0", data=DATA, left_out=None, **made):
        """Leave what a failed cell had assigned."""
        folder = f"{attempt.folder}{life}/"
        entry = {"codec": "json", "digest": hashlib.sha256(data).hexdigest()}
        entry |= {"uri": f"gs://lab/{folder}out/tops/data", **made}
        document = {
            "schema": "argovx.partial/1",
            "complete": False,
            "error": {"type": "ValueError", "message": "no", "place": "cell 7, line 3"},
            "outputs": {"tops": entry},
            "left_out": left_out or {},
        }
        self.there[f"{folder}manifest-partial.json"] = json.dumps(document).encode()
        self.there[f"{folder}out/tops/data"] = data
        return self


def value(objects, declared="auto"):
    return partial.find(objects, ATTEMPT, ROOT).value(objects, "tops", declared)


def test_the_newest_life_of_the_primary_counts():
    objects = Objects().fail(ATTEMPT, "r0.2", b"[2]").fail(ATTEMPT, "r0.10").fail(ATTEMPT, "r1.11", b"[1]")
    assert value(objects) == [3, 4]
    found = partial.find(objects, ATTEMPT, ROOT)
    assert found.error == "ValueError: no · cell 7, line 3"


@pytest.mark.parametrize("folder", ["users/eve/runs/u/divide/0-2/", "users/ada/../eve/x/"])
def test_an_intent_is_followed_within_the_users_own_folder_only(folder):
    older = Attempt("lab", f"{ROOT}runs/uid-1/divide/0-0/")
    objects = Objects().fail(older).fail(Attempt("lab", folder), data=b"[9]")
    objects.there[ATTEMPT.intent] = json.dumps({"prefix": older.uri}).encode()
    assert value(objects) == [3, 4]
    objects.there[ATTEMPT.intent] = json.dumps({"prefix": f"gs://lab/{folder}"}).encode()
    assert partial.find(objects, ATTEMPT, ROOT) is None


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        ({"uri": "gs://lab/users/eve/out/tops/data"}, PolicyDenied),
        ({"codec": "pickle"}, PolicyDenied),
        ({"digest": "0" * 64}, OutputsMissing),
        ({"uri": None}, PolicyDenied),
    ],
)
def test_what_is_not_what_was_written_down_is_refused(made, kind):
    with pytest.raises(kind):
        value(Objects().fail(ATTEMPT, **made))


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"schema": "argovx.manifest/1", "outputs": {}}', b"\xff"])
def test_another_document_is_no_partial_result(data):
    objects = Objects().fail(ATTEMPT)
    objects.there[f"{ATTEMPT.folder}r0.0/manifest-partial.json"] = data
    assert partial.find(objects, ATTEMPT, ROOT) is None
    assert partial.offer(objects, ATTEMPT.uri, ROOT, "divide") == ()


def test_an_offer_never_hides_the_failure():
    assert partial.offer(Objects(), "", ROOT, "divide") == ()
    assert partial.offer(Objects(), "not a place", ROOT, "divide") == ()
    (line,) = partial.offer(Objects().fail(ATTEMPT), ATTEMPT.uri, ROOT, "divide")
    assert line.endswith("had assigned tops; %argovx pull divide brings that here as tops_partial")


def session(workflow, objects):
    layout = Layout("lab", "ada")
    services = SimpleNamespace(objects=objects, profile=SimpleNamespace(layout=layout))
    return SimpleNamespace(
        run_id="run-1", services=services, profile=services.profile, workflows=lambda: [workflow]
    )


@pytest.mark.parametrize("name", ["divide", "tops"])
def test_pull_binds_them_under_names_of_their_own(name):
    workflow = ended("Failed")
    attempt = executions(workflow)[0].attempt("lab", "")
    objects = Objects().fail(attempt, left_out={"guard": "it is a lock"})
    namespace = {"tops": "mine"}
    lines = pull(session(workflow, objects), name, namespace)
    assert namespace == {"tops": "mine", "tops_partial": [3, 4]}
    assert "partial: assigned before divide failed with ValueError: no · cell 7, line 3" in lines[0]
    assert (lines[1:] == ["guard: assigned before divide failed, not kept: it is a lock"]) == (
        name == "divide"
    )


def test_a_step_that_succeeded_offers_nothing_partial():
    workflow = ended("Succeeded")
    attempt = executions(workflow)[0].attempt("lab", "")
    objects = Objects().fail(attempt)
    assert pull(session(workflow, objects), "divide", {}) == ["divide has no inputs"]
    with pytest.raises(SpecError, match="no step tops") as caught:
        pull(session(workflow, objects), "tops", {})
    assert "tops.get()" in caught.value.hint
