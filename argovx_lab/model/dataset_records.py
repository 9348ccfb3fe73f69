"""Datasets as documents: the manifest of a version, its number, and aliases that move.

A version *is* the SHA-256 of its manifest's bytes, so a manifest cannot be changed and keep its name. Others
write these documents: whatever is not exactly of this shape is refused by name. A manifest names its bytes by
digest alone, never by place, so none can point elsewhere. Pure.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.model.dataset import check_codec
from argovx_lab.model.step import canonical

MANIFEST = "argovx.dataset/1"
VERSION = "argovx.dataset-version/1"
ALIAS = "argovx.dataset-alias/1"

#: Most files that a manifest names. Reason: the codec ``path`` takes no more.
FILES_MAX = 100_000

#: Longest document that is read. Unit: bytes. Reason: that many files with names of usual length.
DOCUMENT_MAX = 32 << 20

_DIGEST = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_CODEC = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z", re.ASCII)


@dataclass(frozen=True)
class File:
    """A file of a version: its name below the folder that was put, length and SHA-256."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """What a version is.

    Parameters
    ----------
    name : str
        The dataset's.
    codec, summary : str
        How the bytes are read; one readable line.
    digest, size_bytes, generation : str, int, int
        Of the one object that holds the bytes.
    files : tuple of File
        What is in it, for a file or folder; empty for a value.
    """

    name: str
    codec: str
    summary: str
    digest: str
    size_bytes: int
    generation: int
    files: tuple[File, ...] = ()

    def encode(self) -> bytes:
        """Return the canonical bytes, whose digest is the version."""
        return canonical({"schema": MANIFEST, **asdict(self), "files": [asdict(f) for f in self.files]})

    @property
    def version(self) -> str:
        """SHA-256 of the canonical bytes."""
        return hashlib.sha256(self.encode()).hexdigest()


@dataclass(frozen=True)
class Version:
    """A version's number: which manifest got it, when, by whom, out of what.

    Parameters
    ----------
    source : str
        What was put, as it was named: a path, a variable, a ``gs://`` address with its generation.
    """

    name: str
    number: int
    manifest: str
    at: str
    by: str
    source: str = ""

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical({"schema": VERSION, **asdict(self)})

    @property
    def text(self) -> str:
        """As people write it: ``iris@3``."""
        return f"{self.name}@{self.number}"


@dataclass(frozen=True)
class Move:
    """One move of an alias; ``before`` is 0 where it was made."""

    at: str
    by: str
    before: int
    after: int


@dataclass(frozen=True)
class Alias:
    """A name for a version that may move, with all its moves, the oldest first."""

    name: str
    alias: str
    number: int
    manifest: str
    history: tuple[Move, ...] = ()

    def encode(self) -> bytes:
        """Return the canonical bytes."""
        return canonical({"schema": ALIAS, **asdict(self), "history": [asdict(m) for m in self.history]})


def read_manifest(data: bytes, name: str, version: str) -> Manifest:
    """Read the manifest of a version of dataset ``name``.

    Raises
    ------
    SpecError
        When the bytes are not that version's, or not a manifest that may be read.
    """
    what = f"the manifest of dataset {name}"
    if hashlib.sha256(data).hexdigest() != version:
        raise SpecError(
            f"{what} is not version {version[:12]}…", hint="Somebody has changed it; put it anew."
        )
    doc = _document(data, MANIFEST, what)
    files = doc.pop("files", None)
    if not isinstance(files, list) or len(files) > FILES_MAX:
        raise _odd(what, "files")
    found: Manifest = _build(Manifest, {**doc, "files": tuple(_build(File, f, what) for f in files)}, what)
    if found.name != name or found.encode() != data:
        raise _odd(what, "name" if found.name != name else "form")
    if not _CODEC.match(found.codec):
        raise _odd(what, "codec")
    names = [file.name for file in found.files]
    if any(not tame(n) for n in names) or len(set(names)) < len(names):
        raise _odd(what, "file names")
    if found.generation < 1:
        raise _odd(what, "generation")
    check_codec(found.codec)
    return found


def read_version(data: bytes, name: str, number: int) -> Version:
    """Read the record of a number.

    Raises
    ------
    SpecError
        When it is none, or another's.
    """
    what = f"the record of {name}@{number}"
    found: Version = _build(Version, _document(data, VERSION, what), what)
    if (found.name, found.number) != (name, number) or not _DIGEST.match(found.manifest):
        raise _odd(what, "name or digest")
    return found


def read_alias(data: bytes, name: str, alias: str) -> Alias:
    """Read the file of an alias.

    Raises
    ------
    SpecError
        When it is none, or another's.
    """
    what = f"the alias {name}@{alias}"
    doc = _document(data, ALIAS, what)
    history = doc.pop("history", None)
    if not isinstance(history, list):
        raise _odd(what, "history")
    moves = tuple(_build(Move, move, what) for move in history)
    found: Alias = _build(Alias, {**doc, "history": moves}, what)
    if (found.name, found.alias) != (name, alias) or not _DIGEST.match(found.manifest) or found.number < 1:
        raise _odd(what, "name or version")
    return found


def tame(name: str) -> bool:
    """Tell whether a file's name stays below its folder and can be shown on one line."""
    parts = name.split("/")
    return not ({"", ".", ".."} & set(parts)) and name.isprintable() and "\\" not in name


def _document(data: bytes, schema: str, what: str) -> dict[str, Any]:
    if len(data) > DOCUMENT_MAX:
        raise _odd(what, "length")
    try:
        doc = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"{what} is not JSON") from error
    if not isinstance(doc, dict) or doc.pop("schema", None) != schema:
        raise SpecError(f"{what} is not {schema}", hint="Do not write into the folders of datasets by hand.")
    return doc


def _build(cls: type[Any], doc: object, what: str) -> Any:
    """Return a document's fields, each of its exact type; lengths are natural, digests are SHA-256."""
    kinds: Mapping[str, str] = {name: str(kind) for name, kind in cls.__annotations__.items()}
    if not isinstance(doc, dict) or set(doc) != set(kinds):
        raise _odd(what, "fields")
    for name, kind in kinds.items():
        value = doc[name]
        if kind in _PLAIN and type(value) is not _PLAIN[kind]:
            raise _odd(what, name)
        if (kind == "int" and value < 0) or (name == "digest" and not _DIGEST.match(value)):
            raise _odd(what, name)
    return cls(**doc)


def _odd(what: str, field: str) -> SpecError:
    return SpecError(
        f"{what} is not what argovx-lab writes: its {field}", hint="Do not use it; ask who wrote it."
    )


_PLAIN: dict[str, type] = {"str": str, "int": int}
