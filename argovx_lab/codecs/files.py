"""The codec `path`: a file or a folder of this machine, by its content.

Writes an uncompressed tar: names in order, permission bits, no owners and no dates, so that equal contents
are equal bytes and nothing can swell on reading. Refuses links, devices, names that are not UTF-8, and files
that change while they are read. What is read lies in a temporary folder that goes with the process.

Source: POSIX.1-2001, pax interchange format.
"""

from __future__ import annotations

import os
import pathlib
import stat
import tarfile
from typing import IO, Any, Iterator, Optional

from argovx_lab.codecs.base import Codec, Sink, type_name
from argovx_lab.codecs.unpack import BLOCK, MEMBERS_MAX, PATH_MAX, unpack_tar
from argovx_lab.errors import CodecError

_PIECE = 1 << 20


class Path(Codec):
    """A file or a folder."""

    name = "path"
    about = (
        "`pathlib.Path`: a file or a folder with all that is in it",
        "tar without compression, names in order, permission bits; no owners, no dates",
        "links, devices, names that are not UTF-8; comes back as a path in a temporary folder",
    )

    def accepts(self, value: Any) -> bool:
        """Accept paths of this machine's own kind."""
        return isinstance(value, pathlib.Path)

    def summary(self, value: Any) -> str:
        """Return what it is and its name."""
        return "%s %s" % ("folder" if os.path.isdir(value) else "file", _root_name(value) or value)

    def write(self, value: Any, sink: Sink) -> None:
        """Write a tar of the file or folder."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not a pathlib.Path" % type_name(value))
        name = _root_name(value)
        if not name:
            raise CodecError("it is the root of this machine's files", hint="Pass the folder that is meant.")
        for number, (entry, path) in enumerate(_walk(str(value), name)):
            if number >= MEMBERS_MAX:
                raise CodecError(
                    "it has more than %d files and folders" % MEMBERS_MAX,
                    hint="Pass an archive of it as one file.",
                )
            _write_member(sink, entry, path)
        sink.write(bytes(2 * BLOCK))

    def load(self, source: IO[bytes]) -> Any:
        """Write the files to a new temporary folder; returns the path of the one that was passed."""
        return pathlib.Path(unpack_tar(source))


def _root_name(value: Any) -> str:
    return os.path.basename(os.path.abspath(str(value)))


def _walk(path: str, entry: str) -> Iterator[tuple[str, str]]:
    """Yield name in the archive → path, folders before what is in them, in the order of names."""
    waiting = [(entry, path)]
    while waiting:
        entry, path = waiting.pop()
        yield entry, path
        if os.path.isdir(path) and not os.path.islink(path):
            try:
                names = sorted(os.listdir(path), reverse=True)
            except OSError as error:
                raise _unreadable(entry, error) from error
            waiting += [(entry + "/" + name, os.path.join(path, name)) for name in names]


def _write_member(sink: Sink, entry: str, path: str) -> None:
    try:
        encoded = entry.encode()
    except UnicodeEncodeError as error:
        raise CodecError("the name %.60r in it is not UTF-8" % entry, hint="Rename it.") from error
    if len(encoded) > PATH_MAX:
        raise CodecError("a name in it is longer than %d bytes" % PATH_MAX, hint="Use shorter names.")
    try:
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            _write_head(sink, entry, found, tarfile.DIRTYPE, 0)
            return
        reason = _not_a_file(found.st_mode)
        if reason:
            raise CodecError(
                "%.120s in it is %s" % (entry, reason), hint="Take it out, or put a copy in its place."
            )
        with open(path, "rb", opener=_opener) as file:
            _write_file(sink, entry, file)
    except FileNotFoundError as error:
        raise CodecError(
            "there is no file or folder %.120s" % path,
            hint="Write it first, or pass str(…) if only the name is meant.",
        ) from error
    except OSError as error:
        raise _unreadable(entry, error) from error


def _write_file(sink: Sink, entry: str, file: IO[bytes]) -> None:
    found = os.fstat(file.fileno())
    _write_head(sink, entry, found, tarfile.REGTYPE, found.st_size)
    left = found.st_size
    while left:
        piece = file.read(min(_PIECE, left))
        if not piece:
            break
        left -= len(piece)
        sink.write(piece)
    if left or file.read(1):
        raise CodecError("%.120s changed while it was read" % entry, hint="Close what writes to it first.")
    sink.write(bytes(-found.st_size % BLOCK))


def _write_head(sink: Sink, entry: str, found: os.stat_result, kind: bytes, size: int) -> None:
    info = tarfile.TarInfo(entry)
    info.type, info.size, info.mode = kind, size, stat.S_IMODE(found.st_mode) & 0o777
    sink.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))


def _not_a_file(mode: int) -> Optional[str]:
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISLNK(mode):
        return "a link"
    return "a device, a pipe or a socket"


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _unreadable(entry: str, error: OSError) -> CodecError:
    return CodecError(
        "%.120s cannot be read: %s" % (entry, error.strerror or type(error).__name__),
        hint="Change its permissions, or pass a part.",
    )
