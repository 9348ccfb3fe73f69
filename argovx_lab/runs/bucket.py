"""The bucket's side of one attempt: event parts, manifest, log parts.

Owns how parts are found and read. Objects that are not there yet are no errors; everything is read
by range or by whole part, never twice.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from argovx_lab.errors import NotFound
from argovx_lab.model.layout import Attempt, split_uri
from argovx_lab.runs.curves import MetricPage, page
from argovx_lab.runs.shapes import mapping, parsed
from argovx_lab.runs.stream import Stream, parse, reduce

_PART = re.compile(r"r(\d+)\.(\d+)/(events|logs)/part-(\d+)\Z")

#: Most log text that one request returns. Unit: bytes.
LOG_CHUNK = 256 * 1024


class Meta(Protocol):
    """What a listing says of an object."""

    @property
    def name(self) -> str:
        """Object name."""

    @property
    def size_bytes(self) -> int:
        """Length."""


class Bucket(Protocol):
    """What the read path needs of Cloud Storage."""

    def list(self, bucket: str, prefix: str) -> Iterator[Meta]:
        """Yield objects below a prefix, in order of names."""

    def get(self, bucket: str, name: str, *, offset: int | None = None, length: int | None = None) -> bytes:
        """Return an object's bytes; :class:`NotFound` when it is not there."""


@dataclass(frozen=True)
class LogText:
    """A piece of log.

    Parameters
    ----------
    next : int
        Offset to ask for next. Unit: bytes.
    complete : bool
        Whether the runner has closed and nothing follows.
    """

    text: str
    next: int
    complete: bool
    truncated: bool = False


class AttemptReader:
    """Follows one attempt; keeps its place between calls."""

    def __init__(self, bucket: Bucket, attempt: Attempt) -> None:
        self._bucket = bucket
        self._attempt = self._own = attempt
        self._records: dict[str, dict[str, Any]] = {}
        self._read: set[str] = set()
        self._life = (-1, -1)
        self._placed = False
        self.stream = Stream()
        self.manifest: dict[str, Any] = {}
        self.manifest_digest = ""

    @property
    def uri(self) -> str:
        """The attempt's folder."""
        return self._attempt.uri

    @property
    def complete(self) -> bool:
        """Whether nothing more is to be read."""
        ended = self.stream.phase == "closed"
        return ended and (bool(self.manifest) or self.stream.outcome != "succeeded")

    def poll(self) -> bool:
        """Read what is new; tell whether there was anything."""
        before = (self.stream, bool(self.manifest))
        names = [meta.name for meta in self._bucket.list(self._attempt.bucket, self._attempt.folder)]
        if self._attempt.intent in names and not self._placed:
            names = self._place(names)
        for (life, _part), name in sorted(_parts(names, "events")):
            if name not in self._read and life >= self._life:
                self._take(name, life)
        if self._attempt.manifest in names and not self.manifest:
            self._take_manifest()
        return before != (self.stream, bool(self.manifest))

    def records(self) -> dict[str, dict[str, Any]]:
        """Return the launcher's records that are there: ``intent``, ``created``, ``exit``."""
        for kind, name in (
            ("intent", self._own.intent),
            ("created", self._own.created),
            ("exit", self._own.exit),
        ):
            if kind not in self._records and (document := self._document(name)):
                self._records[kind] = document
        return dict(self._records)

    def metrics(self, after: str) -> MetricPage:
        """Return the points after a place; all of them where that place is of other curves than these."""
        return page(self.stream.curves, f"{self.uri}\n{self.stream.life}", after)

    def logs(self, after: int) -> LogText:
        """Return log text from byte ``after`` on, over all lives of all replicas in order."""
        metas = {m.name: m.size_bytes for m in self._bucket.list(self._attempt.bucket, self._attempt.folder)}
        position, chunks, size = 0, [], 0
        for _, name in sorted(_parts(metas, "logs")):
            end = position + metas[name]
            if end > after and size < LOG_CHUNK:
                start = max(0, after - position)
                data = self._bucket.get(self._attempt.bucket, name, offset=start or None)
                chunks.append(data[: LOG_CHUNK - size])
                size += len(chunks[-1])
            position = end
        data = b"".join(chunks)
        ended = self._attempt.exit in metas or self.stream.phase == "closed"
        done = ended and after + len(data) >= position
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data, final=done)
        cut = len(decoder.getstate()[0])  # a character that is not whole yet belongs to the next piece
        return LogText(text, after + len(data) - cut, done)

    def _place(self, names: list[str]) -> list[str]:
        """Follow the intent: an attempt that adopted a job reads where that job writes."""
        self._placed = True
        prefix = str(self._document(self._attempt.intent).get("prefix") or self._attempt.uri)
        if prefix == self._attempt.uri or not prefix.endswith("/"):
            return names
        bucket, folder = split_uri(prefix)
        self._attempt = Attempt(bucket, folder)
        return [meta.name for meta in self._bucket.list(bucket, folder)]

    def _take(self, name: str, life: tuple[int, int]) -> None:
        if life != self._life:
            self._life, self.stream = life, Stream(life=life, said=self.stream.said)
        data = self._bucket.get(self._attempt.bucket, name)
        self.stream = reduce(self.stream, parse(data))
        self._read.add(name)

    def _take_manifest(self) -> None:
        """Keep the manifest with the digest of its bytes: whether it is Argo's is judged by ``merge``."""
        try:
            data = self._bucket.get(self._attempt.bucket, self._attempt.manifest)
        except NotFound:
            return
        self.manifest_digest = hashlib.sha256(data).hexdigest()  # first: others read the manifest first
        self.manifest = _object(data)

    def _document(self, name: str) -> dict[str, Any]:
        try:
            return _object(self._bucket.get(self._own.bucket, name))
        except NotFound:
            return {}


def _object(data: bytes) -> dict[str, Any]:
    return mapping(parsed(data))


def _parts(names: Any, kind: str) -> list[tuple[tuple[tuple[int, int], int], str]]:
    """Return ``((restart, replica), part number), name`` for each part of a kind."""
    found = []
    for name in names:
        match = _PART.search(name)
        if match and match.group(3) == kind:
            replica, restart = int(match.group(1)), int(match.group(2))
            found.append((((restart, replica), int(match.group(4))), name))
    return found
