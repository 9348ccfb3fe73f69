"""binder/ as far as a machine without Binder allows: what repo2docker makes of it, and that its steps are sound."""

import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def dockerfile(pytestconfig):
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(pytestconfig.rootpath)]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr + done.stdout


@pytest.mark.parametrize(
    "text", ["binder/environment.yml", "binder/postBuild", "binder/start", "R2D_ENTRYPOINT"]
)
def test_every_file_of_the_folder_is_used(dockerfile, text):
    assert text in dockerfile


def test_the_scripts_can_be_run(pytestconfig):
    for name in ("postBuild", "start"):
        path = pytestconfig.rootpath / "binder" / name
        assert os.access(path, os.X_OK)
        assert subprocess.run(["bash", "-n", str(path)]).returncode == 0
    assert (pytestconfig.rootpath / "binder" / "start").read_text().rstrip().endswith('exec "$@"')


def test_start_hands_over_to_the_command(pytestconfig):
    start = pytestconfig.rootpath / "binder" / "start"
    done = subprocess.run([str(start), "echo", "served"], capture_output=True, text=True)
    assert done.stdout == "served\n"
