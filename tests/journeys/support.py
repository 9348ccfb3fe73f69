"""What the journeys drive: a kernel, a JupyterLab, and a way to wait for conditions."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Kernel:
    """A real kernel that runs cells one by one, with the outputs of each."""

    def __init__(self, cwd, monkeypatch, notebook="journey.ipynb"):
        monkeypatch.setenv("ARGOVX_NOTEBOOK", notebook)
        self.notebook = nbformat.v4.new_notebook()
        self.client = NotebookClient(
            self.notebook,
            extra_arguments=["--log-level=ERROR"],
            timeout=120,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(cwd)}},
        )
        self.client.create_kernel_manager()
        # sockets in a folder: free TCP ports may be taken by others before the kernel binds them
        self._sockets = tempfile.TemporaryDirectory(prefix="argovx-k-")
        self.client.km.transport, self.client.km.ip = "ipc", f"{self._sockets.name}/s"
        self.client.start_new_kernel()
        self.client.start_new_kernel_client()

    def run(self, source):
        """Run a cell and return it; errors are in its outputs."""
        cell = nbformat.v4.new_code_cell(source)
        self.notebook.cells.append(cell)
        self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        return cell

    def good(self, source):
        """Run a cell that must not fail; returns its text."""
        cell = self.run(source)
        assert not failed(cell), text_of(cell)
        return text_of(cell)

    def bad(self, source):
        """Run a cell that must fail; returns its text."""
        cell = self.run(source)
        assert failed(cell), text_of(cell)
        return text_of(cell)

    def restart(self):
        """Kill the kernel and start it anew, as the Restart button does."""
        run_sync(self.client.km.restart_kernel)(now=True)
        run_sync(self.client.kc.wait_for_ready)(timeout=60)

    def close(self):
        """End the kernel."""
        self.client._cleanup_kernel()
        self._sockets.cleanup()


def text_of(cell):
    """Return everything a cell printed, displayed or raised, as plain text."""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            parts.append(output.text)
        elif output.output_type == "error":
            parts.append("\n".join([f"{output.ename}: {output.evalue}", *output.traceback]))
        else:
            parts.append(output.data.get("text/plain", ""))
    return "\n".join(parts)


def failed(cell):
    """Tell whether a cell raised."""
    return any(output.output_type == "error" for output in cell.outputs)


def until(condition, timeout_s=30.0, what="the condition"):
    """Wait until ``condition()`` is true and return its value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true in {timeout_s} s"
        time.sleep(0.05)


class Lab:
    """A JupyterLab server."""

    def __init__(self, root, port, token, env, log):
        self.root, self.port, self.token, self.env, self.log = root, port, token, env, log
        self.url = f"http://127.0.0.1:{port}"
        self.process = None

    def start(self):
        """Start it and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.root}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        until(self._answers, 60, "JupyterLab's answer")

    def stop(self):
        """End it."""
        if self.process and self.process.poll() is None:
            until(self._kernels_are_up, 30, "kernels that have started")
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                # Jupyter Server may wait for ever for AnyIO's worker threads once its loop is closed
                self.kill()

    def kill(self):
        """Kill it as a crash would."""
        self.process.kill()
        self.process.wait(20)

    def api(self, path, body=None):
        """Call the extension's API with the token."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/argovx/api/v1/{path}",
            data=data,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def open(self, page, path="/lab?reset"):
        """Open the page and wait until JupyterLab is restored."""
        joint = "&" if "?" in path else "?"
        page.goto(f"{self.url}{path}{joint}token={self.token}")
        page.wait_for_function("() => window.jupyterapp")
        page.evaluate("() => window.jupyterapp.restored")
        page.locator("#jupyterlab-splash").wait_for(state="detached")

    def _kernels_are_up(self):
        """A kernel that is shut down while it starts keeps the server waiting for it."""
        with urllib.request.urlopen(f"{self.url}/api/kernels?token={self.token}", timeout=10) as answer:
            return all(kernel["execution_state"] in ("idle", "busy") for kernel in json.load(answer))

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
