"""Which run a notebook goes on with when paths are used again, notebooks are renamed or copied."""

import json
from types import SimpleNamespace

import nbformat
import pytest

from argovx_lab.compile.manifest import step_reference, workflow_spec
from argovx_lab.errors import Conflict, NotFound
from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.notebook.current import CurrentRun, moved_to
from argovx_lab.wiring.place import NotebookPlace


class Ends:
    """A bucket and a cluster in memory."""

    def __init__(self):
        self.bucket, self.workflows = {}, []
        self.profile = SimpleNamespace(user="ada", bucket="b", layout=Layout("b", "ada"))
        self.objects = self.cluster = self

    def get(self, bucket, name):
        if name not in self.bucket:
            raise NotFound("gone")
        return self.bucket[name]

    def create(self, bucket, name, body, *, if_absent):
        if if_absent and name in self.bucket:
            raise Conflict("there")
        self.bucket[name] = body

    def list_workflows(self, selector):
        label, _, value = selector.partition("=")
        return [w for w in self.workflows if w["metadata"]["labels"][label] == value], "1"

    def ran(self, run, cell, path, created="2026-11-24T08:00:00Z", user="ada"):
        about = {"s": {"name": "s", "cell": {"cell_id": cell, "notebook": path, "number": 1}}}
        name = f"s-{len(self.workflows)}"
        self.workflows.append(
            {
                "metadata": {
                    "name": name,
                    "uid": f"u-{name}",
                    "creationTimestamp": created,
                    "labels": {names.LABEL_RUN: run, names.LABEL_USER: user},
                    "annotations": {
                        names.ANNOTATION_STEPS: json.dumps(about),
                        names.ANNOTATION_NOTEBOOK: path,
                    },
                },
                "spec": workflow_spec(user, [{"name": "s", "templateRef": step_reference()}]),
                "status": {},
            }
        )


@pytest.fixture
def ends():
    return Ends()


def save(root, path, *cells):
    document = nbformat.v4.new_notebook()
    document.cells = [nbformat.v4.new_code_cell("x", id=cell) for cell in cells]
    (root / path).parent.mkdir(exist_ok=True)
    nbformat.write(document, root / path)
    return NotebookPlace(path, root / path)


def test_a_notebook_goes_on_with_its_run(ends, tmp_path):
    place = save(tmp_path, "work/a.ipynb", "c1", "c2")
    run = CurrentRun(ends, place).find()
    assert run.startswith("a-")
    ends.ran(run, "c1", "work/a.ipynb")
    assert CurrentRun(ends, place).find() == run
    fresh = CurrentRun(ends, place).begin()
    assert fresh != run
    assert CurrentRun(ends, place).find() == fresh


def test_another_notebook_at_the_path_of_a_renamed_one_begins_its_own(ends, tmp_path):
    run = CurrentRun(ends, save(tmp_path, "Untitled.ipynb", "c1")).find()
    ends.ran(run, "c1", "Untitled.ipynb")
    (tmp_path / "Untitled.ipynb").rename(tmp_path / "eda.ipynb")
    other = CurrentRun(ends, save(tmp_path, "Untitled.ipynb", "d1")).find()
    assert other != run
    assert CurrentRun(ends, NotebookPlace("Untitled.ipynb", tmp_path / "Untitled.ipynb")).find() == other


def test_a_renamed_notebook_takes_its_run_along(ends, tmp_path):
    run = CurrentRun(ends, save(tmp_path, "Untitled.ipynb", "c1")).find()
    ends.ran(run, "c1", "Untitled.ipynb")
    (tmp_path / "Untitled.ipynb").rename(tmp_path / "eda.ipynb")
    place = NotebookPlace("eda.ipynb", tmp_path / "eda.ipynb")
    assert CurrentRun(ends, place).find() == run
    assert CurrentRun(ends, place).find() == run


def test_a_copy_begins_a_run_of_its_own(ends, tmp_path):
    run = CurrentRun(ends, save(tmp_path, "a.ipynb", "c1")).find()
    ends.ran(run, "c1", "a.ipynb")
    assert CurrentRun(ends, save(tmp_path, "a-Copy1.ipynb", "c1")).find() != run


def test_a_neighbours_workflow_gives_no_run_away(ends, tmp_path):
    ends.ran("theirs", "c1", "gone.ipynb", user="mallory")
    assert CurrentRun(ends, save(tmp_path, "a.ipynb", "c1")).find() != "theirs"


def test_a_notebook_without_a_file_is_known_by_its_path(ends):
    place = NotebookPlace("job.ipynb")
    run = CurrentRun(ends, place).find()
    ends.ran(run, "c1", "job.ipynb")
    assert CurrentRun(ends, place).find() == run


@pytest.mark.parametrize("body", [b"", b"[]", b'{"run": 7}', b'{"run": "../x"}'])
def test_a_damaged_alias_is_replaced(ends, tmp_path, body):
    place = save(tmp_path, "a.ipynb", "c1")
    alias = ends.profile.layout.current_run("a.ipynb")
    ends.bucket[alias] = body
    run = CurrentRun(ends, place).find()
    assert json.loads(ends.bucket[alias])["run"] == run


def test_a_rename_is_noticed_while_the_kernel_runs(tmp_path):
    place = save(tmp_path, "work/Untitled.ipynb", "c1", "c2")
    assert moved_to(place, ["c1"]) is None
    save(tmp_path, "work/other.ipynb", "d1")
    place.file.rename(tmp_path / "work" / "eda.ipynb")
    assert moved_to(place, ["", "c2"]) == NotebookPlace("work/eda.ipynb", tmp_path / "work" / "eda.ipynb")
    assert moved_to(place, ["d9"]) is None
    assert moved_to(NotebookPlace("job.ipynb"), ["c1"]) is None
