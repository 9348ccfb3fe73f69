"""The records of buckets, managed folders, objects and resumable uploads.

Owns their keys in the store and the generation numbers; every change that must be one is made inside
:meth:`Catalog.transaction`. It knows nothing of requests or permissions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.store import Store

# no name holds a NUL, so it separates the parts of a key and keeps their order
_SEP = "\0"
_BUCKETS, _FOLDERS, _LIVE, _OLD, _UPLOADS = (
    f"storage.{name}" for name in ("buckets", "folders", "live", "noncurrent", "uploads")
)
_MULTIPARTS, _PARTS = "storage.multiparts", "storage.parts"


@dataclass(frozen=True)
class Stored:
    """One generation of an object.

    Parameters
    ----------
    blob : str
        Id of its bytes.
    props : dict
        What the user sets: ``contentType``, ``metadata``, ``storageClass`` …
    created, updated, deleted : float
        Unix times in seconds; ``deleted`` is 0 while the generation is live.
    components : int
        Number of parts when it was composed, else 0.
    """

    bucket: str
    name: str
    generation: int
    metageneration: int
    blob: str
    size: int
    crc32c: str
    md5: str
    created: float
    updated: float
    props: dict[str, Any] = field(default_factory=dict)
    components: int = 0
    deleted: float = 0.0

    @property
    def key(self) -> str:
        """Key among live objects."""
        return f"{self.bucket}{_SEP}{self.name}"

    @property
    def old_key(self) -> str:
        """Key among noncurrent generations."""
        return f"{self.key}{_SEP}{self.generation:020d}"


class Catalog:
    """All records of Cloud Storage.

    Parameters
    ----------
    store : Store
        Where they live.
    clock : Clock
        Source of times and generation numbers.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        known = (r["generation"] for table in (_LIVE, _OLD) for _, r in store.scan(table))
        self._generation = max(known, default=0)

    def transaction(self) -> AbstractContextManager[None]:
        """Make the writes of a ``with`` block one."""
        return self._store.transaction()

    def now(self) -> datetime:
        """Return the present."""
        return self._clock.now()

    def next_generation(self) -> int:
        """Return a number larger than all before: microseconds of the clock, as Google's look."""
        self._generation = max(int(self.now().timestamp() * 1e6), self._generation + 1)
        return self._generation

    # buckets and managed folders

    def bucket(self, name: str) -> dict[str, Any] | None:
        """Return a bucket's record, or ``None``."""
        return self._store.get(_BUCKETS, name)

    def buckets(self, prefix: str = "", after: str = "") -> Iterator[dict[str, Any]]:
        """Yield buckets in order of their names."""
        return (record for _, record in self._store.scan(_BUCKETS, prefix, after))

    def put_bucket(self, record: dict[str, Any]) -> None:
        """Write a bucket's record."""
        self._store.put(_BUCKETS, record["name"], record)

    def delete_bucket(self, name: str) -> None:
        """Remove a bucket's record and those of its folders."""
        self._store.delete(_BUCKETS, name)
        for folder in list(self.folders(name)):
            self.delete_folder(name, folder["name"])

    def folder(self, bucket: str, name: str) -> dict[str, Any] | None:
        """Return a managed folder's record, or ``None``."""
        return self._store.get(_FOLDERS, f"{bucket}{_SEP}{name}")

    def folders(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[dict[str, Any]]:
        """Yield managed folders of a bucket in order of their names."""
        start = f"{bucket}{_SEP}"
        found = self._store.scan(_FOLDERS, start + prefix, start + after if after else "")
        return (record for _, record in found)

    def put_folder(self, bucket: str, record: dict[str, Any]) -> None:
        """Write a managed folder's record."""
        self._store.put(_FOLDERS, f"{bucket}{_SEP}{record['name']}", record)

    def delete_folder(self, bucket: str, name: str) -> None:
        """Remove a managed folder's record."""
        self._store.delete(_FOLDERS, f"{bucket}{_SEP}{name}")

    # objects

    def live(self, bucket: str, name: str) -> Stored | None:
        """Return the live generation of an object, or ``None``."""
        record = self._store.get(_LIVE, f"{bucket}{_SEP}{name}")
        return Stored(**record) if record is not None else None

    def generation(self, bucket: str, name: str, generation: int) -> Stored | None:
        """Return one generation, live or not, or ``None``."""
        live = self.live(bucket, name)
        if live is not None and live.generation == generation:
            return live
        record = self._store.get(_OLD, f"{bucket}{_SEP}{name}{_SEP}{generation:020d}")
        return Stored(**record) if record is not None else None

    def objects(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stored]:
        """Yield live objects in order of their names, those after the name ``after``."""
        start = f"{bucket}{_SEP}"
        found = self._store.scan(_LIVE, start + prefix, start + after if after else "")
        return (Stored(**record) for _, record in found)

    def noncurrent(self, bucket: str, name: str) -> list[Stored]:
        """Return the noncurrent generations of one object, oldest first."""
        return [Stored(**record) for _, record in self._store.scan(_OLD, f"{bucket}{_SEP}{name}{_SEP}")]

    def noncurrent_names(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[str]:
        """Yield, in order and once each, the names that have noncurrent generations."""
        start, last = f"{bucket}{_SEP}", ""
        begin = f"{start}{after}{_SEP}\U0010ffff" if after else ""
        for _, record in self._store.scan(_OLD, start + prefix, begin):
            if record["name"] != last:
                last = record["name"]
                yield last

    def put(self, stored: Stored) -> None:
        """Write a generation where it belongs: live, or noncurrent once it has a deletion time."""
        table, key = (_OLD, stored.old_key) if stored.deleted else (_LIVE, stored.key)
        self._store.put(table, key, dict(vars(stored)))

    def remove(self, stored: Stored) -> None:
        """Remove a generation's record."""
        table, key = (_OLD, stored.old_key) if stored.deleted else (_LIVE, stored.key)
        self._store.delete(table, key)

    def archive(self, stored: Stored) -> None:
        """Turn the live generation into a noncurrent one."""
        self.remove(stored)
        self.put(replace(stored, deleted=self.now().timestamp()))

    def is_empty(self, bucket: str) -> bool:
        """Return whether a bucket holds no object, live or not."""
        start = f"{bucket}{_SEP}"
        return all(next(self._store.scan(table, start), None) is None for table in (_LIVE, _OLD))

    def blobs(self) -> set[str]:
        """Return the ids of all blobs in use."""
        return {record["blob"] for table in (_LIVE, _OLD, _PARTS) for _, record in self._store.scan(table)}

    # resumable uploads

    def upload(self, key: str) -> dict[str, Any] | None:
        """Return the record of a resumable upload, or ``None``."""
        return self._store.get(_UPLOADS, key)

    def uploads(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield all resumable uploads."""
        return self._store.scan(_UPLOADS)

    def put_upload(self, key: str, record: dict[str, Any]) -> None:
        """Write the record of a resumable upload."""
        self._store.put(_UPLOADS, key, record)

    def delete_upload(self, key: str) -> None:
        """Remove the record of a resumable upload."""
        self._store.delete(_UPLOADS, key)

    # multipart uploads of the XML API

    def multipart(self, upload: str) -> dict[str, Any] | None:
        """Return the record of a multipart upload, or ``None``."""
        return self._store.get(_MULTIPARTS, upload)

    def put_multipart(self, upload: str, record: dict[str, Any]) -> None:
        """Write the record of a multipart upload."""
        self._store.put(_MULTIPARTS, upload, record)

    def parts(self, upload: str) -> dict[int, dict[str, Any]]:
        """Return the parts of a multipart upload by their numbers."""
        found = self._store.scan(_PARTS, f"{upload}{_SEP}")
        return {int(key.rpartition(_SEP)[2]): part for key, part in found}

    def put_part(self, upload: str, number: int, part: dict[str, Any]) -> None:
        """Write a part of a multipart upload."""
        self._store.put(_PARTS, f"{upload}{_SEP}{number:05d}", part)

    def delete_multipart(self, upload: str) -> list[str]:
        """Remove a multipart upload with its parts; return the blobs that nobody names any more."""
        parts = self.parts(upload)
        for number in parts:
            self._store.delete(_PARTS, f"{upload}{_SEP}{number:05d}")
        self._store.delete(_MULTIPARTS, upload)
        return [part["blob"] for part in parts.values()]
