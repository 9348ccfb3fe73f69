"""What the screenshots show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DEFAULT = ["sidebar", "run", "cells", "others"]

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
PREPARE = """%%vertex_step prepare() -> X, y
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)"""
TRAIN = """%%vertex_step train(X, y) -> model --on n1-standard-8+T4
from sklearn.linear_model import LogisticRegression
model = LogisticRegression(max_iter=200).fit(X, y)
argovx.log_metrics({"accuracy": model.score(X, y)})"""
EVALUATE = """%%vertex_step evaluate(model, X, y) -> report, accuracy
from sklearn.metrics import classification_report
report = classification_report(y, model.predict(X), output_dict=True)
accuracy = report["accuracy"]"""
CELLS = [
    ("load", "%load_ext argovx_lab"),
    ("cell-prepare", PREPARE),
    ("cell-train", TRAIN),
    ("cell-evaluate", EVALUATE),
]


def notebook(outputs: dict[str, Any] | None = None) -> dict[str, Any]:
    """A notebook document; ``outputs`` maps cell ids to a run bundle."""
    cells = []
    for cell_id, source in CELLS:
        bundle = (outputs or {}).get(cell_id)
        data = {"application/vnd.argovx.run+json": bundle, "text/plain": "a run"} if bundle else None
        cells.append(
            {
                "cell_type": "code",
                "id": cell_id,
                "metadata": {},
                "execution_count": None,
                "source": source,
                "outputs": [{"output_type": "display_data", "metadata": {}, "data": data}] if data else [],
            }
        )
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": KERNEL}, "cells": cells}


def set_clock(page: Any, at: float | None) -> None:
    """Set and hold the clock of the script; ``None`` lets it run from the start."""
    page.evaluate(
        """async at => {
          const s = window.jupyterapp.serviceManager.serverSettings;
          const xsrf = document.cookie.match(/_xsrf=([^;]*)/);
          await fetch(s.baseUrl + 'argovx/api/v1/mock', {method: 'POST', body: JSON.stringify({at}),
            headers: {'Content-Type': 'application/json', Authorization: 'token ' + s.token,
                      'X-XSRFToken': xsrf ? xsrf[1] : ''}});
        }""",
        at,
    )
    page.wait_for_timeout(700)


def execute(page: Any, command: str, args: dict[str, Any] | None = None) -> None:
    """Run a command of the front end."""
    page.evaluate("([c, a]) => { window.jupyterapp.commands.execute(c, a); }", [command, args or {}])


def theme(page: Any, dark: bool) -> None:
    """Switch the theme."""
    name = "JupyterLab Dark" if dark else "JupyterLab Light"
    page.evaluate(f"() => window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}})")
    page.wait_for_timeout(500)


def both(page: Any, out: Path, name: str) -> None:
    """A screenshot in each theme."""
    for dark in (False, True):
        theme(page, dark)
        page.screenshot(path=str(out / f"{name}-{'dark' if dark else 'light'}.png"))
    theme(page, False)


def write_notebook(lab: Any, outputs: dict[str, Any] | None = None) -> None:
    """Put the notebook into the server's folder."""
    (lab.root / "00-first-step.ipynb").write_text(json.dumps(notebook(outputs)))


