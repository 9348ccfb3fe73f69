"""Kernels and Jupyter servers on one sandbox."""

import nbformat
import pytest
from nbclient import NotebookClient


class Kernel:
    """A real kernel that runs cells one by one, with the outputs of each."""

    def __init__(self, cwd, monkeypatch, notebook="journey.ipynb"):
        monkeypatch.setenv("ARGOVX_NOTEBOOK", notebook)
        self.notebook = nbformat.v4.new_notebook()
        self.client = NotebookClient(
            self.notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(cwd)}}
        )
        self.client.create_kernel_manager()
        self.client.start_new_kernel()
        self.client.start_new_kernel_client()

    def run(self, source):
        """Run a cell; returns it. Errors are in its outputs."""
        cell = nbformat.v4.new_code_cell(source)
        self.notebook.cells.append(cell)
        self.client.allow_errors = True
        self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        return cell

    def value(self, expression):
        """Return the text of an expression's value."""
        return text_of(self.run(expression))

    def restart(self):
        self.client.km.restart_kernel(now=True)
        self.client.kc.wait_for_ready(timeout=30)

    def close(self):
        self.client._cleanup_kernel()


def text_of(cell):
    """Return everything a cell printed, displayed or raised, as plain text."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append("\n".join(output.traceback))
        else:
            parts.append(output.data.get("text/plain", ""))
    return "\n".join(parts)


def failed(cell):
    """Tell whether a cell raised."""
    return any(output.output_type == "error" for output in cell.outputs)


@pytest.fixture
def kernel(sandbox, tmp_path, monkeypatch):
    kernel = Kernel(tmp_path, monkeypatch, f"{tmp_path.name}.ipynb")
    try:
        cell = kernel.run("%load_ext argovx_lab")
        assert not failed(cell), text_of(cell)
        yield kernel
    finally:
        kernel.close()
