"""Objects as state: created, changed, copied, composed, deleted; no requests and no permissions.

Owns atomicity: a precondition is judged and its write made in one transaction on one thread, so of two
writers with ``ifGenerationMatch=0`` exactly one wins; bytes are in place before the record names them, and
are removed only after no record does, so a killed process leaves at most a file that nobody names.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from argovx_lab.sandbox.google.storage import props as properties
from argovx_lab.sandbox.google.storage.blobs import CHUNK, Blobs, Writer
from argovx_lab.sandbox.google.storage.catalog import Catalog, Stored
from argovx_lab.sandbox.google.storage.errors import invalid, no_bucket
from argovx_lab.sandbox.google.storage.preconditions import Preconditions
from argovx_lab.sandbox.google.storage.resources import etag
from argovx_lab.sandbox.room import is_full

#: Source: https://cloud.google.com/storage/docs/composite-objects
SOURCES_MAX: Final = 32
DEFAULT_TYPE: Final = "application/octet-stream"

#: Called with the generation that would be replaced; raises when the caller may not.
MayReplace = Callable[[Stored], None]


class Objects:
    """All objects.

    Parameters
    ----------
    catalog : Catalog
        Their records.
    blobs : Blobs
        Their bytes.
    """

    def __init__(self, catalog: Catalog, blobs: Blobs) -> None:
        self._catalog = catalog
        self._blobs = blobs

    def find(self, bucket: str, name: str, generation: int | None) -> Stored | None:
        """Return the live generation, or the one asked for; ``None`` when it is not there."""
        if generation is None:
            return self._catalog.live(bucket, name)
        return self._catalog.generation(bucket, name, generation)

    def create(
        self,
        bucket: str,
        name: str,
        writer: Writer,
        props: Mapping[str, Any],
        pre: Preconditions,
        may_replace: MayReplace,
        also: Callable[[Stored], None] = lambda _: None,
    ) -> Stored:
        """Make a written blob the live generation of an object; ``also`` writes in the same transaction.

        Raises
        ------
        StorageError
            412 when a precondition does not hold, 404 when the bucket is gone; the blob is removed.
        """
        digests = writer.digests
        blob = self._blobs.keep(writer)
        new = self._new(bucket, name, blob, digests.size, digests.crc32c, digests.md5, props)
        return self._commit(new, pre, may_replace, also)

    def copy(
        self,
        source: Stored,
        bucket: str,
        name: str,
        props: Mapping[str, Any],
        pre: Preconditions,
        may_replace: MayReplace,
    ) -> Stored:
        """Make the bytes of one generation another object's live generation; errors as :meth:`create`."""
        blob = self._blobs.clone(source.blob)
        new = self._new(bucket, name, blob, source.size, source.crc32c, source.md5, props)
        return self._commit(replace(new, components=source.components), pre, may_replace)

    def move(self, source: Stored, name: str, pre: Preconditions, may_replace: MayReplace) -> Stored:
        """Give an object another name in its bucket; errors as :meth:`create`, and 404 when it has gone."""
        new = replace(
            self._new(
                source.bucket,
                name,
                self._blobs.clone(source.blob),
                source.size,
                source.crc32c,
                source.md5,
                source.props,
            ),
            components=source.components,
        )
        freed: list[str] = []

        def leave(_: Stored) -> None:
            if not source.deleted and self._versioned(source.bucket):
                self._catalog.archive(source)
                return
            self._catalog.remove(source)
            freed.append(source.blob)

        moved = self._commit(new, pre, may_replace, leave)
        self._blobs.delete(freed)
        return moved

    def concatenate(self, descriptors: Sequence[int]) -> Writer:
        """Return a new blob with the bytes of open files in their order; it blocks, so run it in a thread."""
        writer = self._blobs.writer()
        try:
            for descriptor in descriptors:
                while data := os.read(descriptor, CHUNK):
                    writer.write(data)
        except BaseException:
            writer.discard()
            raise
        return writer

    def compose(
        self,
        parts: int,
        bucket: str,
        name: str,
        writer: Writer,
        props: Mapping[str, Any],
        pre: Preconditions,
        may_replace: MayReplace,
        also: Callable[[Stored], None] = lambda _: None,
    ) -> Stored:
        """Make a concatenated blob a composite object of that many parts, which has no md5.

        Errors as :meth:`create`.
        """
        digests = writer.digests
        blob = self._blobs.keep(writer)
        new = self._new(bucket, name, blob, digests.size, digests.crc32c, "", props)
        return self._commit(replace(new, components=parts), pre, may_replace, also)

    def patch(
        self, stored: Stored, change: Mapping[str, Any], pre: Preconditions, *, whole: bool = False
    ) -> Stored:
        """Change what the user may set; ``whole`` replaces it instead of merging.

        Raises
        ------
        StorageError
            412, or 400 for a storage class, which only a rewrite changes, and a custom time that goes back.
        """
        properties.check_custom_time(stored.props.get("customTime"), change, whole=whole)
        wanted = change.get("storageClass")
        if wanted is not None and wanted != stored.props["storageClass"]:
            raise invalid("The storage class of an object changes by a rewrite only.", "storageClass")
        with self._catalog.transaction():
            pre.check(stored.generation, stored.metageneration)
            kept = {"storageClass": stored.props["storageClass"]}
            merged = properties.merged(kept if whole else stored.props, {**change, **kept})
            new = replace(
                stored,
                props=merged,
                metageneration=stored.metageneration + 1,
                updated=self._catalog.now().timestamp(),
            )
            self._catalog.put(new)
        return new

    def delete(self, stored: Stored, *, permanently: bool, pre: Preconditions) -> None:
        """Delete a generation; a live one of a versioned bucket becomes noncurrent unless ``permanently``.

        On a full disk it uses the room that was kept for this.

        Raises
        ------
        StorageError
            412.
        """
        try:
            self._delete(stored, permanently=permanently, pre=pre)
        except (OSError, sqlite3.Error) as error:
            if not is_full(error) or not self._blobs.use_reserve():
                raise
            self._delete(stored, permanently=permanently, pre=pre)
        self._blobs.reserve()

    def _delete(self, stored: Stored, *, permanently: bool, pre: Preconditions) -> None:
        with self._catalog.transaction():
            pre.check(stored.generation, stored.metageneration)
            if not permanently and not stored.deleted and self._versioned(stored.bucket):
                self._catalog.archive(stored)
                return
            self._catalog.remove(stored)
        self._blobs.delete([stored.blob])

    def open(self, stored: Stored) -> int:
        """Return a file descriptor of the bytes."""
        return self._blobs.open(stored.blob)

    def _versioned(self, bucket: str) -> bool:
        record = self._catalog.bucket(bucket)
        return bool(record and record["versioning"])

    def _new(
        self, bucket: str, name: str, blob: str, size: int, crc32c: str, md5: str, props: Mapping[str, Any]
    ) -> Stored:
        now = self._catalog.now().timestamp()
        return Stored(bucket, name, 0, 1, blob, size, crc32c, md5, now, now, dict(props))

    def _commit(
        self,
        new: Stored,
        pre: Preconditions,
        may_replace: MayReplace,
        also: Callable[[Stored], None] = lambda _: None,
    ) -> Stored:
        """Write the record of a new generation; on any refusal its blob is removed."""
        replaced: list[str] = []
        try:
            with self._catalog.transaction():
                bucket = self._catalog.bucket(new.bucket)
                if bucket is None:
                    raise no_bucket()
                current = self._catalog.live(new.bucket, new.name)
                self._demand(current, pre)
                if current is not None:
                    may_replace(current)
                    if bucket["versioning"]:
                        self._catalog.archive(current)
                    else:
                        self._catalog.remove(current)
                        replaced.append(current.blob)
                new = replace(
                    new,
                    generation=self._catalog.next_generation(),
                    props=properties.fresh(new.props, bucket["storage_class"]),
                )
                self._catalog.put(new)
                also(new)
        except BaseException:
            self._blobs.delete([new.blob])
            raise
        self._blobs.delete(replaced)
        self._blobs.reserve()
        return new

    def check(self, bucket: str, name: str, pre: Preconditions, may_replace: MayReplace) -> None:
        """Refuse early what :meth:`create` would refuse now; it judges again at the end."""
        current = self._catalog.live(bucket, name)
        self._demand(current, pre)
        if current is not None:
            may_replace(current)

    @staticmethod
    def _demand(current: Stored | None, pre: Preconditions) -> None:
        if current is None:
            pre.check(0, 0)
        else:
            pre.check(current.generation, current.metageneration)


def check_digests(writer: Writer, crc32c: str, md5: str) -> None:
    """Compare what arrived with the checksums that the client sent; empty ones are not compared.

    Raises
    ------
    StorageError
        400, when the bytes are not those that the client meant.
    """
    for kind, given, found in (
        ("CRC32C", crc32c, writer.digests.crc32c),
        ("MD5 hash", md5, writer.digests.md5),
    ):
        if given and given != found:
            raise invalid(f'Provided {kind} "{given[:64]}" doesn\'t match calculated {kind} "{found}".')


def etag_of(stored: Stored) -> str:
    """Return the entity tag of a generation."""
    return etag(stored.generation, stored.metageneration)


def read_piece(descriptor: int, offset: int, size: int) -> bytes:
    """Return up to :data:`~.blobs.CHUNK` bytes from a file."""
    return os.pread(descriptor, min(size, CHUNK), offset)
