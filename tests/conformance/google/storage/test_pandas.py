"""pandas and gcsfs in a process of their own: both read the environment when they are imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_paths_of_pandas(client, bucket):
    script = Path(__file__).with_name("scripts") / "pandas_paths.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "LAB_BUCKET": bucket.name},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
