"""Aliases of datasets: names that move between versions by compare-and-swap, and keep a history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

from argovx_lab.errors import Conflict, NotFound, SpecError
from argovx_lab.model import dataset
from argovx_lab.model import dataset_records as records
from argovx_lab.model.dataset_records import Alias, Move, Version
from argovx_lab.model.layout import Layout
from argovx_lab.storage.objects import Objects

_JSON = "application/json"


class Aliases:
    """The aliases of all datasets of one bucket; see `storage.datasets.Datasets` for the parameters."""

    def __init__(self, objects: Objects, layout: Layout, *, by: str, now: Callable[[], str]) -> None:
        self._objects = objects
        self._layout = layout
        self._by = by
        self._now = now

    def get(self, name: str, alias: str) -> Alias:
        """Return an alias.

        Raises
        ------
        SpecError
            When there is none; the message names those there are.
        """
        found, _ = self._look(name, alias)
        if found is None:
            listed = ", ".join(self.all(name)) or "none"
            raise SpecError(f"there is no {name}@{alias}", hint=f"Aliases of {name}: {listed}.")
        return found

    def all(self, name: str) -> dict[str, Alias]:
        """Return a dataset's aliases by name."""
        place = self._layout.dataset(name)
        found = {}
        for meta in self._objects.list(place.bucket, place.aliases, delimiter="/"):
            alias = meta.name.removeprefix(place.aliases).removesuffix(".json")
            try:
                known, _ = self._look(name, dataset.check_name(alias, "an alias"))
            except SpecError:
                continue  # not ours; whoever asks for it by name hears why
            if known is not None:
                found[alias] = known
        return found

    def move(self, name: str, alias: str, version: Version) -> tuple[Alias, bool]:
        """Let an alias name a version; returns it and whether it has moved.

        Raises
        ------
        Conflict
            When somebody else moved it meanwhile: then theirs stands.
        """
        place = self._layout.dataset(name)
        old, generation = self._look(name, dataset.check_name(alias, "an alias"))
        if old is not None and (old.number, old.manifest) == (version.number, version.manifest):
            return old, False
        move = Move(self._now(), self._by, old.number if old else 0, version.number)
        new = Alias(name, alias, version.number, version.manifest, (*(old.history if old else ()), move))
        try:
            self._objects.replace(
                place.bucket, place.alias(alias), new.encode(), generation=generation, content_type=_JSON
            )
        except Conflict as error:
            raise Conflict(
                f"{name}@{alias} was moved by somebody else meanwhile",
                hint=f"Look where it is: %argovx dataset show {name}. Move it again if you still want to.",
                service="storage",
            ) from error
        return new, True

    def _look(self, name: str, alias: str) -> tuple[Optional[Alias], int]:
        """Return an alias and the generation that was read; ``None`` and 0 where there is none."""
        place = self._layout.dataset(name)
        meta = self._objects.stat(place.bucket, place.alias(alias))
        if meta is None:
            return None, 0
        data = read(self._objects, place.bucket, meta.name, meta.generation)
        if data is None:
            raise Conflict(f"{name}@{alias} is being moved", hint="Try again.", service="storage")
        return records.read_alias(data, name, alias), meta.generation


def read(objects: Objects, bucket: str, name: str, generation: Optional[int] = None) -> Optional[bytes]:
    """Return a record's bytes, no more than any may have, or ``None`` when it is not there."""
    try:
        return objects.get(bucket, name, generation=generation, offset=0, length=records.DOCUMENT_MAX + 1)
    except NotFound:
        return None
