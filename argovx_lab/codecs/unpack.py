"""Writes a tar to a new temporary folder, trusting nothing that it says.

Owns the checks: plain files and folders only, each name below the one root, every parent named before,
nothing twice, nothing beyond the bytes that are there. Folders go when this process ends.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tarfile
import tempfile
from typing import IO, Optional

from argovx_lab.errors import CodecError

BLOCK = tarfile.BLOCKSIZE

#: Most files and folders. Reason: each is an inode of the job's disk.
MEMBERS_MAX = 100_000

#: Longest name from the root on. Unit: bytes. Reason: Linux takes 4096 with the folder before it.
PATH_MAX = 3072

_PIECE = 1 << 20


def unpack_tar(source: IO[bytes]) -> str:
    """Write files and folders below a new folder and return the path of the root.

    Raises
    ------
    CodecError
        When the bytes are not such an archive, or the disk does not take it.
    """
    home = tempfile.mkdtemp(prefix="argovx-path-")
    atexit.register(_remove, home, os.getpid())
    try:
        return os.path.join(home, _Unpacking(source, home).run())
    except CodecError:
        _remove(home, os.getpid())
        raise
    except (OSError, tarfile.TarError, ValueError) as error:
        _remove(home, os.getpid())
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise CodecError("its files cannot be written here: %.160s" % reason) from error


class _Unpacking:
    def __init__(self, source: IO[bytes], home: str) -> None:
        self._source = source
        self._home = home
        self._modes: dict[str, int] = {}  # folders, in order: theirs may forbid writing, so they come last
        self._seen: set[str] = set()

    def run(self) -> str:
        root = ""
        while True:
            info = self._head()
            if info is None:
                break
            name = info.name.rstrip("/")
            root = root or name
            self._check(name, root, info)
            self._seen.add(name)
            self._write(os.path.join(self._home, name), name, info)
        if not root:
            raise _broken("it is empty")
        if self._source.read(1):
            raise _broken("something follows its end")
        for name, mode in reversed(list(self._modes.items())):
            os.chmod(os.path.join(self._home, name), mode)
        return root

    def _head(self) -> Optional[tarfile.TarInfo]:
        """Return the next head, with the long name that may stand before it; ``None`` at the end."""
        block = self._exactly(BLOCK)
        if not block.strip(b"\0"):
            if self._exactly(BLOCK).strip(b"\0"):
                raise _broken("its end is not an end")
            return None
        info = self._parse(block)
        if info.type != tarfile.XHDTYPE:
            return info
        if not 0 < info.size <= PATH_MAX + 64:
            raise _broken("a name in it is too long")
        record = self._exactly(info.size + -info.size % BLOCK)[: info.size]
        length, _, rest = record.partition(b" ")
        if length != b"%d" % len(record) or not rest.startswith(b"path=") or not rest.endswith(b"\n"):
            raise _broken("it has records other than a name")
        info = self._parse(self._exactly(BLOCK))
        try:
            info.name = rest[5:-1].decode()
        except UnicodeDecodeError as error:
            raise _broken("a name in it is not UTF-8") from error
        return info

    def _parse(self, block: bytes) -> tarfile.TarInfo:
        try:
            return tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.TarError, ValueError) as error:
            raise _broken("a head in it is damaged") from error

    def _check(self, name: str, root: str, info: tarfile.TarInfo) -> None:
        if info.type not in (tarfile.REGTYPE, tarfile.DIRTYPE):
            raise _broken("%.80r is neither a file nor a folder" % name)
        parts = name.split("/")
        if {"", ".", ".."} & set(parts) or "\0" in name or len(name.encode()) > PATH_MAX:
            raise _broken("the name %.80r leads out of its folder" % name)
        if parts[0] != root or (len(parts) > 1 and "/".join(parts[:-1]) not in self._modes):
            raise _broken("%.80r lies in no folder that is named before it" % name)
        if name in self._seen or len(self._seen) >= MEMBERS_MAX:
            raise _broken("%.80r is there twice, or it has too many" % name)
        if info.size < 0 or (info.type == tarfile.DIRTYPE and info.size) or not 0 <= info.mode <= 0o777:
            raise _broken("size or mode of %.80r is not one" % name)

    def _write(self, path: str, name: str, info: tarfile.TarInfo) -> None:
        if info.type == tarfile.DIRTYPE:
            os.mkdir(path, 0o700)
            self._modes[name] = info.mode
            return
        with open(path, "xb") as file:
            left = info.size
            while left:
                piece = self._exactly(min(_PIECE, left))
                file.write(piece)
                left -= len(piece)
        os.chmod(path, info.mode)
        self._exactly(-info.size % BLOCK)

    def _exactly(self, count: int) -> bytes:
        data = self._source.read(count)
        if len(data) != count:
            raise _broken("it ends too early")
        return data


def _broken(reason: str) -> CodecError:
    return CodecError("the bytes are not an archive of argovx-lab: " + reason)


def _remove(home: str, pid: int) -> None:
    """Remove a folder, in the process that made it."""
    if os.getpid() != pid:
        return
    for folder, _, _ in os.walk(home):
        os.chmod(folder, 0o700)
    shutil.rmtree(home, ignore_errors=True)