def sidebar(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """The side panel while a step runs."""
    open_page(page, lab)
    set_clock(page, 66)
    page.evaluate("() => window.jupyterapp.commands.execute('argovx:show-panel')")
    page.locator("#argovx-panel [role=tree]").wait_for()
    page.wait_for_timeout(500)
    both(page, out, "sidebar")


def run(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """A run in the main area, node by node and tab by tab."""
    write_notebook(lab)
    open_page(page, lab)
    set_clock(page, 66)
    execute(page, "docmanager:open", {"path": "00-first-step.ipynb"})
    page.locator(".jp-Notebook").wait_for()
    execute(page, "argovx:show-panel")
    page.locator("#argovx-panel [role=tree]").wait_for()
    execute(page, "argovx:open-run", {"run": "first-step-x7k2"})
    page.locator(".jp-argovx-card").first.wait_for()
    page.wait_for_timeout(600)
    both(page, out, "run")
    page.locator(".jp-argovx-card[data-argovx-node=train]").click()
    for tab in ("overview", "logs", "metrics", "data", "events", "spec", "lineage"):
        button = page.locator(f"[data-argovx-tab={tab}]")
        if button.count():
            button.click()
            page.wait_for_timeout(1300)
            both(page, out, f"run-{tab}")
    page.locator("[data-argovx-view=timeline]").click()
    page.wait_for_timeout(400)
    both(page, out, "timeline")


def narrow(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """The side panel at its least width, long names, nothing found."""
    write_notebook(lab)
    open_page(page, lab)
    set_clock(page, 66)
    execute(page, "argovx:show-panel")
    page.locator("#argovx-panel [role=tree]").wait_for()
    box = page.locator("#argovx-panel").bounding_box()
    page.mouse.move(box["x"] + box["width"] + 1, 500)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, 500, steps=8)
    page.mouse.up()
    for caret in page.locator(".jp-argovx-run[aria-expanded=false] .jp-argovx-caret").all()[:2]:
        caret.click()
    page.locator("#argovx-panel [data-argovx-node=train]").click()
    page.wait_for_timeout(1500)
    both(page, out, "narrow")
    page.locator(".jp-argovx-search").fill("nowhere")
    page.wait_for_timeout(300)
    both(page, out, "narrow-none")


def cells(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """Marks at the cells and strips under them."""
    bundles = {
        f"cell-{name}": {"schema": 1, "run": "first-step-x7k2", "node": name, "snapshot": None}
        for name in ("prepare", "train")
    }
    write_notebook(lab, bundles)
    open_page(page, lab)
    set_clock(page, 66)
    execute(page, "docmanager:open", {"path": "00-first-step.ipynb"})
    page.locator(".jp-argovx-mark").first.wait_for()
    page.wait_for_timeout(2500)
    both(page, out, "cells")


def others(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """A failed run, a fan-out, the lineage in the main area, identity."""
    write_notebook(lab)
    open_page(page, lab)
    set_clock(page, 66)
    execute(page, "argovx:show-panel")
    page.locator("#argovx-panel [role=tree]").wait_for()
    execute(page, "argovx:open-run", {"run": "first-step-p0q1", "node": "label_digits"})
    page.locator(".jp-argovx-card").first.wait_for()
    page.wait_for_timeout(500)
    both(page, out, "failed")
    execute(page, "argovx:open-run", {"run": "digits-nightly"})
    page.wait_for_timeout(900)
    both(page, out, "nightly")
    execute(page, "argovx:open-run", {"run": "learning-rate-sweep"})
    page.wait_for_timeout(1200)
    both(page, out, "sweep")
    execute(page, "argovx:open-lineage", {"run": "first-step-x7k2"})
    page.wait_for_timeout(1500)
    both(page, out, "lineage")
    page.evaluate("() => void window.jupyterapp.commands.execute('argovx:who-am-i')")
    page.wait_for_timeout(800)
    both(page, out, "identity")


def real(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """The first notebook on the sandbox, run through the Run menu; needs no mock."""
    source = Path(__file__).resolve().parents[2] / "notebooks" / "00-first-step.ipynb"
    (lab.root / source.name).write_text(source.read_text())
    open_page(page, lab)
    execute(page, "docmanager:open", {"path": source.name})
    page.locator(".jp-Notebook").wait_for()
    execute(page, "argovx:show-panel")
    page.locator("#argovx-panel [data-argovx-phase=Planned]").first.wait_for(timeout=60_000)
    page.screenshot(path=str(out / "real-0.png"))
    page.wait_for_timeout(2500)
    execute(page, "notebook:run-all-cells")
    for i in range(1, 9):
        page.wait_for_timeout(3000)
        page.screenshot(path=str(out / f"real-{i}.png"))
    page.locator("#argovx-panel [role=treeitem] [role=treeitem]").nth(1).dblclick()
    page.locator(".jp-argovx-card").first.wait_for()
    for tab in ("overview", "logs", "metrics", "data", "events", "spec", "lineage"):
        button = page.locator(f"[data-argovx-tab={tab}]")
        if button.count():
            button.click()
            page.wait_for_timeout(2500)
            page.screenshot(path=str(out / f"real-{tab}.png"))


def real_absent(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """What the panel says when the server part is not there: run alone with ARGOVX_UI_ABSENT=1."""
    open_page(page, lab)
    execute(page, "argovx:show-panel")
    page.locator(".jp-argovx-empty").first.wait_for()
    page.wait_for_timeout(500)
    both(page, out, "absent")


def notebook7(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """Notebook 7: the panel at the left, marks at cells, the run below the notebook."""
    write_notebook(lab)
    open_page(page, lab, "notebooks/00-first-step.ipynb")
    set_clock(page, 66)
    page.locator(".jp-argovx-mark").first.wait_for()
    execute(page, "argovx:show-panel")
    page.wait_for_timeout(1200)
    page.screenshot(path=str(out / "nb7-panel.png"))
    execute(page, "argovx:open-run", {"run": "first-step-x7k2"})
    page.locator(".jp-argovx-card").first.wait_for()
    page.wait_for_timeout(1200)
    page.screenshot(path=str(out / "nb7-run.png"))


def real_failing(page: Any, lab: Any, out: Path, open_page: Any) -> None:
    """The failing notebook on the sandbox, watched from its plan on."""
    source = Path(__file__).resolve().parents[2] / "notebooks" / "01-a-failing-step.ipynb"
    (lab.root / source.name).write_text(source.read_text())
    open_page(page, lab)
    execute(page, "docmanager:open", {"path": source.name})
    page.locator(".jp-Notebook").wait_for()
    execute(page, "argovx:show-panel")
    page.locator("#argovx-panel [data-argovx-phase=Planned]").first.wait_for(timeout=60_000)
    execute(page, "argovx:open-run", {"run": f"plan:{source.name}"})
    page.locator(".jp-argovx-card.jp-argovx-planned").first.wait_for()
    page.wait_for_timeout(2500)
    page.screenshot(path=str(out / "failing-0.png"))
    execute(page, "docmanager:open", {"path": source.name})
    page.wait_for_timeout(500)
    execute(page, "notebook:run-all-cells")
    page.locator("#argovx-panel .jp-argovx-step[data-argovx-phase=Failed]").wait_for(timeout=40_000)
    page.wait_for_timeout(1500)
    page.screenshot(path=str(out / "failing-1.png"))
    page.locator(".jp-argovx-strip [data-argovx-phase=Failed] button", has_text="Open").click()
    page.wait_for_timeout(1500)
    page.screenshot(path=str(out / "failing-2.png"))
    page.locator(".jp-argovx-nodeverbs button", has_text="Retry").click()
    page.wait_for_timeout(1200)
    page.screenshot(path=str(out / "failing-3.png"))
