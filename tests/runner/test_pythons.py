"""What travels into jobs keeps to Python 3.9, by the word of tools and of the Pythons at hand."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

OLDEST = "3.9"


def vermin(folder):
    command = [sys.executable, "-c", "import sys; from vermin.main import main; sys.exit(main())"]
    command += [
        f"-t={OLDEST}-",
        "--no-tips",
        "--eval-annotations",
        "--feature",
        "union-types",
        "--violations",
        str(folder),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sources(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def test_syntax_and_library_use_are_of_python_39(sources):
    done = vermin(sources)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "match 1:\n    case 1: pass\n",
        "import tomllib\n",
        "from itertools import pairwise\n",
        "x: int | str = 1\n",
    ],
)
def test_the_check_sees_what_is_newer(tmp_path, text):
    (tmp_path / "new.py").write_text(text)
    assert vermin(tmp_path).returncode == 1


def test_the_sources_compile_on_other_pythons(sources, other_python):
    command = [other_python, "-W", "error", "-m", "compileall", "-q", "-f", str(sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cell_is_a_script_on_other_pythons_too(job, other_python):
    job.python = other_python
    job.inputs = {"offset": 100}
    job.cell = """
import dataclasses, inspect, multiprocessing, os, pickle

@dataclasses.dataclass
class Point:
    x: int

def move(point):
    argovx.log_metrics({"x": point.x})
    return Point(point.x + offset)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        moved = [point.x for point in pool.map(move, [Point(1), Point(2)])]
    source = inspect.getsource(Point).splitlines()[-1].strip()
    whole = pickle.loads(pickle.dumps(Point(3))) == Point(3)
    step = argovx.context.step
    with open(os.path.join(argovx.checkpoint_dir, "a"), "w") as file:
        file.write("kept")
"""
    job.outputs = dict.fromkeys(("moved", "source", "whole", "step"), "json")
    assert job.run() == 0, job.output
    assert [job.value(name) for name in job.outputs] == [[101, 102], "x: int", True, "train"]


def test_a_failure_is_told_the_same_way_on_other_pythons(job, other_python):
    job.python = other_python
    job.cell = "a = 1\n{}['label']"
    job.outputs = {"a": "json"}
    assert job.run() == 1
    assert (job.error["type"], job.error["place"]) == ("KeyError", "cell 7, line 2")
    assert job.cloud.names(job.prefix + "r0.0/manifest-partial.json")
