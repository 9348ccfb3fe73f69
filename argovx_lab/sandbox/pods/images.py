"""Which program of this machine stands in for a container image.

Owns the table from image pattern to interpreter, which ``settings.toml`` may extend. Nothing is ever
pulled: an image that is not in the table is refused by name, as a registry without it would.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argovx_lab.errors import SandboxError

#: Search path of a container image that does not say otherwise.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Interpreter:
    """How to run an image's containers on this machine.

    Parameters
    ----------
    entrypoint, cmd : tuple of str
        What runs when the container names no command, or no arguments.
    path : tuple of str
        Folders put before the usual ``PATH``.
    env : mapping
        What the image would set.
    local : bool
        True for our own interpreters: their variables make a pod on this machine find this package, and
        are nothing an image would set.
    """

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    local: bool = False

    def environment(self) -> dict[str, str]:
        """Return the environment that the image alone gives."""
        return {"PATH": ":".join((*self.path, DEFAULT_PATH)), "HOME": "/root", **self.env}


def _python() -> Interpreter:
    """Return this Python, with our own package importable when it runs from a clone."""
    env = {"PYTHONUNBUFFERED": "1"}
    root = Path(__file__).resolve().parents[3]
    if "site-packages" not in root.parts:
        env["PYTHONPATH"] = str(root)
    return Interpreter(cmd=("python3",), path=(str(Path(sys.executable).parent),), env=env, local=True)


def named() -> dict[str, Interpreter]:
    """Return the interpreters that a setting may name."""
    return {"sh": Interpreter(cmd=("sh",), local=True), "python": _python()}


#: Image patterns (without registry, ``library/`` and tag) and what they mean.
DEFAULTS = {
    "busybox": "sh",
    "alpine": "sh",
    "debian": "sh",
    "debian-slim": "sh",
    "ubuntu": "sh",
    "bash": "sh",
    "python": "python",
    "argovx-launcher": "python",
    "launcher": "python",
    "vertex-ai/training/*": "python",
    "cloud-aiplatform/training/*": "python",
    "argovx-*": "python",
}


class Images:
    """The table.

    Parameters
    ----------
    extra : mapping
        Patterns of ``settings.toml`` to ``"sh"``, ``"python"`` or a table with ``entrypoint``, ``cmd``,
        ``path`` and ``env``; they win over the built-in ones. A pattern with ``/`` or ``:`` is compared
        with the whole reference as well.

    Raises
    ------
    SandboxError
        When a value is neither.
    """

    def __init__(self, extra: Mapping[str, Any] | None = None) -> None:
        known = named()
        self._table = [
            (pattern, _interpreter(pattern, value, known)) for pattern, value in (extra or {}).items()
        ]
        self._table += [(pattern, known[name]) for pattern, name in DEFAULTS.items()]

    def find(self, image: str) -> Interpreter | None:
        """Return how to run ``image``; ``None`` when the table does not have it."""
        names = {image, _short(image)}
        names.add(_short(image).rpartition("/")[2])
        names |= {_untagged(name) for name in tuple(names)}
        for pattern, interpreter in self._table:
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                return interpreter
        return None


def _interpreter(pattern: str, value: Any, known: Mapping[str, Interpreter]) -> Interpreter:
    if isinstance(value, str) and value in known:
        return known[value]
    fields = {"entrypoint", "cmd", "path", "env"}
    if not isinstance(value, Mapping) or set(value) - fields:
        raise SandboxError(
            f"images.{pattern!r} in settings.toml is {value!r}",
            hint=f"use one of {', '.join(sorted(known))}, or a table with {', '.join(sorted(fields))}",
        )
    lists = {name: tuple(map(str, value.get(name, ()))) for name in ("entrypoint", "cmd", "path")}
    path = tuple(os.path.expanduser(folder) for folder in lists["path"])
    env = {str(k): str(v) for k, v in dict(value.get("env", {})).items()}
    return Interpreter(lists["entrypoint"], lists["cmd"], path, env)


def _short(image: str) -> str:
    """Drop the registry host and Docker's own ``library/``."""
    head, slash, rest = image.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        image = rest
    return image.removeprefix("library/")


def _untagged(image: str) -> str:
    image = image.partition("@")[0]
    head, slash, last = image.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
