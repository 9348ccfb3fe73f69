"""The analysis of whole notebooks beside what happens: see `replay`.

Any notebook that is put into ``tests/capture/notebooks`` is judged: ``.ipynb``, or ``.py`` in percent format
with its magics as they are. Words behind ``# %%`` (in a ``.ipynb``: the cell's tags) say what is meant to be
special about a cell:

- ``refused``: it cannot be a step, and the analysis says so.
- ``idle: NAME``: a large input that this run does not come to read, being on a path that it does not take.
- ``told: NAME``: the cell changes or needs something that does not travel, and a note of the plan names it.
- ``expect: INPUTS AND DEFINITIONS -> OUTPUTS``: the library is not here; nothing runs, the analysis is compared.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from argovx_lab.capture.analyse import analyse_cell
from argovx_lab.capture.definitions import Definitions

FOLDER = Path(__file__).parent / "notebooks"
FILES = sorted(file for file in FOLDER.iterdir() if file.suffix in (".py", ".ipynb"))

#: Imported once by the replaying process. In the long test nothing is: what a cell imports is all it has.
HEAVY = [
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "matplotlib.pyplot",
    "sklearn.preprocessing",
    "sklearn.linear_model",
    "sklearn.pipeline",
    "scipy.optimize",
]

#: From here on an input that is not read is a needless one; a constant of a function that is not called may travel.
LARGE_BYTES = 1024

_MARK = re.compile(r"^# %%(?: (.*))?$")


@dataclass(frozen=True)
class Cell:
    text: str
    tags: str

    def tagged(self, word):
        """Return the names behind a tag."""
        match = re.search(rf"\b{word}: ([\w ]+)", self.tags)
        return set(match[1].split()) if match else set()


def cells_of(file):
    """Return the code cells of a notebook file."""
    if file.suffix == ".ipynb":
        document = nbformat.read(file, as_version=4)
        code = [cell for cell in document.cells if cell.cell_type == "code"]
        return [Cell(cell.source, ", ".join(cell.metadata.get("tags", []))) for cell in code]
    found = []
    for line in file.read_text("utf-8").splitlines():
        mark = _MARK.match(line)
        if mark:
            found.append((mark[1] or "", []))
        else:
            found[-1][1].append(line)
    return [Cell("\n".join(lines), tags) for tags, lines in found]


class Replay:
    """The replaying process."""

    def __init__(self, heavy, folder):
        command = [sys.executable, str(Path(__file__).with_name("replay.py")), json.dumps(heavy)]
        home = str(folder)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": home,
                "IPYTHONDIR": home,
                "MPLCONFIGDIR": home,
                "MPLBACKEND": "Agg",
                "PYTHONHASHSEED": "0",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
        )

    def ask(self, texts, **change):
        self._process.stdin.write(json.dumps({"cells": texts, "change": change}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(30) == 0


@pytest.fixture(scope="module")
def replay(tmp_path_factory):
    process = Replay(HEAVY, tmp_path_factory.mktemp("home"))
    yield process
    process.close()


def differences(cell, report):
    """Return what is wrong with a cell: one line each."""
    if report["session"]:
        return [f"the notebook does not run: {report['session']}"]
    if ("refused" in cell.tags.split(",")) != bool(report["problems"]):
        return [f"refused: {report['problems']}"]
    if report["problems"]:
        return []
    noted = {name for name in cell.tagged("told") if any(name in note for note in report["notes"])}
    wrong = [f"no note tells of {name}: {report['notes']}" for name in cell.tagged("told") - noted]
    alone = report["alone"]
    if alone["error"]:
        return [*wrong, f"alone, the cell fails: {alone['error']}"]
    for name, digest in report["outputs"].items():
        if alone["outputs"][name] != digest and not noted:
            wrong.append(f"alone, the cell gives another {name}")
    large = {name for name, size in report["sizes"].items() if size > LARGE_BYTES}
    idle = large - set(alone["read"]) - cell.tagged("idle")
    wrong += [f"it never reads its input {name} ({report['sizes'][name]} bytes)" for name in sorted(idle)]
    lost = set(report["changed"]) - set(report["outputs"])
    for name in sorted(lost):
        if not any(re.search(rf"\b{name}\b", note) for note in report["notes"]):
            wrong.append(f"it changes {name}, and nothing says that this does not come back")
    return wrong


def judge(file, process):
    """Return what is wrong with a notebook, and what was seen of its cells."""
    cells = cells_of(file)
    reports = process.ask([cell.text for cell in cells])
    assert len(reports) == len(cells)
    return [
        f"{file.name}, cell {number}: {line}"
        for number, (cell, report) in enumerate(zip(cells, reports, strict=True), 1)
        for line in differences(cell, report)
    ], reports


EXECUTED = [file for file in FILES if not file.stem.endswith("analysis_only")]


@pytest.mark.parametrize("file", EXECUTED, ids=lambda file: file.stem)
def test_each_cell_runs_alike_with_only_what_the_analysis_found(file, replay):
    wrong, reports = judge(file, replay)
    assert not wrong
    assert any("alone" in report for report in reports), "some cell was compared"


@pytest.mark.long
@pytest.mark.parametrize("file", EXECUTED, ids=lambda file: file.stem)
def test_each_cell_runs_alike_in_a_process_that_has_imported_nothing(file, tmp_path):
    process = Replay([], tmp_path)
    try:
        wrong, _ = judge(file, process)
    finally:
        process.close()
    assert not wrong


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem.endswith("analysis_only")], ids=lambda file: file.stem
)
def test_notebooks_of_libraries_that_are_not_here_are_analysed(file):
    known, compared = Definitions(), 0
    for number, cell in enumerate(cells_of(file), 1):
        if "expect:" in cell.tags:
            needs, _, gives = cell.tags.partition("expect:")[2].partition("->")
            found = analyse_cell(cell.text, known)
            assert not found.problems
            assert sorted({*found.inputs, *found.definitions}) == sorted(needs.split())
            assert sorted(found.outputs) == sorted(gives.split())
            compared += 1
        known.add_cell(cell.text, number=number)
    assert compared


def test_there_are_notebooks_of_every_kind():
    assert len(FILES) >= 40


SMALL = [
    "import math\nK = 2\nspare = list(range(5000))",
    "def f(x):\n    return math.floor(x) * K",
    "y = f(3)",
]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"without": "K"}, "NameError: name 'K' is not defined"),
        ({"without": "f"}, "NameError: name 'f' is not defined"),
        ({"without": "math"}, "NameError: name 'math' is not defined"),
        ({"with": "spare"}, "it never reads its input spare (23891 bytes)"),
    ],
)
def test_a_spoilt_analysis_is_found_out(change, seen, replay):
    assert not differences(Cell("", ""), replay.ask(SMALL)[2])
    wrong = differences(Cell("", ""), replay.ask(SMALL, **change)[2])
    assert any(seen in line for line in wrong), wrong


def test_another_result_a_lost_change_and_a_wrong_refusal_are_found_out(replay):
    hidden = ["import random\nrandom.seed(3)\nd = {}", "x = random.random()", "d.update(a=1) or d", "1 +"]
    reports = replay.ask(hidden)
    assert "alone, the cell gives another x" in differences(Cell("", ""), reports[1])
    assert any("refused" in line for line in differences(Cell("", "refused"), reports[2]))
    assert "does not run" in differences(Cell("", ""), reports[3])[0]
