"""What the browser tests do with the panel: open, run, look at rows and tabs, keep screenshots."""

import json

import nbformat
from support import until

PANEL = "#argovx-panel"


def command(page, name, **args):
    """Run a JupyterLab command."""
    script = "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)"
    page.evaluate(script, [name, args])


def open_notebook(page, name):
    command(page, "docmanager:open", path=name)
    page.locator(".jp-Notebook").first.wait_for()
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.context?.isReady")
    wait_idle(page)
    command(page, "argovx:show-panel")
    page.locator(PANEL).wait_for()


def wait_idle(page):
    """JupyterLab drops a run that comes before the kernel is there."""
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
    )


def run_all(page):
    """Through the Run menu, as a person does."""
    page.get_by_role("menubar").get_by_text("Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def row(page, step):
    return page.locator(f"{PANEL} [role=treeitem][data-argovx-node={json.dumps(step)}]").first


def phase(page, step):
    found = row(page, step)
    return found.get_attribute("data-argovx-phase") if found.count() else None


def wait_phase(page, step, wanted, timeout_s=40):
    until(lambda: phase(page, step) == wanted, timeout_s, f"{step} {wanted}, is {phase(page, step)}")


def shot(page, shots, name):
    page.screenshot(path=str(shots / f"{name}.png"))


def write_notebook(folder, name, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / name)


def newest_run(lab, notebook):
    runs = [run for run in lab.api("runs")["runs"] if run["notebook"] == notebook]
    return max(runs, key=lambda run: run["created_at"])["id"] if runs else None


def tab(page, name):
    return page.locator(f"[data-argovx-tab={name}]").first
