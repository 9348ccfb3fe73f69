"""Kernels, Jupyter servers and browsers on one sandbox."""

import os
import secrets
import shutil
import socket
from pathlib import Path

import pytest
from support import FLAGS, Kernel, Lab, failed, text_of


@pytest.fixture
def kernel(sandbox, tmp_path, monkeypatch):
    """A fresh kernel with the magics loaded, on a notebook of its own."""
    kernel = Kernel(tmp_path, monkeypatch, f"{tmp_path.name}.ipynb")
    try:
        cell = kernel.run("%load_ext argovx_lab")
        assert not failed(cell), text_of(cell)
        yield kernel
    finally:
        kernel.close()


@pytest.fixture(scope="module")
def patient_kernel(sandbox, tmp_path_factory):
    """One kernel for many refusals: nothing that is refused may leave a trace in it."""
    folder = tmp_path_factory.mktemp("patient")
    with pytest.MonkeyPatch.context() as patch:
        kernel = Kernel(folder, patch, "patient.ipynb")
        try:
            kernel.good("%load_ext argovx_lab")
            yield kernel
        finally:
            kernel.close()


@pytest.fixture
def browser():
    """Debian's Chromium; it must be there, a browser test is never skipped.

    One per test: Playwright's event loop would be in the way of others' as long as it is open.
    """
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "the browser tests need Chromium: run 'make chromium'"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def lab(sandbox, tmp_path):
    """A real JupyterLab with token and XSRF on; notebooks lie in its root."""
    root, home = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    note = home / "s/@jupyterlab/apputils-extension"
    note.mkdir(parents=True)
    (note / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    folders = {"CONFIG_DIR": "c", "DATA_DIR": "d", "RUNTIME_DIR": "r"}
    env = {
        **os.environ,
        **{f"JUPYTER_{name}": str(home / folder) for name, folder in folders.items()},
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "w"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "s"),
        "IPYTHONDIR": str(home / "i"),
    }
    env.pop("ARGOVX_NOTEBOOK", None)
    lab = Lab(root, _free_port(), secrets.token_hex(16), env, tmp_path / "lab.log")
    lab.start()
    yield lab
    lab.stop()


@pytest.fixture
def page(browser, lab, shots, request):
    """JupyterLab in a page; any uncaught JavaScript error fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    lab.open(page)
    yield page
    page.screenshot(path=str(shots / f"end-of-{request.node.name}.png"))
    context.close()
    assert not errors, errors


@pytest.fixture(scope="session")
def shots(pytestconfig):
    """Folder for screenshots, kept as output."""
    folder = Path(pytestconfig.rootpath) / "tests" / "output" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
