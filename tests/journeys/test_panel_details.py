"""The inspector's tabs and the timeline with what a real run left behind, and long names in little room."""

import json

import pytest
from panel import (
    PANEL,
    command,
    newest_run,
    open_notebook,
    row,
    run_all,
    shot,
    tab,
    wait_phase,
    write_notebook,
)
from support import until

pytestmark = [pytest.mark.ui, pytest.mark.timeout(240)]

NOTEBOOK = (
    "%load_ext argovx_lab",
    "%%vertex_step prepare() -> X\nX = list(range(20))",
    "%%vertex_step train(X) -> model --on n1-standard-4\nfor n in X:\n  argovx.log_metrics({'accuracy': n / 20}, step=n)\nmodel = sum(X)",
    "%%vertex_step evaluate(model) -> report\nreport = model + 1",
    "report.get()",
)


def test_events_spec_and_timeline_of_a_real_run(page, lab, shots):
    write_notebook(lab.root, "details.ipynb", *NOTEBOOK)
    open_notebook(page, "details.ipynb")
    run_all(page)
    for step in ("prepare", "train", "evaluate"):
        wait_phase(page, step, "Succeeded")
    run = newest_run(lab, "details.ipynb")
    command(page, "argovx:open-run", run=run, node="train")
    look_at_events(page, shots)
    look_at_the_spec(page, lab.api(f"runs/{run}/nodes/train/spec"), shots)
    look_at_the_timeline(page, shots)


def look_at_events(page, shots):
    """Every speaker is heard, in the order of time; numbers are gathered."""
    tab(page, "events").click()
    page.locator('[data-argovx-event="runner.closed"]').wait_for()
    lines = page.locator("[data-argovx-event]").evaluate_all("all => all.map(e => e.dataset.argovxEvent)")
    told = ["argo.created", "launcher.claimed", "launcher.created", "runner.opened", "runner.closed"]
    assert [line for line in lines if line in told] == told
    assert lines[-1] in ("argo.Succeeded", "launcher.ended")
    metric = page.locator('[data-argovx-event="runner.metric"]')
    assert "×20" in metric.inner_text()
    assert "accuracy" in metric.inner_text()
    shot(page, shots, "10-events")


def look_at_the_spec(page, spec, shots):
    """The spec is what Argo was given, and the document behind its digest."""
    tab(page, "spec").click()
    shown = {name: page.locator(f'[data-argovx-spec="{name}"] code') for name in ("Image", "Spec digest")}
    shown["Image"].wait_for()
    assert shown["Image"].inner_text() == spec["arguments"]["image"]
    assert shown["Spec digest"].inner_text() == spec["arguments"]["spec-digest"]
    assert page.locator('[data-argovx-spec="Machine"] code').inner_text() == "n1-standard-4"
    assert page.locator('[data-argovx-spec="Job runs as"] code').inner_text().startswith("u-ada@")
    document = json.loads(page.get_by_label("Step document", exact=True).inner_text())
    assert (document["name"], document["run_as"]) == ("train", spec["arguments"]["run-as"])
    shot(page, shots, "11-spec")


def look_at_the_timeline(page, shots):
    """Each step has its stretches, one after the other, and a row selects."""
    page.locator("[data-argovx-view=timeline]").click()
    line = page.locator("[data-argovx-timeline]")
    line.locator('[data-argovx-node=evaluate] [data-argovx-stretch="running"]').wait_for()
    ends = {}
    for step in ("prepare", "train", "evaluate"):
        boxes = [item.bounding_box() for item in line.locator(f"[data-argovx-node={step}] i[title]").all()]
        assert len(boxes) >= 3, step
        lefts = [box["x"] for box in boxes]
        assert lefts == sorted(lefts)
        ends[step] = (lefts[0], boxes[-1]["x"] + boxes[-1]["width"])
    assert ends["prepare"][1] <= ends["train"][0] + 3
    assert ends["train"][1] <= ends["evaluate"][0] + 3
    line.locator("[data-argovx-node=prepare]").click()
    page.locator(".jp-argovx-nodehead[data-argovx-node=prepare]").wait_for()
    shot(page, shots, "12-timeline")


def narrow(page):
    """Drag the side panel to its least width."""
    box = page.locator(PANEL).bounding_box()
    page.mouse.move(box["x"] + box["width"] + 1, 600)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, 600, steps=8)
    page.mouse.up()
    until(lambda: page.locator(PANEL).bounding_box()["width"] < 262, 5, "a narrow panel")


def inside(inner, outer):
    """Whether one element lies within another from left to right, and is not squeezed to nothing."""
    a, b = inner.bounding_box(), outer.bounding_box()
    assert a
    assert b
    assert a["width"] > 4
    return b["x"] - 1 <= a["x"] and a["x"] + a["width"] <= b["x"] + b["width"] + 1


def test_long_names_push_nothing_out_of_sight(page, lab, shots):
    step, output = "clean_and_standardise_the_raw_features", "validation_features_after_standard_scaling"
    write_notebook(
        lab.root,
        "long.ipynb",
        "%load_ext argovx_lab",
        f"%%vertex_step {step}() -> {output}\n{output} = [1] * 400",
    )
    open_notebook(page, "long.ipynb")
    wait_phase(page, step, "Planned", 30)
    run_all(page)
    wait_phase(page, step, "Succeeded")
    narrow(page)
    panel, found = page.locator(PANEL), row(page, step)
    assert inside(found.locator(".jp-argovx-time"), panel)
    assert "ran on this machine" in panel.inner_text()
    strip = page.locator(f"[data-argovx-strip={step}] .jp-argovx-striphead")
    assert strip.bounding_box()["height"] < 30, "the head of the strip is one line"
    assert strip.locator(".jp-argovx-cut").get_attribute("title") == step

    found.click()
    chip = panel.locator(".jp-argovx-chip").first
    chip.wait_for()
    assert inside(chip.locator("code"), panel)
    shot(page, shots, "13-narrow")
    command(page, "argovx:open-run", run=newest_run(lab, "long.ipynb"), node=step)
    card = page.locator(f".jp-argovx-card[data-argovx-node={step}]")
    title, time = (card.locator(f".jp-argovx-card-{name}").bounding_box() for name in ("title", "time"))
    assert title["x"] + title["width"] <= time["x"]
    tab(page, "data").click()
    value, inspector = page.locator(f"li[data-argovx-output={output}]"), page.locator(".jp-argovx-inspector")
    assert inside(value.locator(".jp-argovx-number"), inspector)
    assert inside(value.locator(".jp-argovx-digest"), inspector)
    assert value.locator(".jp-argovx-number").inner_text().endswith((" B", " KB"))
    assert output in value.get_attribute("title")
    shot(page, shots, "14-data")

    page.get_by_label("Search runs and steps").fill("no such thing")
    empty = panel.locator(".jp-argovx-empty").first
    assert "No run matches “no such thing”" in empty.inner_text()
    empty.get_by_role("button", name="Show all runs").click()
    row(page, step).wait_for()
