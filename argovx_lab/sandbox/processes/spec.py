"""What to run, and whether this machine can give it; the shape of ``spec.json``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.processes.probe import Isolation

#: Largest log of one process group; what comes later is dropped, and said. Unit: bytes.
LOG_MAX = 64 * 1024 * 1024


@dataclass(frozen=True)
class Mount:
    """A file or folder of the machine, shown to the group at ``target`` whether or not that exists."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class ProcessSpec:
    """What to run.

    Parameters
    ----------
    argv : tuple of str
        Program and arguments; the program is looked up in ``env["PATH"]``.
    env : mapping
        The whole environment; nothing is inherited.
    cwd : str
        Working folder, as the group sees it.
    mounts : tuple of Mount
        Refused where :func:`isolation` is ``"none"`` and the target is not the source itself.
    private_tmp : bool
        ``/tmp`` is the group's own. Without namespaces ``TMPDIR`` names that folder instead.
    log_max_bytes : int
        Size of the log, in bytes; the rest is dropped, and said in the log.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    mounts: tuple[Mount, ...] = ()
    private_tmp: bool = True
    log_max_bytes: int = LOG_MAX


def document(spec: ProcessSpec, mode: Isolation, folder: Path) -> dict[str, Any]:
    """Return ``spec.json``; refuse what this machine cannot give."""
    if not spec.argv:
        raise SandboxError("a process needs a command", hint="give argv at least one word")
    env = dict(spec.env)
    listed = [asdict(mount) for mount in spec.mounts]
    if mode == "none":
        for mount in spec.mounts:
            if os.path.realpath(mount.source) != os.path.realpath(mount.target):
                raise SandboxError(
                    f"cannot show {mount.source} at {mount.target}: "
                    "this machine gives processes no namespace of their own",
                    hint="allow unprivileged user namespaces, or run the sandbox as root",
                )
        listed = []
        if spec.private_tmp:
            env.setdefault("TMPDIR", str(folder / "tmp"))
    wanted = spec.private_tmp or bool(listed)
    return {
        "argv": list(spec.argv),
        "env": env,
        "cwd": spec.cwd,
        "mounts": listed,
        "private_tmp": spec.private_tmp,
        "namespace": mode if wanted else "none",
        "log_max_bytes": spec.log_max_bytes,
    }
