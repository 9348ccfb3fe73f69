"""The panel shows a custom job that no step started: marked as what it is, with its log, parameters and lineage."""

import re

import pytest
from panel import PANEL, command, shot, tab
from support import until

from argovx_lab.identity.session import Session
from argovx_lab.identity.settings import Federation
from argovx_lab.vertex.jobs import Jobs
from argovx_lab.vertex.metadata import SCHEMA_VERSION, Metadata
from argovx_lab.wiring.local import sandbox_status

pytestmark = [pytest.mark.ui, pytest.mark.timeout(240)]

MARK = "Vertex job, started outside the notebook's steps"


@pytest.fixture
def job():
    """Start a job as the sandbox's owner, under an experiment run with two parameters; give its number and an end."""
    status = sandbox_status()
    owner = Session(
        Federation(status.google_endpoint, status.audience, status.owner_token, ca_file=status.ca)
    )
    place = (status.google_endpoint, status.project, status.region)
    metadata = Metadata(owner, *place)
    metadata.ensure_store()
    noted = {"_params": {"depth": 4, "kind": "tree"}, "_metrics": {"accuracy": 0.917}, "_state": "RUNNING"}
    for name, title, values in (
        ("penguins", "system.Experiment", {}),
        ("penguins-depth-4", "system.ExperimentRun", noted),
    ):
        shown = {"displayName": name.removeprefix("penguins-"), "metadata": values}
        schema = {"schemaTitle": title, "schemaVersion": SCHEMA_VERSION}
        metadata.upsert("contexts", name, {**shown, **schema})
    contexts = f"{metadata.store}/contexts"
    container = {
        "imageUri": "python:3.11",
        "command": ["python3", "-c", "import time; print('fed the penguins', flush=True); time.sleep(600)"],
    }
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1, "containerSpec": container}
    spec = {
        "workerPoolSpecs": [pool],
        "serviceAccount": status.run_as,
        "experiment": f"{contexts}/penguins",
        "experimentRun": f"{contexts}/penguins-depth-4",
    }
    jobs = Jobs(owner, *place)
    made = jobs.create({"displayName": "train penguins <b>by hand</b>", "jobSpec": spec})["name"]
    yield made.rpartition("/")[2], lambda: jobs.cancel(made)
    jobs.cancel(made)


def test_a_job_that_no_step_started(page, lab, shots, job):
    number, cancel = job
    run = f"vertex-{number}"
    lab.open(page, "/lab")
    command(page, "argovx:show-panel")
    found = page.locator(f"{PANEL} [role=treeitem][data-argovx-run='{run}']").first
    found.wait_for(timeout=60_000)
    until(lambda: found.get_attribute("data-argovx-phase") == "Running", 60, "the job runs")
    label = found.get_attribute("aria-label")
    assert label == f"train penguins <b>by hand</b>, Running, {MARK}"
    shot(page, shots, "outside-1-list")

    command(page, "argovx:open-run", run=run, node="job")
    params = page.locator("[data-argovx-values=Parameters]")
    params.wait_for()
    assert re.sub(r"\s+", " ", params.inner_text()) == "Parameters depth 4 kind tree"
    assert MARK in page.locator(".jp-argovx-runhead").inner_text()
    shot(page, shots, "outside-2-overview")
    tab(page, "logs").click()
    page.locator("pre[role=log]").get_by_text("fed the penguins").wait_for()
    shot(page, shots, "outside-3-logs")
    tab(page, "lineage").click()
    page.locator("[data-argovx-execution=job]").wait_for()
    assert "Argo does not know this job" in page.locator(".jp-argovx-lineage").first.inner_text()
    shot(page, shots, "outside-4-lineage")
    page.locator("[data-argovx-node=job] .jp-argovx-nodeverbs").get_by_text("Stop", exact=True).click()
    # the notebook may not cancel jobs of the whole project, and is told which role would let it
    page.locator("[role=alert]").get_by_text("argovxJobStopper").first.wait_for()
    shot(page, shots, "outside-5-refused")
    cancel()
    until(lambda: found.get_attribute("data-argovx-phase") == "Stopped", 60, "the job is cancelled")
