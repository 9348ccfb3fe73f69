"""What this machine allows a process group to have of its own: a mount namespace, or nothing.

Decided by trying, once per server, because containers and kernels forbid it in many ways.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

Isolation = Literal["mount", "user", "none"]

SUPERVISOR = Path(__file__).with_name("supervisor.py")


@functools.cache
def isolation() -> Isolation:
    """Return the strongest kind that works here.

    ``mount``: a mount namespace, as root. ``user``: user and mount namespace, as an ordinary user.
    ``none``: no namespace; processes see the machine's file system as it is.
    """
    order: tuple[Isolation, ...] = ("mount", "user") if os.geteuid() == 0 else ("user",)
    return next((mode for mode in order if _works(mode)), "none")


def _works(mode: Isolation) -> bool:
    with tempfile.TemporaryDirectory(prefix="argovx-probe-") as folder:
        Path(folder, "mode").write_text(mode)
        command = [sys.executable, "-I", "-S", str(SUPERVISOR), "--probe", folder]
        done = subprocess.run(command, env={}, capture_output=True, check=False, timeout=30)
        return done.returncode == 0
