"""What to run, and whether this machine can give it; the shape of ``spec.json``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.processes.mounts import TMP, inside, translated
from argovx_lab.sandbox.processes.probe import Isolation

#: Largest log of one process group; what comes later is dropped, and said. Unit: bytes.
LOG_MAX = 64 * 1024 * 1024
#: Variables that name a file of certificates.
_CERTIFICATES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")


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
    translate : bool
        Where :func:`isolation` is ``"none"``: instead of refusing a mount, write its source into every
        word and environment value that names its target. Programs that take their paths from there
        work; others do not find theirs.

    Notes
    -----
    This Python, this package, ``cwd`` and certificates named by the usual variables stay visible when
    they lie under the machine's own ``/tmp``.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    mounts: tuple[Mount, ...] = ()
    private_tmp: bool = True
    log_max_bytes: int = LOG_MAX
    translate: bool = False


def document(spec: ProcessSpec, mode: Isolation, folder: Path) -> dict[str, Any]:
    """Return ``spec.json``; refuse what this machine cannot give."""
    if not spec.argv:
        raise SandboxError("a process needs a command", hint="give argv at least one word")
    result: dict[str, Any] = {
        "argv": list(spec.argv),
        "env": dict(spec.env),
        "cwd": spec.cwd,
        "mounts": [asdict(mount) for mount in spec.mounts],
        "private_tmp": spec.private_tmp,
        "namespace": mode if spec.private_tmp or spec.mounts else "none",
        "log_max_bytes": spec.log_max_bytes,
        "paths": {},
    }
    if mode == "none":
        result.update(_without_namespace(spec, folder))
    elif spec.private_tmp:
        taken = {mount.target for mount in spec.mounts}
        result["mounts"] += [asdict(Mount(path, path)) for path in _kept(spec) if path not in taken]
    return result


def _kept(spec: ProcessSpec) -> list[str]:
    """Return what lies under the machine's own ``/tmp`` and must be seen all the same."""
    code = Path(__file__).resolve().parents[3]
    named = [spec.env[name] for name in _CERTIFICATES if name in spec.env]
    wanted = {sys.prefix, sys.base_prefix, str(code), spec.cwd, *named}
    found = sorted(path for path in wanted if path.startswith(TMP + "/") and os.path.exists(path))
    return [path for path in found if not any(inside(path, other) for other in found if other != path)]


def _without_namespace(spec: ProcessSpec, folder: Path) -> dict[str, Any]:
    """Return the parts of ``spec.json`` that make up for mounts, or refuse them."""
    moved = {
        mount.target: mount.source
        for mount in spec.mounts
        if os.path.realpath(mount.source) != os.path.realpath(mount.target)
    }
    if moved and not spec.translate:
        target, source = next(iter(moved.items()))
        raise SandboxError(
            f"cannot show {source} at {target}: this machine gives processes no namespace of their own",
            hint="allow unprivileged user namespaces, or run the sandbox as root",
        )
    env = dict(spec.env)
    if spec.private_tmp:
        env.setdefault("TMPDIR", str(folder / "tmp"))
        if spec.translate:
            moved[TMP] = str(folder / "tmp")
    return {
        "argv": [translated(word, moved) for word in spec.argv],
        "env": {name: translated(value, moved) for name, value in env.items()},
        "cwd": translated(spec.cwd, moved),
        "mounts": [],
        "paths": moved,
    }
