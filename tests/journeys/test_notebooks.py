"""The shared example notebooks run as they stand, and are committed without outputs."""

import nbformat
import pytest
from support import failed, text_of

NOTEBOOKS = ("00-first-step.ipynb", "01-a-failing-step.ipynb")


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
