"""Loading the extension in a bare kernel, beside imports of the big packages.

Target: %load_ext within 60 ms and 15 MB over a bare kernel.
"""

import json
import subprocess
import sys

from benchmarks.report import middle, row

_SCRIPT = """
import json, resource, sys, time
import ipykernel.ipkernel
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6
before, start = rss(), time.perf_counter()
{what}
print(json.dumps([time.perf_counter() - start, rss() - before]))
"""

_CASES = {
    "%load_ext argovx_lab": "shell.run_line_magic('load_ext', 'argovx_lab')",
    "import kubernetes": "import kubernetes",
    "import hera.workflows": "import hera.workflows",
    "import google.cloud.aiplatform": "import google.cloud.aiplatform",
}

RUNS = 5


def run():
    """Measure each case in fresh processes."""
    for name, code in _CASES.items():
        times, sizes = zip(*(_once(code) for _ in range(RUNS)), strict=True)
        ours = name.startswith("%")
        row(name, middle(times) * 1000, "ms", target=60 if ours else None)
        row(f"  memory of {name}", middle(sizes), "MB", target=15 if ours else None)


def _once(code):
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT.format(what=code)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])
