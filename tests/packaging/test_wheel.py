"""The wheel: built, installed with pip alone into a clean environment, and one step run with it.

pip resolves from whatever index this machine is set up with; the test is about what is in the wheel.
"""

import os
import shutil
import subprocess
import sys

import pytest

STEP = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "argovx_lab")
shell.run_cell("n = 20", store_history=True).raise_error()
shell.run_cell("%%vertex_step answer(n) -> x\\nx = n * 2 + 2", store_history=True).raise_error()
print("value", shell.user_ns["x"].get())
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, pytestconfig):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    run(*command, str(pytestconfig.rootpath), timeout=300)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A clean environment with the wheel and JupyterLab; no Node is on its path."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", str(folder))
    path = os.pathsep.join([str(folder / "bin"), "/usr/bin", "/bin"])
    env = {
        k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "PYTHON", "ARGOVX", "VIRTUAL"))
    }
    env.update(PATH=path, HOME=str(folder), ARGOVX_SANDBOX=str(folder / "sandbox"), ARGOVX_USER="ada")
    run(str(folder / "bin/pip"), "install", "--quiet", f"{wheel}[lab]", env=env, timeout=600)
    yield folder / "bin", env
    run(str(folder / "bin/argovx"), "sandbox", "stop", "--all", env=env)


def test_the_wheel_carries_the_panel_and_not_its_sources(wheel):
    names = run(sys.executable, "-m", "zipfile", "-l", str(wheel))
    assert "share/jupyter/labextensions/argovx-lab/static/remoteEntry" in names
    assert "etc/jupyter/jupyter_server_config.d/argovx_lab.json" in names
    assert "argovx_lab/py.typed" in names
    assert "argovx_lab/vertex/catalog.json" in names
    for foreign in ("node_modules", "tests/", "argovx_lab/labextension"):
        assert foreign not in names


@pytest.mark.timeout(900)
def test_both_extensions_are_enabled_without_node(installed):
    bin_dir, env = installed
    assert shutil.which("node", path=str(bin_dir)) is None
    lab = run(str(bin_dir / "jupyter"), "labextension", "list", env=env)
    assert "argovx-lab v0.1.0" in lab
    server = run(str(bin_dir / "jupyter"), "server", "extension", "list", env=env)
    assert "argovx_lab 0.1.0" in server


@pytest.mark.timeout(900)
def test_one_step_runs_with_it(installed, tmp_path):
    bin_dir, env = installed
    output = run(str(bin_dir / "python"), "-c", STEP, env=env, cwd=tmp_path, timeout=180)
    assert "value 42" in output
