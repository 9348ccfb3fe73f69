"""The launcher stays small: it runs beside every step."""

from __future__ import annotations

import json
import subprocess
import sys

#: What must not be imported: each costs more than the whole launcher.
HEAVY = (
    "pandas",
    "numpy",
    "pyarrow",
    "IPython",
    "kubernetes",
    "google.cloud.aiplatform",
    "google.cloud.storage",
    "grpc",
)

#: Most memory that importing the launcher may take. Unit: MiB.
MEMORY_MAX = 50


def test_it_imports_nothing_heavy_and_fits_into_its_request():
    code = (
        "import json, sys; import argovx_lab.launcher.__main__; "
        "peak = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')]; "
        "print(json.dumps([sorted(sys.modules), int(peak[0])]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    modules, memory = json.loads(out)
    assert [name for name in HEAVY if name in modules] == []
    assert memory / 1024 <= MEMORY_MAX
