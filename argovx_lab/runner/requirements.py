"""Pinned packages that the job's image lacks: installed beside it, into a folder of this run.

Owns the check of what is there. Refuses anything but ``name==version``; never upgrades what the
image has, never installs itself. pip is told where to look by the image's own ``PIP_*`` variables.
"""

from __future__ import annotations

import importlib.metadata
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
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--target",
        folder,
        "--no-input",
        "--quiet",
        "--disable-pip-version-check",
        "--no-warn-script-location",
        *requirements,
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
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
