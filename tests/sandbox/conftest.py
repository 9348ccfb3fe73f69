"""A disk that can be filled, for every part of the sandbox that writes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Disk:
    """A small file system of its own.

    Parameters
    ----------
    place : Path
        Where it is mounted.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Take every byte that is left."""
        with pytest.raises(OSError, match="No space"):
            self._grow()

    def _grow(self) -> None:
        with open(self._ballast, "ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self) -> int:
        """Return the bytes that are left."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def make_room(self) -> None:
        """Give back what :meth:`fill` took."""
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """A disk of 8 MiB, or of as many as the test's parameter says."""
    place = tmp_path / "disk"
    place.mkdir()
    size = f"size={getattr(request, 'param', 8)}m"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here ({mounted.stderr.strip()})")
    yield Disk(place)
    subprocess.run(["umount", "-l", str(place)], check=True)
