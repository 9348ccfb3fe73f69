"""The process of a step on this machine: what it sees, what it shows, and that nothing of it stays."""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import site
import subprocess
import sys
from pathlib import Path

from argovx_lab.wiring.surroundings import machine_environment

#: Time between being asked to end and being killed. Unit: seconds.
GRACE_S = 10.0

_READ = 64 << 10


def clean_environment(root: Path) -> dict[str, str]:
    """Return what the process sees: nothing of this kernel's secrets, a home and a scratch folder of its own.

    Packages that the user has installed for themselves stay importable, as they are in this kernel.
    """
    base = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {}
    return {
        **machine_environment(),
        **base,
        "PATH": f"{os.path.dirname(sys.executable)}:{os.defpath}",
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "NO_GCE_CHECK": "true",
        "GCE_METADATA_HOST": "127.0.0.1:1",
    }


def show(process: subprocess.Popen[bytes]) -> None:
    """Pass on what the process writes, as it comes."""
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := os.read(process.stdout.fileno(), _READ):
        sys.stdout.write(decoder.decode(data))
        sys.stdout.flush()


def clear(process: subprocess.Popen[bytes]) -> None:
    """End what the process left behind once it is gone, as a job's container does; it would hold the pipe."""
    process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def end(process: subprocess.Popen[bytes]) -> None:
    """Make sure that nothing of it runs on: first asked, then killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(GRACE_S + 5)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
