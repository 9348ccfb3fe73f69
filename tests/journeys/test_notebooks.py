"""The shared example notebooks run as they stand, and are committed without outputs."""

import nbformat
import pytest
from support import failed, text_of, until

NOTEBOOKS = (
    "00-first-step.ipynb",
    "01-a-failing-step.ipynb",
    "02-a-sweep.ipynb",
    "03-scheduled-with-approval.ipynb",
)


@pytest.fixture
def notebook(pytestconfig):
    def read(name):
        return nbformat.read(pytestconfig.rootpath / "notebooks" / name, as_version=4)

    return read


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_committed_without_outputs(notebook, name):
    for cell in notebook(name).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_all_notebooks_are_tested(pytestconfig):
    assert sorted(p.name for p in (pytestconfig.rootpath / "notebooks").glob("*.ipynb")) == list(NOTEBOOKS)


def test_the_first_step(kernel, notebook):
    text = "".join(
        kernel.good(cell.source) for cell in notebook(NOTEBOOKS[0]).cells if cell.cell_type == "code"
    )
    assert "'accuracy': 0.9" in text
    for step in ("prepare", "train", "evaluate"):
        assert f"✓ {step}" in text


def test_a_failing_step_is_mended_by_running_its_cell_again(kernel, notebook):
    load, collect, summarise, compare, show = (
        cell.source for cell in notebook(NOTEBOOKS[1]).cells if cell.cell_type == "code"
    )
    kernel.good(load)
    kernel.good(collect)
    text = kernel.bad(summarise)
    assert "KeyError: 'lable'" in text
    assert failed(kernel.run(compare)), "nothing goes on from a step that failed"
    kernel.good(summarise.replace("lable", "label"))
    kernel.good(compare)
    assert text_of(kernel.run(show)).strip() == "1.2"
    status = kernel.good("%argovx status")
    assert status.count("✓") == 3


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_a_sweep_is_compared(kernel, notebook):
    text = "".join(kernel.good(cell) for cell in code(notebook(NOTEBOOKS[2])))
    for step in ("fit-0", "fit-1", "fit-2", "compare"):
        assert f"✓ {step}" in text
    assert "best rate: 0.5" in text


def test_a_notebook_is_one_workflow_with_an_approval_and_a_schedule(kernel, notebook, tmp_path):
    shared = notebook(NOTEBOOKS[3])
    nbformat.write(shared, tmp_path / f"{tmp_path.name}.ipynb")  # what JupyterLab has saved
    load, limit, *_ = cells = code(shared)
    kernel.good(load)
    kernel.good(limit)
    text = "".join(kernel.good(cell) for cell in cells if cell.startswith("%argovx"))
    assert "publish_ok: Publish {share}?" in text
    assert "publish_ok is approved" in text
    assert "nightly-report · 0 3 * * * · Europe/Zurich · active" in text
    until(lambda: "get() brings" in (now := kernel.good("report")) and "not there" not in now, 60)
    assert kernel.good("report.get()") == "'40% of 50 readings reach the limit'"
