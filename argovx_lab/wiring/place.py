"""Which notebook a kernel belongs to, as the front end or the server tells it.

Reads ``ARGOVX_NOTEBOOK`` (set by whoever runs a notebook without a front end), ``JPY_SESSION_NAME`` (Jupyter
Server: absolute path) and the parent server's own runtime file. No notebook is no error: the run is unnamed.
A name that is no Unicode text is told with escapes, since labels, annotations and documents hold text only.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NotebookPlace:
    """A notebook file.

    Parameters
    ----------
    path : str
        As the server shows it, relative to its root; only the file name when there is no server.
    file : Path or None
        The file on this machine, when it is known.
    """

    path: str = ""
    file: Path | None = None


def notebook_place() -> NotebookPlace:
    """Return the notebook of this kernel; an empty place when nobody tells."""
    named = os.environ.get("ARGOVX_NOTEBOOK")
    if named:
        file = Path(named)
        return NotebookPlace(_text(named), file if _there(file) else None)
    session = os.environ.get("JPY_SESSION_NAME")
    if not session:
        return NotebookPlace()
    file = Path(session)
    root = _server_root()
    if root and file.is_absolute() and file.is_relative_to(root):
        return NotebookPlace(_text(file.relative_to(root).as_posix()), file)
    return NotebookPlace(_text(file.name), file if _there(file) else None)


def _there(file: Path) -> bool:
    """Tell whether a file is there; a name that no file can have, such as a too long one, is not."""
    try:
        return file.is_file()
    except OSError:
        return False


def _text(name: str) -> str:
    """Return a name as text: bytes that are no UTF-8 arrive as lone surrogates, which cannot travel."""
    return name.encode("utf-8", "backslashreplace").decode()


def _server_root() -> Path | None:
    """Return the root folder of the Jupyter Server that started this kernel, or ``None``."""
    from jupyter_core.paths import jupyter_runtime_dir

    parent = os.environ.get("JPY_PARENT_PID") or str(os.getppid())
    try:
        info = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{parent}.json").read_text())
    except (OSError, ValueError):
        return None
    root = info.get("root_dir")
    return Path(root) if isinstance(root, str) else None
