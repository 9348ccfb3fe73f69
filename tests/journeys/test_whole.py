"""A whole notebook as one Workflow, from its saved cells to values in the kernel."""

import nbformat
import pytest

PREPARE = "%%vertex_step prepare(n) -> rows, data\nrows = n\ndata = [base(i) for i in range(n)]"
TRAIN = "%%vertex_step train(data, lr) -> model\nmodel = {'lr': lr, 'sum': sum(data)}"
REPORT = "%%vertex_step report(model, rows) -> text\ntext = f\"{rows} rows, {model['sum']}\""


@pytest.fixture
def saved(tmp_path):
    """Save cells as the kernel's notebook, before its first magic asks for it."""

    def save(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbformat.write(notebook, tmp_path / f"{tmp_path.name}.ipynb")

    return save


def test_a_saved_notebook_runs_as_one_workflow(kernel, saved, sandbox):
    saved("def base(i):\n    return i * 2", PREPARE, TRAIN, REPORT, "%argovx run")
    before = {w["metadata"]["name"] for w in sandbox.cluster.list_workflows()[0]}
    assert "prepare reads n, which this kernel does not have" in kernel.bad("%argovx run report")
    kernel.good("n = 4")
    assert "did you mean lr" in kernel.bad("%argovx run --param lrr=1").lower()
    assert "column 13: there is no step 'trian'" in kernel.bad("%argovx run trian")
    plan = kernel.good("%argovx run --param lr=0.5 --dry-run")
    assert "as it is now" in plan
    assert "in data: from prepare" in plan
    assert "nothing was sent" in plan
    assert {w["metadata"]["name"] for w in sandbox.cluster.list_workflows()[0]} == before
    text = kernel.good("%argovx run --param lr=0.5")
    for step in ("prepare", "train", "report"):
        assert f"✓ {step}" in text
    assert kernel.good("text.get(), model.get()") == "('4 rows, 12', {'lr': 0.5, 'sum': 12})"
    (made,) = [w for w in sandbox.cluster.list_workflows()[0] if w["metadata"]["name"] not in before]
    assert len(made["spec"]["templates"][0]["dag"]["tasks"]) == 3
