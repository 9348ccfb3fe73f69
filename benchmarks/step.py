"""A cell ``x = 1`` end to end on the sandbox, beside the same code in a bare subprocess and kfp.local.

Target: at most 1.5 s over the bare subprocess.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import middle, row

RUNS = 5


def run():
    """Run the cell in an IPython shell of this process."""
    bare = [_timed(lambda: subprocess.run([sys.executable, "-c", "x = 1"], check=True)) for _ in range(RUNS)]
    floor = middle(bare)
    shell = _shell()
    cell = "%%vertex_step one() -> x\nx = 1"
    _good(shell, cell)  # the first one starts sandbox, clients and mirror
    ours = middle([_timed(lambda: _good(shell, cell)) for _ in range(RUNS)])
    peer = _kfp()
    row("cell x = 1 on the sandbox", ours, "s", peer="bare subprocess", peer_value=floor)
    row("  over the bare subprocess", ours - floor, "s", target=1.5)
    if peer:
        row("kfp.local, subprocess runner", peer, "s", peer="ours", peer_value=ours)
    shell.run_line_magic("unload_ext", "argovx_lab")


def _shell():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "argovx_lab")
    return shell


def _good(shell, cell):
    result = shell.run_cell(cell, store_history=True, silent=False)
    result.raise_error()


def _timed(act):
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


_KFP = """
import time
from kfp import dsl, local
local.init(runner=local.SubprocessRunner(use_venv=False), raise_on_error=True)

@dsl.component
def one() -> int:
    return 1

one()
times = []
for _ in range({runs}):
    start = time.perf_counter()
    one()
    times.append(time.perf_counter() - start)
print("seconds", sorted(times)[len(times) // 2])
"""


def _kfp():
    """Measure the peer in an environment of its own: it wants an older Kubernetes client than ours."""
    with tempfile.TemporaryDirectory(prefix="argovx-kfp-") as folder:
        python = Path(folder) / "bin" / "python"
        uv = shutil.which("uv")
        if uv is None:
            print("kfp is not measured: uv is not on the path (make bench puts it there)")
            return 0.0
        subprocess.run([uv, "venv", "--quiet", folder], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "kfp>=2", "pip"], check=True)
        script = Path(folder) / "peer.py"
        script.write_text(_KFP.format(runs=RUNS))
        done = subprocess.run([python, script], check=False, capture_output=True, text=True, cwd=folder)
    found = [line for line in done.stdout.splitlines() if line.startswith("seconds ")]
    if not found:
        print("kfp is not measured:", done.stderr.strip().splitlines()[-1:])
        return 0.0
    return float(found[0].split()[1])
