"""Reading objects of Cloud Storage from inside, where the platform itself does so on Google's side."""

from __future__ import annotations

from pathlib import Path

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.storage.blobs import Blobs
from argovx_lab.sandbox.google.storage.catalog import Catalog, Stored
from argovx_lab.sandbox.google.store import Store


class ObjectReader:
    """Live objects, read only.

    Parameters
    ----------
    folder : Path
        Where Cloud Storage keeps its bytes.
    """

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self._blobs = Blobs(folder)
        self._store, self._clock = store, clock
        self._catalog: Catalog | None = None

    def below(self, uri: str) -> list[Stored]:
        """Return the live objects whose names begin with ``gs://bucket/prefix``."""
        if self._catalog is None:
            self._catalog = Catalog(self._store, self._clock)
        bucket, _, prefix = uri.removeprefix("gs://").partition("/")
        return list(self._catalog.objects(bucket, prefix))

    def read(self, stored: Stored) -> bytes:
        """Return an object's bytes, empty when it went away meanwhile."""
        try:
            return self._blobs.path(stored.blob).read_bytes()
        except FileNotFoundError:
            return b""
