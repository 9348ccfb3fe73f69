"""A notebook of 5,000 lines, analysed whole and again after one cell has changed.

Functions, values, imports and steps; the processor's own time, so that a busy machine changes little.
Targets: 200 ms, and 20 ms for a change.
"""

import time

from argovx_lab.capture import notebook
from benchmarks.report import middle, row

RUNS = 7

_BLOCK = """def f{0}(x, y={1}):
    z = [a * SCALE for a in x if a > y]
    return sum(z) + np.mean(x)
v{0} = f{0}([{1}, {1}])
"""
_STEP = """%%vertex_step s{0}
total = 0
for k in range({0}):
    total += f{1}([v{1}])
    parts = {{"a": total, "b": [i for i in range(k)]}}
m{0} = total, parts
"""


def sources():
    """Return cells of 5,000 lines: 25 of them steps."""
    cells = ["import numpy as np\nSCALE = 2\n" + "\n".join(f"import pkg.mod{i}" for i in range(200))]
    for n in range(115):
        cells.append("\n".join(_BLOCK.format(f"{n}_{i}", i) for i in range(8)))
        if n % 5 == 4:
            cells.append(_STEP.format(n, f"{n}_1"))
    lines = sum(cell.count("\n") + 1 for cell in cells)
    cells.append("\n".join(f"w{i} = {i}" for i in range(5000 - lines)))
    return cells


def run():
    """Measure both, for documents that have never been seen and for one that has."""
    whole, change = [], []
    for turn in range(RUNS):
        cells = [
            f"{cell}\n# turn {turn}" if "%%" in cell else f"{cell}\nt{i} = {turn}"
            for i, cell in enumerate(sources())
        ]
        whole.append(_milliseconds(cells))
        cells[60] += f"\nchanged{turn} = {turn}"
        change.append(_milliseconds(cells))
        cells[-2 if "%%" in cells[-2] else -3] += f"\nother = {turn}"
        change.append(_milliseconds(cells))
    row("5,000 lines, seen for the first time", middle(whole), "ms", target=200)
    row("  after a change of one cell", middle(change), "ms", target=20)


def _milliseconds(cells):
    document = {"cells": [{"cell_type": "code", "id": str(i), "source": c} for i, c in enumerate(cells)]}
    start = time.thread_time()
    found = notebook.plan(document, "n.ipynb")
    took = (time.thread_time() - start) * 1000
    assert len(found.steps) == 23
    return took
