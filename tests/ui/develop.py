"""Open JupyterLab with the scripted server in Chromium and take screenshots: a tool, not a test.

Usage: ``python tests/ui/develop.py OUTPUT_FOLDER [SCENE…]``; scenes are functions of ``scenes.py``.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import scenes
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
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


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lab:
    """A JupyterLab with token and XSRF on, the scripted server and the built extension."""

    def __init__(self, home: Path, app: str = "jupyterlab", mock: bool = True) -> None:
        self.port, self.token = free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = home / "root"
        self.root.mkdir(parents=True)
        self.app = app
        links = home / "path" / "labextensions"
        links.mkdir(parents=True)
        (links / "argovx-lab").symlink_to(ROOT / "argovx_lab" / "labextension")
        settings = home / "s" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(
            '{"fetchNews": "false", "checkForUpdates": false}'
        )
        extensions = (
            "{'argovx_mock': True, 'argovx_lab': False}"
            if mock
            else "{'argovx_lab': %s}" % ("ARGOVX_UI_ABSENT" not in os.environ)
        )
        self.log = (home / "server.log").open("w")
        env = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": f"{home}/c",
            "JUPYTER_DATA_DIR": f"{home}/data",
            # First in the search order, also before a copy that is installed in the environment.
            "JUPYTER_PATH": f"{home}/path",
            "JUPYTER_RUNTIME_DIR": f"{home}/r",
            "JUPYTERLAB_WORKSPACES_DIR": f"{home}/w",
            "JUPYTERLAB_SETTINGS_DIR": f"{home}/s",
            "IPYTHONDIR": f"{home}/i",
            "ARGOVX_SANDBOX": f"{home}/sandbox",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'ui'}",
        }
        self.env = env
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                app,
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={self.port}",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={self.token}",
                f"--ServerApp.root_dir={self.root}",
                f"--ServerApp.jpserver_extensions={extensions}",
                "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True",
                "--LabApp.extension_manager=readonly",
            ],
            env=env,
            stdout=self.log,
            stderr=self.log,
        )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=2)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def close(self) -> None:
        """Stop the server."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()  # a kernel that is asked to stop while it starts holds the server up
            self.process.wait()
        stop = [sys.executable, "-m", "argovx_lab.cli", "sandbox", "stop", "--all"]
        if (Path(self.env["ARGOVX_SANDBOX"])).exists():
            subprocess.run(stop, env=self.env, check=False, capture_output=True)
        self.log.close()


def open_page(page: Page, lab: Lab, path: str = "lab?reset") -> None:
    """Load JupyterLab and wait until it is ready."""
    joint = "&" if "?" in path else "?"
    page.goto(f"{lab.url}/{path}{joint}token={lab.token}")
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate("() => window.jupyterapp.restored")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def main() -> None:
    """Run the scenes that were named, or all."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    names = sys.argv[2:] or scenes.DEFAULT
    home = Path(tempfile.mkdtemp(prefix="argovx-ui-"))
    app = "notebook" if names[0] == "notebook7" else "jupyterlab"
    lab = Lab(home, app=app, mock=not names[0].startswith("real"))
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.grant_permissions(["clipboard-read", "clipboard-write"])
            page = context.new_page()
            page.on("pageerror", lambda error: sys.stderr.write(f"PAGE ERROR {error} {error.stack}\n"))
            page.on(
                "console",
                lambda m: (
                    sys.stderr.write(f"{m.type}: {m.text}\n") if m.type in ("error", "warning") else None
                ),
            )
            for name in names:
                try:
                    getattr(scenes, name)(page, lab, out, open_page)
                except Exception:
                    page.screenshot(path=str(out / "error.png"))
                    raise
            browser.close()
    finally:
        lab.close()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
