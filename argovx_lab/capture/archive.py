"""The runner as one zipapp, the same bytes on every machine.

Owns what travels into jobs: `errors`, `codecs`, `runner` and a package file without hooks. Refuses
compression and dates, because both would make equal programs unequal.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from importlib import resources
from importlib.resources.abc import Traversable

from argovx_lab import __version__

#: Date of every member. Reason: the earliest that zip files have.
_DATE = (1980, 1, 1, 0, 0, 0)

_PACKAGE = '''"""argovx-lab inside a job: errors, codecs and the runner."""

__version__ = "%s"


def register_codec(codec):
    """Register a class as a codec of a team's own, and return it."""
    from argovx_lab.codecs import register

    return register(codec)
'''

_MAIN = """import sys

from argovx_lab.runner.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@functools.cache
def runner_archive() -> bytes:
    """Return the zipapp that ``python3 runner.pyz --intent URI --intent-sha256 HEX`` runs."""
    root = resources.files("argovx_lab")
    members = {"__main__.py": _MAIN.encode(), "argovx_lab/__init__.py": (_PACKAGE % __version__).encode()}
    members["argovx_lab/errors.py"] = (root / "errors.py").read_bytes()
    for package in ("codecs", "runner"):
        members.update(_sources(root / package, f"argovx_lab/{package}/"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name].replace(b"\r\n", b"\n"))
    return out.getvalue()


def runner_digest() -> str:
    """Return the SHA-256 of `runner_archive`, hexadecimal."""
    return hashlib.sha256(runner_archive()).hexdigest()


def _sources(folder: Traversable, prefix: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for item in folder.iterdir():
        if item.is_dir() and not item.name.startswith("_"):
            found.update(_sources(item, f"{prefix}{item.name}/"))
        elif item.name.endswith(".py"):
            found[prefix + item.name] = item.read_bytes()
    return found
