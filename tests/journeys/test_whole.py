"""A whole notebook as one Workflow, from its saved cells to values in the kernel."""

import subprocess
import sys

import nbformat
import pytest
import yaml
from support import until

PREPARE = "%%vertex_step prepare(n) -> rows, data\nrows = n\ndata = [base(i) for i in range(n)]"
TRAIN = "%%vertex_step train(data, lr=9) -> model\nmodel = {'lr': lr, 'sum': sum(data)}"
REPORT = "%%vertex_step report(model, rows) -> text\ntext = f\"{rows} rows, {model['sum']}\""

LOCAL = "%%vertex_step local() -> here --here\nhere = 1"


@pytest.fixture
def saved(tmp_path):
    """Save cells as the kernel's notebook, before its first magic asks for it."""

    def save(*cells):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        nbformat.write(notebook, tmp_path / f"{tmp_path.name}.ipynb")

    return save


def test_a_saved_notebook_runs_as_one_workflow(kernel, saved, sandbox, tmp_path):
    saved("def base(i):\n    return i * 2", PREPARE, TRAIN, REPORT, LOCAL, "%argovx run")
    before = {w["metadata"]["name"] for w in sandbox.cluster.list_workflows()[0]}
    assert "prepare reads n, which this kernel does not have" in kernel.bad("%argovx run report")
    kernel.good("n = 4")
    assert "no machine of yours" in kernel.bad("%argovx run local")
    assert "did you mean lr" in kernel.bad("%argovx run --param lrr=1").lower()
    assert "column 13: there is no step 'trian'" in kernel.bad("%argovx run trian")
    plan = kernel.good("%argovx run report --param lr=0.5 --dry-run")
    assert "as it is now" in plan
    assert "in data: from prepare" in plan
    assert "nothing was sent" in plan
    assert {w["metadata"]["name"] for w in sandbox.cluster.list_workflows()[0]} == before
    text = kernel.good("%argovx run report --param lr=0.5")
    for step in ("prepare", "train", "report"):
        assert f"✓ {step}" in text
    assert kernel.good("text.get(), model.get()") == "('4 rows, 12', {'lr': 0.5, 'sum': 12})"
    (made,) = [w for w in sandbox.cluster.list_workflows()[0] if w["metadata"]["name"] not in before]
    assert len(made["spec"]["templates"][0]["dag"]["tasks"]) == 3
    same_digests(kernel, sandbox, tmp_path, made)


def same_digests(kernel, sandbox, folder, made):
    """An exported script and YAML file do the very same, without the kernel."""
    assert "is no .yaml or .py" in kernel.bad("%argovx export flow.txt --param lr=0.5")
    assert "Hera is not built" in kernel.bad("%argovx export hera")
    kernel.good("%argovx export flow.yaml report --param lr=0.5")
    kernel.good("%argovx export flow.py report --param lr=0.5")
    assert "is there already" in kernel.bad("%argovx export flow.py report --param lr=0.5")
    exported = yaml.safe_load((folder / "flow.yaml").read_text())
    assert exported["spec"] == made["spec"]
    ran = subprocess.run([sys.executable, "flow.py"], cwd=folder, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert made["metadata"]["annotations"]["argovx.dev/plan"] in ran.stdout
    assert ran.stdout.count("✓") == 3
    spoilt = (folder / "flow.py").read_text().replace("spec-digest", "spec-digets")
    (folder / "flow.py").write_text(spoilt)
    assert subprocess.run([sys.executable, "flow.py"], cwd=folder, capture_output=True).returncode != 0


@pytest.mark.long
def test_a_gate_is_answered(kernel, saved):
    saved(
        "%%vertex_step score(n) -> accuracy\naccuracy = n / 10",
        '%argovx gate deploy_ok "Deploy at {accuracy}?"',
        "%%vertex_step deploy(accuracy) -> place --when 'score.accuracy >= 0.5'\nplace = f'live {accuracy}'",
    )
    kernel.good("n = 7")
    assert "is a gate of %argovx run" in kernel.good('%argovx gate deploy_ok "Deploy at {accuracy}?"')
    assert "no gate 'deploy_ok' waits" in kernel.bad("%argovx approve deploy_ok")
    text = kernel.good("%argovx run")
    assert "✋ deploy_ok · Waiting for you · Deploy at 0.7?" in text
    assert "%argovx approve deploy_ok" in text
    kernel.good("%argovx approve deploy_ok")
    until(lambda: "get() brings" in (now := kernel.good("place")) and "not there" not in now, 60)
    assert kernel.good("place.get()") == "'live 0.7'"


@pytest.mark.long
def test_a_schedule_is_made_paused_and_removed(kernel, saved, sandbox):
    saved("%%vertex_step score(n) -> accuracy\naccuracy = n / 10")
    kernel.good("n = 7")
    assert "column 18" in kernel.bad('%argovx schedule "61 3 * * *"')
    assert "'Mars/Base' is no time zone" in kernel.bad('%argovx schedule "0 3 * * *" --tz Mars/Base')
    kernel.good('%argovx schedule "* * * * *" score --tz Europe/Zurich --name nightly')
    assert "nightly · * * * * * · Europe/Zurich · active" in kernel.good("%argovx schedule list")
    (cron,) = sandbox.cluster.cron("GET")["items"]
    assert cron["spec"]["workflowMetadata"]["labels"]["argovx.dev/user"] == "ada"
    assert "is paused" in kernel.good("%argovx schedule pause nightly")
    assert "paused" in kernel.good("%argovx schedule list")
    kernel.good("%argovx schedule remove nightly")
    assert "No schedules yet" in kernel.good("%argovx schedule list")


@pytest.mark.long
def test_a_schedule_runs_the_notebook_without_a_kernel(kernel, saved):
    saved("%%vertex_step score(n) -> accuracy\naccuracy = n / 10")
    kernel.good("n = 7")
    kernel.good('%argovx schedule "* * * * *" --name minutely')
    until(lambda: "✓ minutely-" in kernel.good("%argovx runs"), 150)
    kernel.good("%argovx schedule remove minutely")


@pytest.mark.long
def test_a_denied_gate_keeps_what_is_below_from_running(kernel, saved):
    saved(
        "%%vertex_step first() -> a\na = 1", '%argovx gate ok "Go on?"', "%%vertex_step last(a) -> b\nb = a"
    )
    kernel.good("%argovx run")
    kernel.good("%argovx deny ok")
    until(lambda: "was omitted" in kernel.good("b"), 30)
