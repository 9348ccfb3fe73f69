"""A folder of this machine in the place of Cloud Storage: the same names, preconditions and digests.

Owns how ``gs://BUCKET/OBJECT`` lies below the folder. A step that runs on the user's own machine needs no
token then: whoever starts it puts the inputs there and takes the outputs away.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from typing import IO, Any

from argovx_lab.errors import Conflict, NotFound, SpecError
from argovx_lab.runner.answers import wrong_digest
from argovx_lab.runner.bucket import Bucket, Stored
from argovx_lab.runner.token import TokenSource

_BLOCK = 1 << 20

#: Every object has one life here: nothing is overwritten but checkpoints.
_FIRST = 1


class Folder(Bucket):
    """The objects below one folder; asks nobody.

    Parameters
    ----------
    root : str
        The folder; ``gs://b/x/y`` is its file ``b/x/y``.
    """

    def __init__(self, root: str) -> None:
        super().__init__(TokenSource())  # which nobody asks here
        self._root = os.path.abspath(root)
        self._lock = threading.Lock()
        self._generations: dict[str, int] = {}
        self._count = 0

    def read(self, uri: str, sha256: str = "") -> bytes:
        """Return an object's bytes."""
        try:
            with open(self.path(uri), "rb") as file:
                data = file.read()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise NotFound("%s is not there" % uri, service="folder", status=404) from error
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise wrong_digest(uri)
        return data

    def download(self, uri: str, target: IO[bytes], sha256: str, generation: str = "") -> int:
        """Write an object to ``target`` and return its length in bytes; checks its SHA-256."""
        del generation
        digest, size = hashlib.sha256(), 0
        try:
            with open(self.path(uri), "rb") as file:
                for block in iter(lambda: file.read(_BLOCK), b""):
                    digest.update(block)
                    target.write(block)
                    size += len(block)
        except FileNotFoundError as error:
            raise NotFound("%s is not there" % uri, service="folder", status=404) from error
        target.flush()
        if digest.hexdigest() != sha256:
            raise wrong_digest(uri)
        return size

    def create(self, uri: str, data: bytes, content_type: str = "application/octet-stream") -> Stored:
        """Create an object of ``data``; raises `Conflict` when the name is taken by other bytes."""
        del content_type
        path = self._place(uri)
        try:
            with open(path, "xb") as file:
                file.write(data)
        except FileExistsError as error:
            if self.read(uri) != data:
                raise Conflict("%s is there already" % uri, service="folder", status=412) from error
        return self._stored(uri, hashlib.sha256(data).hexdigest())

    def create_from(self, uri: str, path: str, size_bytes: int, digest: str = "") -> Stored:
        """Create an object of the file at ``path``."""
        target = self._place(uri)
        if os.path.getsize(path) != size_bytes:
            raise SpecError("%s is not the file that was written" % os.path.basename(path))
        if os.path.exists(target):
            raise Conflict("%s is there already" % uri, service="folder", status=412)
        try:
            os.link(path, target)
        except OSError:  # another file system
            shutil.copyfile(path, target)
        return self._stored(uri, digest)

    def replace(self, uri: str, data: bytes, generation: int) -> Stored:
        """Put ``data`` in the place of ``generation``; 0 stands for "nothing is there"."""
        path = self._place(uri)
        with self._lock:
            there = self._generations.get(uri, _FIRST) if os.path.exists(path) else 0
            if there != generation:
                raise Conflict("%s was written meanwhile" % uri, service="folder", status=412)
            with open(path + ".part", "wb") as file:
                file.write(data)
            os.replace(path + ".part", path)
            self._count += 1
            self._generations[uri] = _FIRST + self._count
            return Stored(uri, self._generations[uri], hashlib.sha256(data).hexdigest())

    def begin(self, uri: str) -> str:
        """Refuse: a file is linked when it is whole, which costs nothing."""
        raise Conflict("%s is not sent in pieces here" % uri, service="folder")

    def drop(self) -> None:
        """Nothing is held open."""

    def stat(self, uri: str) -> Stored:
        """Return which generation an object has; raises `NotFound`."""
        if not os.path.isfile(self.path(uri)):
            raise NotFound("%s is not there" % uri, service="folder", status=404)
        return self._stored(uri, "")

    def folders(self, prefix: str) -> list[str]:
        """Return the ``gs://…/`` of each folder directly below ``prefix``, which ends in a slash."""
        path = self.path(prefix.rstrip("/"))
        found = os.listdir(path) if os.path.isdir(path) else []
        return ["%s%s/" % (prefix, name) for name in sorted(found) if os.path.isdir(os.path.join(path, name))]

    def delete(self, uri: str) -> None:
        """Delete an object; one that is gone is no error."""
        try:
            os.unlink(self.path(uri))
        except FileNotFoundError:
            return

    def path(self, uri: str) -> str:
        """Return the file of an object; raises `SpecError` for what would lie elsewhere."""
        parts = uri[len("gs://") :].split("/")
        if not uri.startswith("gs://") or len(parts) < 2 or {"", ".", ".."} & set(parts):
            raise SpecError("%.200r is not gs://BUCKET/OBJECT" % uri)
        return os.path.join(self._root, *parts)

    def _place(self, uri: str) -> str:
        path = self.path(uri)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def _stored(self, uri: str, digest: str) -> Stored:
        return Stored(uri, self._generations.get(uri, _FIRST), digest)

    def __repr__(self) -> str:
        return "Folder(%r)" % self._root

    def _call(self, *_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("a folder asks nobody")
