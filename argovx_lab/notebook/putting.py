"""What is put as a dataset: a path, a ``gs://`` address or a variable, as bytes with their contents listed.

Owns the reading of the three. Nothing is sent here; what lies in a bucket is brought here first, so that what
is put does not change when its source does. Refuses codecs that run what they read, and names that would
leave their folder.
"""

from __future__ import annotations

import hashlib
import pathlib
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from argovx_lab import codecs
from argovx_lab.capture import secrets
from argovx_lab.codecs import AUTO
from argovx_lab.errors import SpecError
from argovx_lab.model import dataset
from argovx_lab.model.dataset_records import File, tame
from argovx_lab.model.layout import split_uri
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.leaks import INPUT_MAX
from argovx_lab.notebook.lists import HandleList
from argovx_lab.storage.datasets import Content
from argovx_lab.storage.objects import Objects

#: Largest version. Unit: bytes. Reason: it passes through this machine's and the job's disk.
LIMIT_BYTES = 64 << 30

#: What a file or folder is written with.
PATH = "path"

_PIECE = 1 << 20


@dataclass(frozen=True)
class Taken:
    """What is put, and what it was, for people."""

    content: Content
    source: str


@contextmanager
def take(objects: Objects, what: str, codec: str, namespace: Mapping[str, Any]) -> Iterator[Taken]:
    """Give what is meant as content, which goes with the block.

    Parameters
    ----------
    what : str
        A name of the namespace, a path, or a ``gs://`` address of an object or (with ``/``) of a folder.
    codec : str
        Of a value: how to write it. Of a file: how its bytes are to be read, which is tried. Empty: as usual.

    Raises
    ------
    SpecError
        When it is none of these, or two.
    CodecError
        When it cannot be written, or the file is not what ``codec`` reads.
    """
    codec = codec or AUTO
    if codec != AUTO:
        codecs.get(codec)
        dataset.check_codec(codec)
    with tempfile.TemporaryDirectory(prefix="argovx-dataset-") as folder, tempfile.TemporaryFile() as file:
        if what.startswith("gs://"):
            path, source = _bring(objects, what, pathlib.Path(folder))
            content = _of_path(path, codec, file)
        elif _is_variable(what, namespace):
            content, source = _of_value(objects, what, namespace[what], codec, file), f"variable {what}"
        else:
            path = pathlib.Path(what).expanduser()
            content, source = _of_path(path, codec, file), f"path {path.name}"
        file.seek(0)
        yield Taken(content, source)


def refuse_secrets(content: Content, *, allowed: bool) -> None:
    """Refuse a small dataset in which a secret seems to stand; a dataset is read by others.

    Raises
    ------
    SpecError
        With the kind, when it is not allowed.
    """
    if isinstance(content.data, bytes) or allowed:
        return
    data = content.data.read(INPUT_MAX + 1)
    content.data.seek(0)
    found = secrets.find(data.decode(errors="ignore")) if len(data) <= INPUT_MAX else []
    if found:
        raise SpecError(
            f"this would put what looks like a secret where others read it: {secrets.kinds(found)}",
            hint="Take it out; --allow-secret puts it all the same.",
        )


def _is_variable(what: str, namespace: Mapping[str, Any]) -> bool:
    there = pathlib.Path(what).expanduser().exists()
    if not (what.isidentifier() and what in namespace):
        if there:
            return False
        raise SpecError(
            f"{what[:80]!r} is neither a variable of this kernel nor a file or folder",
            hint="Name a variable, a path, or a gs:// address; a folder of the bucket ends with '/'.",
        )
    if there:
        raise SpecError(
            f"{what} is a variable and a file or folder", hint=f"Write ./{what} for the file or folder."
        )
    return True


def _of_value(objects: Objects, name: str, value: Any, codec: str, file: IO[bytes]) -> Content:
    if isinstance(value, HandleList):
        value = value.get()
    if isinstance(value, Handle):
        found = value.resolve()
        if codec in (AUTO, found.codec):
            dataset.check_codec(found.codec)
            objects.download(*split_uri(found.uri), file, digest=found.digest)  # type: ignore[arg-type]
            return Content(file, found.codec, found.summary, _files(file, found.codec))  # type: ignore[arg-type]
        value = value.get()
    return _written(value, codec, file, name)


def _of_path(path: pathlib.Path, codec: str, file: IO[bytes]) -> Content:
    if codec in (AUTO, PATH):
        return _written(path, PATH, file, path.name)
    if not path.is_file():
        raise SpecError(
            f"--codec {codec} reads one file, and {path.name or path} is none", hint="Take --codec out."
        )
    with path.open("rb") as source:
        while piece := source.read(_PIECE):
            file.write(piece)
    file.seek(0)
    value = codecs.decode(file, codec, name=path.name)
    return Content(file, codec, codecs.describe(value))  # type: ignore[arg-type]


def _written(value: Any, codec: str, file: IO[bytes], name: str) -> Content:
    encoded = codecs.encode(value, codec, name=name, limit_bytes=LIMIT_BYTES, file=file)
    dataset.check_codec(encoded.codec)
    return Content(file, encoded.codec, encoded.summary, _files(file, encoded.codec))  # type: ignore[arg-type]


def _files(file: IO[bytes], codec: str) -> tuple[File, ...]:
    """Return the files of an archive, by their names below its root."""
    if codec != PATH:
        return ()
    file.seek(0)
    found = []
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            if not member.isfile():
                continue
            name = member.name.partition("/")[2] or member.name
            if not tame(name):
                raise SpecError(f"the file name {name[:80]!r} cannot be in a dataset", hint="Rename it.")
            data = archive.extractfile(member)
            assert data is not None
            found.append(File(name, member.size, _digest(data)))
    return tuple(sorted(found, key=lambda item: item.name))


def _digest(data: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while piece := data.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _bring(objects: Objects, uri: str, folder: pathlib.Path) -> tuple[pathlib.Path, str]:
    """Bring an object, or all below a folder of the bucket, here; returns it and what it was."""
    if not uri.endswith("/"):
        bucket, name = split_uri(uri)
        meta = objects.stat(bucket, name)
        if meta is None:
            raise SpecError(f"{uri} is not there", hint="A folder's address ends with '/'.")
        path = folder / _leaf(uri, name.rpartition("/")[2])
        with path.open("wb") as target:
            objects.download(bucket, name, target, generation=meta.generation)
        return path, f"{uri}#{meta.generation}"
    bucket, prefix = split_uri(uri)
    root = folder / _leaf(uri, prefix.rstrip("/").rpartition("/")[2])
    root.mkdir()
    count = 0
    for meta in objects.list(bucket, prefix):
        name = meta.name.removeprefix(prefix)
        if not name or (name.endswith("/") and not meta.size_bytes):
            continue  # what consoles leave where somebody made a folder
        path = root / _leaf(uri, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as target:
            objects.download(bucket, meta.name, target, generation=meta.generation)
        count += 1
    if not count:
        raise SpecError(f"there is nothing below {uri}", hint="Look at the address, and who may read it.")
    return root, f"{uri} ({count} objects)"


def _leaf(uri: str, name: str) -> str:
    """Return an object's name as a path below a folder, when it stays there."""
    if not tame(name):
        raise SpecError(f"{name[:80]!r} of {uri} cannot be a file name here", hint="Copy it to another name.")
    return name
