"""What a session remembers of a notebook, and what its file corrects."""

import hashlib
import json
from types import SimpleNamespace

import nbformat
import pytest

from argovx_lab.compile import cached
from argovx_lab.compile.manifest import step_reference, workflow_spec
from argovx_lab.errors import RunError, SpecError
from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.notebook import graphed
from argovx_lab.notebook.commands import execute
from argovx_lab.notebook.session import Session, Submission


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Saves a notebook of cells ``c1``, ``c2`` … and returns a session that has it."""
    path = tmp_path / "n.ipynb"
    monkeypatch.setenv("ARGOVX_NOTEBOOK", str(path))

    def save(*sources):
        document = nbformat.v4.new_notebook()
        for number, text in enumerate(sources, 1):
            document.cells.append(nbformat.v4.new_code_cell(text, id=f"c{number}"))
        nbformat.write(document, path)
        return Session()

    return save


def submitted(session, step, cell_id):
    session.submissions[step] = Submission(step, f"{step}-1", cell_id)
    return session


STEP = "%%vertex_step a\nx = 1"


def test_the_name_of_another_cell_of_this_kernel_is_refused_without_a_file(monkeypatch):
    monkeypatch.setenv("ARGOVX_NOTEBOOK", "nowhere.ipynb")
    session = submitted(Session(), "a", "c1")
    session.check_name("a", "c1")
    session.check_name("a", "")
    with pytest.raises(SpecError, match="two cells are named a"):
        session.check_name("a", "c2")


def test_a_new_kernel_knows_the_steps_above_from_the_file(notebook):
    session = notebook(STEP, STEP)
    session.check_name("a", "c1")
    with pytest.raises(SpecError, match="two cells are named a"):
        session.check_name("a", "c2")


@pytest.mark.parametrize("first", ["%%vertex_step b\nx = 1", "x = 1", "%%vertex_step a --dry-run\nx = 1"])
def test_a_cell_that_gave_its_name_up_holds_it_no_longer(notebook, first):
    session = submitted(notebook(first, STEP), "a", "c1")
    session.check_name("a", "c2")


def test_a_cell_that_is_gone_holds_no_name(notebook):
    session = submitted(notebook(STEP), "a", "c7")
    session.check_name("a", "c1")


def test_a_file_that_is_older_than_the_cell_frees_nothing(notebook):
    session = submitted(notebook("x = 1"), "a", "c7")
    with pytest.raises(SpecError, match="two cells are named a"):
        session.check_name("a", "c8")


def test_use_says_which_runs_the_panel_shows(tmp_path, monkeypatch):
    config = tmp_path / "argovx.toml"
    settings = {
        "kubeconfig": "/k",
        "context": "c",
        "namespace": "team-a",
        "project": "acme",
        "project_number": "1",
        "region": "europe-west4",
        "bucket": "acme-bucket",
        "user": "ada",
        "run_as": "u-ada@acme.iam.gserviceaccount.com",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/a",
        "token_file": "/t",
    }
    config.write_text(
        "[profiles.team]\n" + "\n".join(f'{name} = "{value}"' for name, value in settings.items())
    )
    monkeypatch.setenv("ARGOVX_CONFIG", str(config))
    monkeypatch.delenv("ARGOVX_PROFILE", raising=False)
    text = repr(execute(Session(), "use team"))
    assert "profile team: project acme, namespace team-a" in text
    assert "The panel shows profile sandbox" in text
    monkeypatch.setenv("ARGOVX_PROFILE", "team")
    assert "The panel shows" not in repr(execute(Session(), "use team"))


class Cluster:
    """Workflows of one run, in any order."""

    def __init__(self, *workflows):
        self.workflows = workflows

    def list_workflows(self, selector):
        assert selector == "argovx.dev/run=run-1"
        return list(self.workflows), "1"


class Records:
    """A bucket that holds records of what ran on this machine."""

    def __init__(self, *records):
        self.records = {f"users/ada/here/run-1/{i}.json": record for i, record in enumerate(records)}

    def list(self, bucket, prefix):
        return [SimpleNamespace(name=name) for name in self.records if name.startswith(prefix)]

    def get(self, bucket, name):
        return self.records[name]


def services(cluster, *records):
    profile = SimpleNamespace(user="ada", layout=Layout("bucket", "ada"), bucket="bucket")
    return SimpleNamespace(cluster=cluster, profile=profile, objects=Records(*records))


def made_here(created, digest="a" * 64, codec="json"):
    output = {"codec": codec, "summary": "list", "size_bytes": 3, "digest": digest}
    record = {"schema": "argovx.here/1", "step": "a", "id": "here-1", "created_at": created}
    return json.dumps({**record, "outputs": {"x": output}}).encode()


def ended(name, step, output, created, phase="Succeeded"):
    node = names.node_id(name, f"{name}.{step}(0)")
    about = {step: {"name": step, "outputs": [{"name": output, "codec": "json"}]}}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "creationTimestamp": created,
            "labels": {names.LABEL_RUN: "run-1", names.LABEL_USER: "ada"},
            "annotations": {names.ANNOTATION_STEPS: json.dumps(about)},
        },
        "spec": workflow_spec("ada", [{"name": step, "templateRef": step_reference()}]),
        "status": {
            "startedAt": created,
            "phase": phase,
            "nodes": {node: {"id": node, "name": f"{name}.{step}(0)", "type": "Pod", "phase": phase}},
        },
    }


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)])
def test_the_newest_result_of_a_name_wins_whatever_order_the_list_has(order):
    workflows = [
        ended("a-1", "a", "x", "2026-11-24T08:00:00Z"),
        ended("b-1", "b", "x", "2026-11-24T10:00:00Z"),
        ended("a-2", "a", "x", "2026-11-24T09:00:00Z"),
        ended("b-2", "b", "x", "2026-11-24T11:00:00Z", phase="Failed"),
    ]
    session = Session()
    session._run_id = "run-1"
    mimic = ended("evil", "a", "x", "2026-11-24T12:00:00Z")
    mimic["metadata"]["labels"][names.LABEL_USER] = "mallory"
    cluster = Cluster(*(workflows[i] for i in order), mimic)
    session._services = services(cluster)
    (handle,) = session.results().values()
    assert handle._workflow == "b-1"
    assert session.handle("x")._workflow == "b-1"
    assert session.handle("y") is None


def test_attaching_binds_the_newest_result_and_no_name_that_is_defined():
    session = Session()
    session._run_id = "run-1"
    session._services = services(
        Cluster(
            ended("a-2", "a", "x", "2026-11-24T09:00:00Z"), ended("a-1", "a", "x", "2026-11-24T08:00:00Z")
        )
    )
    mine = {"x": 7}
    assert session.attach(mine) == ()
    assert mine == {"x": 7}
    session._attached = ""
    fresh = {}
    assert session.attach(fresh) == ("x",)
    assert fresh["x"]._workflow == "a-2"
    assert session.attach({}) == (), "once per kernel and run"


@pytest.mark.parametrize(
    ("record", "wins"),
    [
        (made_here("2026-11-24T09:00:00Z"), True),
        (made_here("2026-11-24T07:00:00Z"), False),
        (made_here("2026-11-24T09:00:00Z", digest="../../x"), False),
        (made_here("2026-11-24T09:00:00Z", codec="eval()"), False),
        (b"[]", False),
        (b"{", False),
    ],
)
def test_what_was_made_here_counts_when_it_is_newer_and_can_be_believed(record, wins):
    session = Session()
    session._run_id = "run-1"
    session._services = services(Cluster(ended("a-1", "a", "x", "2026-11-24T08:00:00Z")), record)
    handle = session.handle("x")
    assert handle._workflow == ("here-1" if wins else "a-1")
    if wins:
        assert "ran on this machine" in repr(handle)
        assert handle.reference().uri == f"gs://bucket/users/ada/objects/sha256/aa/{'a' * 64}"


def skipped(name, created):
    """A step that Argo skipped; the Workflow ended well."""
    made = ended(name, "a", "x", created)
    node = names.node_id(name, f"{name}.a")
    made["status"]["nodes"] = {node: {"id": node, "name": f"{name}.a", "type": "Skipped", "phase": "Skipped"}}
    return made


def answered(name, created):
    """A step whose results were there: Argo skipped it, as it was told."""
    made = skipped(name, created)
    return cached.answered(made, "a", {"run": "r0", "workflow": "a-0", "manifest": {}, "outputs": []})


def waited_for(*workflows, record=b"{"):
    session = Session()
    session._run_id = "run-1"
    session._services = services(Cluster(*workflows), record)
    waits = {}
    return graphed._add(session, "a", "--after", waits), waits


def test_a_step_that_was_answered_by_results_that_are_there_has_ended_well():
    for phase in ("Skipped", ""):
        made = answered("a-1", "2026-11-24T09:00:00Z")
        made["status"] = made["status"] if phase else {}
        done, waits = waited_for(made)
        assert list(done.handles) == ["x"]
        assert waits == {}


def test_what_a_condition_skipped_has_not_ended_well():
    with pytest.raises(RunError, match="a has skipped"):
        waited_for(skipped("a-1", "2026-11-24T09:00:00Z"))


def test_a_newer_result_of_this_machine_counts_for_what_waits():
    job = ended("a-1", "a", "x", "2026-11-24T08:00:00Z", phase="Failed")
    done, _ = waited_for(job, record=made_here("2026-11-24T09:00:00Z"))
    assert done.handles["x"]._workflow == "here-1"
    with pytest.raises(RunError, match="a has failed"):
        waited_for(job, record=made_here("2026-11-24T07:00:00Z"))


def test_a_condition_reads_small_results_of_steps_that_argo_did_not_run():
    data = b"0.9"
    record = json.loads(made_here("2026-11-24T09:00:00Z", digest=hashlib.sha256(data).hexdigest()))
    done, _ = waited_for(record=json.dumps(record).encode())
    done.handles["x"]._remote.services.objects.get = lambda bucket, name: data
    assert done.value("x") == 0.9
    with pytest.raises(SpecError, match="a has no small result y; it has x"):
        done.value("y")
