"""Pinned packages that the job's image lacks: installed beside it, into a folder of this run.

Owns the check of what is there. Refuses anything but ``name==version``; never upgrades what the
image has, never installs itself. pip is told where to look by the image's own ``PIP_*`` variables.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import subprocess
import sys
from typing import Callable, Sequence

from argovx_lab.errors import ArgovxError, SpecError

_PIN = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9,._ -]+\])?==([A-Za-z0-9][A-Za-z0-9.!+_-]*)\Z", re.ASCII
)


class RequirementsFailed(ArgovxError):
    """pip could not install what the step asks for."""

    exit_code = 1


def missing(requirements: Sequence[str]) -> tuple[str, ...]:
    """Return the requirements that this Python does not satisfy.

    Raises
    ------
    SpecError
        For a requirement that is no pin.
    """
    if not requirements:
        return ()
    import importlib.metadata  # 5 ms that most steps need not pay

    found = []
    for text in requirements:
        match = _PIN.match(text)
        if match is None:
            raise SpecError("%.80r is not a pinned requirement" % text, hint="Write NAME==VERSION.")
        try:
            there = importlib.metadata.version(match.group(1))
        except importlib.metadata.PackageNotFoundError:
            there = ""
        if there != match.group(3):
            found.append(text)
    return tuple(found)


def install(requirements: Sequence[str], folder: str, on_output: Callable[[bytes], None]) -> None:
    """Install into ``folder`` with this Python's pip; its output goes to ``on_output``.

    Raises
    ------
    RequirementsFailed
        When pip is not there or does not succeed.
    """
    command = [sys.executable, "-m", "pip", "install", "--target", folder, "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--no-warn-script-location", *requirements]
    process = subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            on_output(line)
    if process.wait() != 0:
        raise RequirementsFailed(
            "pip could not install %s (exit code %d)" % (", ".join(requirements), process.returncode),
            hint="The log has pip's own words. Choose versions that the package index has for this Python.",
        )


def _environment() -> dict[str, str]:
    """Return the environment for pip: where the image has none, the one that Python brings along."""
    env = dict(os.environ)
    if importlib.util.find_spec("pip") is not None:
        return env
    ensurepip = importlib.util.find_spec("ensurepip")
    folder = (
        os.path.join(os.path.dirname(ensurepip.origin), "_bundled") if ensurepip and ensurepip.origin else ""
    )
    wheels = sorted(glob.glob(os.path.join(folder, "pip-*.whl"))) if folder else []
    if not wheels:
        raise RequirementsFailed(
            "the image has no pip to install packages with",
            hint="Choose an image that has pip, or one that has the packages.",
        )
    env["PYTHONPATH"] = os.pathsep.join([wheels[-1], *filter(None, [env.get("PYTHONPATH")])])
    return env
