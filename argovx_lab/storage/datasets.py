"""Datasets in the bucket: versions that are written once and known by the digest of their manifest.

Owns the order of writing (bytes, manifest, number), so that whatever is cut off leaves no version behind, and
the checks of reading: nothing is believed that does not fit the digest under which it lies.

Notes
-----
A number is taken by ``ifGenerationMatch=0``: of two that put at once, one gets it and the other the next, or
the same when they put the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Union

from argovx_lab.errors import Conflict, OutputsMissing, SpecError
from argovx_lab.model import dataset
from argovx_lab.model import dataset_records as records
from argovx_lab.model.dataset import Wanted
from argovx_lab.model.dataset_records import Alias, File, Manifest, Version
from argovx_lab.model.layout import DatasetPlace, Layout
from argovx_lab.storage.aliases import Aliases, read
from argovx_lab.storage.meta import ObjectMeta, measure
from argovx_lab.storage.objects import Objects

_JSON = "application/json"

#: How often a number is tried for while others take theirs.
_TRIES = 20


@dataclass(frozen=True)
class Content:
    """What is put: bytes, how they are read, and what is in them.

    Parameters
    ----------
    data : bytes or binary file
        A file is read from its current position.
    files : tuple of File
        For a file or folder; empty for a value.
    """

    data: Union[bytes, BinaryIO]
    codec: str
    summary: str
    files: tuple[File, ...] = ()


class Datasets:
    """The datasets of one bucket.

    Parameters
    ----------
    now : callable
        Returns the present as RFC 3339, for records.
    by : str
        Who acts, for records.
    """

    def __init__(self, objects: Objects, layout: Layout, *, by: str, now: Callable[[], str]) -> None:
        self._objects = objects
        self._layout = layout
        self._by = by
        self._now = now
        self.aliases = Aliases(objects, layout, by=by, now=now)

    def put(self, name: str, content: Content, source: str) -> tuple[Version, bool]:
        """Write a version; returns it and whether it is new: the same content is the same version.

        Parameters
        ----------
        source : str
            What was put, for people.

        Raises
        ------
        SpecError
            For a name that cannot be, or a codec that runs what it reads.
        Conflict
            When others keep taking the next number.
        """
        place = self._place(dataset.check_name(name))
        dataset.check_codec(content.codec)
        held = self._bytes(place, content.data)
        manifest = Manifest(name, content.codec, content.summary, *held, files=tuple(content.files))
        before = self.numbers(name)
        fresh = self._once(place.bucket, place.manifest(manifest.version), manifest.encode())
        # a number is given to a manifest that is there: none of those before can be this one's
        return self._number(place, manifest, source, before[-1] if fresh and before else 0)

    def names(self) -> Iterator[str]:
        """Yield the names of all datasets."""
        for folder in self._objects.folders(self._layout.bucket, self._layout.datasets):
            name = folder.removeprefix(self._layout.datasets).rstrip("/")
            try:
                yield dataset.check_name(name)
            except SpecError:
                continue  # a folder that others keep there

    def numbers(self, name: str) -> list[int]:
        """Return the numbers of a dataset's versions, the oldest first."""
        place = self._place(name)
        found = []
        for meta in self._objects.list(place.bucket, place.versions, delimiter="/"):
            number = meta.name.removeprefix(place.versions).removesuffix(".json")
            if number.isascii() and number.isdigit() and meta.name == place.version(int(number)):
                found.append(int(number))
        return sorted(found)

    def version(self, name: str, number: int) -> Version:
        """Return what a number stands for.

        Raises
        ------
        SpecError
            When there is no such version; the message names those there are.
        """
        place = self._place(name)
        data = read(self._objects, place.bucket, place.version(number))
        if data is None:
            there = self.numbers(name)
            raise SpecError(f"there is no {name}@{number}", hint=_there_are(name, there))
        return records.read_version(data, name, number)

    def find(self, wanted: Wanted) -> Version:
        """Return the version that is meant; without a number, alias or digest the newest.

        Raises
        ------
        SpecError
            When there is none, or the digits fit several.
        """
        if wanted.alias:
            return self._agreed(self.aliases.get(wanted.name, wanted.alias))
        if wanted.number:
            return self.version(wanted.name, wanted.number)
        numbers = self.numbers(wanted.name)
        if not wanted.digest:
            if numbers:
                return self.version(wanted.name, numbers[-1])
            raise SpecError(f"there is no dataset {wanted.name}", hint=_there_are(wanted.name, ()))
        every = [self.version(wanted.name, number) for number in numbers]
        found = [version for version in every if version.manifest.startswith(wanted.digest)]
        if len(found) != 1:
            what = f"{len(found)} versions are" if found else "no version is"
            raise SpecError(f"{what} {wanted.text}", hint=_there_are(wanted.name, numbers))
        return found[0]

    def manifest(self, version: Version) -> Manifest:
        """Return the manifest of a version, when it and the bytes that it speaks of are there.

        Raises
        ------
        OutputsMissing
            When something is gone, or the object is not the one that was written.
        SpecError
            When the manifest is not that version's, or not one that may be read.
        """
        place = self._place(version.name)
        data = read(self._objects, place.bucket, place.manifest(version.manifest))
        if data is None:
            raise _gone(version, "its manifest is not in the bucket any more")
        found = records.read_manifest(data, version.name, version.manifest)
        meta = self._objects.stat(place.bucket, place.object(found.digest), generation=found.generation)
        if meta is None:
            raise _gone(version, "its bytes are not in the bucket any more")
        if meta.size_bytes != found.size_bytes or meta.digest not in ("", found.digest):
            raise _gone(version, f"its bytes are {meta.size_bytes:,}, not {found.size_bytes:,} as written")
        return found

    def download(self, manifest: Manifest, file: BinaryIO) -> None:
        """Write a version's bytes into ``file``, checked against its digest.

        Raises
        ------
        RemoteError
            When they are others; ``file`` must then be thrown away.
        """
        place = self._place(manifest.name)
        self._objects.download(
            place.bucket,
            place.object(manifest.digest),
            file,
            generation=manifest.generation,
            digest=manifest.digest,
        )

    def uri(self, name: str, digest: str) -> str:
        """Return where bytes of a dataset lie."""
        place = self._place(name)
        return place.uri(place.object(digest))

    def manifest_uri(self, version: Version) -> str:
        """Return where a version's manifest lies."""
        place = self._place(version.name)
        return place.uri(place.manifest(version.manifest))

    def _place(self, name: str) -> DatasetPlace:
        return self._layout.dataset(name)

    def _bytes(self, place: DatasetPlace, data: Union[bytes, BinaryIO]) -> tuple[str, int, int]:
        """Write the bytes under their digest; returns digest, length and generation."""
        digest, size = measure(data)
        meta: ObjectMeta = self._objects.create_content(place, data)
        return digest, size, meta.generation

    def _once(self, bucket: str, name: str, data: bytes) -> bool:
        """Write a record under a name that fits only these bytes; returns whether it was new."""
        try:
            self._objects.create(bucket, name, data, content_type=_JSON)
        except Conflict:
            return False
        return True

    def _agreed(self, alias: Alias) -> Version:
        found = self.version(alias.name, alias.number)
        if found.manifest != alias.manifest:
            raise SpecError(
                f"the alias {alias.name}@{alias.alias} names another content than {found.text}",
                hint="Name the version by its number; ask who moved the alias.",
            )
        return found

    def _number(
        self, place: DatasetPlace, manifest: Manifest, source: str, above: int
    ) -> tuple[Version, bool]:
        version = manifest.version
        for _ in range(_TRIES):
            numbers = self.numbers(manifest.name)
            for number in reversed([number for number in numbers if number > above]):
                there = self.version(manifest.name, number)
                if there.manifest == version:
                    return there, False
            own = Version(manifest.name, (numbers or [0])[-1] + 1, version, self._now(), self._by, source)
            try:
                self._objects.create(
                    place.bucket, place.version(own.number), own.encode(), content_type=_JSON
                )
            except Conflict:  # somebody took the number, perhaps for the same: look again
                continue
            return own, True
        raise Conflict(
            f"others keep putting versions of {manifest.name}", hint="Put it again.", service="storage"
        )


def _there_are(name: str, numbers: Sequence[int]) -> str:
    if not numbers:
        return f"Put one: %argovx dataset put {name} PATH; %argovx dataset list shows what there is."
    return f"Versions of {name}: {numbers[0]} to {numbers[-1]}; %argovx dataset show {name} lists them."


def _gone(version: Version, why: str) -> OutputsMissing:
    return OutputsMissing(
        f"dataset {version.text} cannot be used: {why}",
        hint="Put it again from where it came, or name another version.",
    )
