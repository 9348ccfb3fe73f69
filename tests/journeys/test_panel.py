"""The panel in a real JupyterLab in Chromium, with token and XSRF on, on the real sandbox.

Asserts what a person would look for: planned steps before anything ran, states that move, logs, curve and
lineage, the same picture after a reload. Screenshots, light and dark, are kept in tests/output.
"""

import json
import random
import shutil
import string
from pathlib import Path

import pytest
from panel import (
    command,
    newest_run,
    open_notebook,
    phase,
    row,
    run_all,
    shot,
    wait_phase,
    write_notebook,
)
from support import until

pytestmark = [pytest.mark.ui, pytest.mark.timeout(240)]

#: Collects every state that a step's row was seen in.
WATCH = """() => {
  window.seen = {};
  const look = () => {
    for (const row of document.querySelectorAll('#argovx-panel [role=treeitem][data-argovx-node]')) {
      const name = row.dataset.argovxNode;
      const phases = (window.seen[name] ??= []);
      if (phases[phases.length - 1] !== row.dataset.argovxPhase) phases.push(row.dataset.argovxPhase);
    }
  };
  look();
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def test_the_first_notebook_from_planned_to_succeeded(page, lab, shots, pytestconfig):
    shutil.copy(pytestconfig.rootpath / "notebooks" / "00-first-step.ipynb", lab.root / "first.ipynb")
    open_notebook(page, "first.ipynb")
    for step in ("prepare", "train", "evaluate"):
        wait_phase(page, step, "Planned", 30)
    assert "after prepare" in row(page, "train").inner_text()
    shot(page, shots, "1-planned")

    page.evaluate(WATCH)
    run_all(page)
    wait_phase(page, "prepare", "Succeeded")
    until(lambda: phase(page, "train") in ("Provisioning", "Running", "Uploading", "Succeeded"), 60)
    shot(page, shots, "2-running")
    seen = page.evaluate("() => window.seen")
    assert seen["prepare"][0] == "Planned"
    assert "Running" in seen["prepare"]
    assert seen["prepare"][-1] == "Succeeded"

    lab.open(page, "/lab")  # a reload in the middle
    command(page, "argovx:show-panel")
    for step in ("prepare", "train", "evaluate"):
        wait_phase(page, step, "Succeeded")
    assert phase(page, "prepare") == "Succeeded"

    look_at_the_run(page, lab, shots)


def look_at_the_run(page, lab, shots):
    command(page, "argovx:open-run", run=newest_run(lab, "first.ipynb"), node="train")
    page.locator("[data-argovx-tab=Logs], [data-argovx-tab=logs]").first.click()
    page.locator("pre[role=log]").get_by_text("accuracy on the training digits").wait_for()
    shot(page, shots, "3-logs")
    page.locator("[data-argovx-tab=Metrics], [data-argovx-tab=metrics]").first.click()
    curve = page.locator(".jp-argovx-curve [data-argovx-points]").first
    until(lambda: curve.get_attribute("data-argovx-points") == "20", 20, "twenty points")
    shot(page, shots, "4-curve")
    page.locator("[data-argovx-tab=Lineage], [data-argovx-tab=lineage]").first.click()
    page.locator("[data-argovx-execution=train]").first.wait_for()
    shot(page, shots, "5-lineage")
    command(page, "apputils:change-theme", theme="JupyterLab Dark")
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    shot(page, shots, "6-dark")
    command(page, "apputils:change-theme", theme="JupyterLab Light")


def test_a_notebook_that_nobody_has_seen(page, lab, shots):
    word = "".join(random.choices(string.ascii_lowercase, k=6))
    steps = [f"{word}_one", f"{word}-two"]
    write_notebook(
        lab.root,
        "unseen.ipynb",
        "%load_ext argovx_lab",
        f"%%vertex_step {steps[0]}() -> value\nvalue = 3",
        f"%%vertex_step {steps[1]}(value) -> other\nother = value + 1\nargovx.log_metrics({{'{word}': other}})",
        "other.get()",
    )
    open_notebook(page, "unseen.ipynb")
    for step in steps:
        wait_phase(page, step, "Planned", 30)
    run_all(page)
    for step in steps:
        wait_phase(page, step, "Succeeded")
    page.locator(
        f".jp-OutputArea [data-argovx-strip={json.dumps(steps[1])}][data-argovx-phase=Succeeded]"
    ).wait_for()
    shot(page, shots, "7-unseen")

    # the view under the cell survives a kernel restart and a reload of the saved notebook
    command(page, "docmanager:save")
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel().then(() => null)"
    )
    lab.open(page, "/lab")
    page.locator(
        f".jp-OutputArea [data-argovx-strip={json.dumps(steps[1])}][data-argovx-live=true]"
    ).wait_for()


def test_a_failing_step_says_the_users_line_and_leads_to_its_cell(page, lab, shots):
    write_notebook(
        lab.root,
        "fails.ipynb",
        "%load_ext argovx_lab",
        "%%vertex_step broken() -> x\nrows = {'a': 1}\nx = rows['label']",
        "# the cell after it",
    )
    open_notebook(page, "fails.ipynb")
    wait_phase(page, "broken", "Planned", 30)
    run_all(page)
    wait_phase(page, "broken", "Failed")
    assert "KeyError: 'label'" in row(page, "broken").inner_text()
    page.locator(".jp-OutputArea-output").get_by_text("KeyError").first.wait_for()
    command(page, "notebook:move-cursor-down")
    shot(page, shots, "8-failed")
    command(page, "argovx:go-to-cell", run=newest_run(lab, "fails.ipynb"), node="broken")
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    until(lambda: page.evaluate(active) == 1, 10, "the failing cell is active")


def test_stop_and_retry_from_the_panel(page, lab):
    write_notebook(
        lab.root,
        "stops.ipynb",
        "%load_ext argovx_lab",
        "%%vertex_step forever() -> x --no-wait\nimport time\nx = 1\nwhile True:\n    time.sleep(0.1)",
    )
    open_notebook(page, "stops.ipynb")
    run_all(page)
    wait_phase(page, "forever", "Running")
    run = newest_run(lab, "stops.ipynb")
    command(page, "argovx:stop-step", run=run, node="forever")
    wait_phase(page, "forever", "Stopped")
    stop = lab.api(f"runs/{run}")["nodes"][0]["stop"]
    assert (stop["how"], stop["by"]) == ("Stop", "ada")
    until(lambda: "by ada, " in row(page, "forever").inner_text(), 5, "who and when")
    command(page, "argovx:retry-step", run=run, node="forever")
    wait_phase(page, "forever", "Running")
    assert len(lab.api(f"runs/{run}")["nodes"][0]["history"]) == 1
    command(page, "argovx:stop-run", run=run)
    wait_phase(page, "forever", "Stopped")


def test_an_execution_deleted_at_vertex_is_a_finding(page, lab, sandbox, shots):
    write_notebook(
        lab.root, "line.ipynb", "%load_ext argovx_lab", "%%vertex_step source() -> x\nx = 1", "x.get()"
    )
    open_notebook(page, "line.ipynb")
    run_all(page)
    wait_phase(page, "source", "Succeeded")
    run = newest_run(lab, "line.ipynb")
    (workflow,) = {node["argo"]["workflow_uid"] for node in lab.api(f"runs/{run}")["nodes"]}
    assert lab.api(f"lineage?run={run}")["findings"] == []
    delete_execution(workflow)
    command(page, "argovx:open-lineage", run=run)
    page.locator("[data-argovx-finding=vertex-execution-missing]").first.wait_for()
    shot(page, shots, "9-finding")


def delete_execution(workflow_uid):
    """Delete the step's execution with the vendor's own client, as the owner of the sandbox."""
    import os
    import subprocess
    import sys

    script = (
        "from google.cloud import aiplatform_v1 as v1\n"
        "import os, sys\n"
        "client = v1.MetadataServiceClient(client_options={'api_endpoint': 'us-central1-aiplatform.googleapis.com'})\n"
        "store = f\"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/locations/us-central1/metadataStores/default\"\n"
        "for item in client.list_executions(parent=store):\n"
        "    if dict(item.metadata).get('argo_workflow_uid') == sys.argv[1]:\n"
        "        client.delete_execution(name=item.name).result()\n"
        "        print('deleted', item.name)\n"
    )
    done = subprocess.run(
        [
            Path(sys.executable).with_name("argovx"),
            "sandbox",
            "run",
            "--",
            sys.executable,
            "-c",
            script,
            workflow_uid,
        ],
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "deleted" in done.stdout, done.stderr[-2000:]


def test_a_killed_server_and_a_closed_browser_do_not_stop_a_run(page, lab):
    write_notebook(
        lab.root,
        "goes_on.ipynb",
        "%load_ext argovx_lab",
        "%%vertex_step patient() -> x --no-wait\nimport time\ntime.sleep(6)\nx = 9",
    )
    open_notebook(page, "goes_on.ipynb")
    run_all(page)
    until(lambda: phase(page, "patient") not in (None, "Planned"), 60)
    page.goto("about:blank")
    lab.kill()
    lab.start()
    lab.open(page, "/lab")
    command(page, "argovx:show-panel")
    wait_phase(page, "patient", "Succeeded")
