"""Preconditions: the four query parameters, for objects and for the sources of copies, and entity tags.

Owns their meaning and the status that follows: 412, or 304 for reads of what the client already has.
Source: https://cloud.google.com/storage/docs/request-preconditions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from argovx_lab.sandbox.google.storage.errors import condition_not_met, invalid, not_modified

#: Suffixes after ``if`` or ``ifSource``.
_KINDS = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
NAMES = frozenset(f"if{kind}" for kind in _KINDS)
SOURCE_NAMES = frozenset(f"ifSource{kind}" for kind in _KINDS)
BUCKET_NAMES = frozenset({"ifMetagenerationMatch", "ifMetagenerationNotMatch"})


@dataclass(frozen=True)
class Preconditions:
    """What the client demands of the present state; ``None`` demands nothing."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, str], head: str = "if") -> Preconditions:
        """Read query parameters; ``head`` is ``if`` or ``ifSource``.

        Raises
        ------
        StorageError
            400, when one is not a number.
        """
        return cls(*(number(f"{head}{kind}", values.get(f"{head}{kind}")) for kind in _KINDS))

    def check(self, generation: int, metageneration: int, *, etag: str = "", read: bool = False) -> None:
        """Refuse unless all demands hold.

        Parameters
        ----------
        generation, metageneration : int
            Of the object that is there; 0 and 0 when there is none.
        etag : str
            For 304.
        read : bool
            A read answers 304 where a write answers 412 to a "not match".

        Raises
        ------
        StorageError
            412 or 304.
        """
        if self.generation is not None and self.generation != generation:
            raise condition_not_met("ifGenerationMatch")
        if self.metageneration is not None and (not generation or self.metageneration != metageneration):
            raise condition_not_met("ifMetagenerationMatch")
        same = self.not_generation is not None and self.not_generation == generation
        same_meta = bool(generation) and self.not_metageneration == metageneration
        if read and (same or same_meta) and generation:
            raise not_modified(etag)
        if same:
            raise condition_not_met("ifGenerationNotMatch")
        if same_meta:
            raise condition_not_met("ifMetagenerationNotMatch")

    def to_dict(self) -> dict[str, int | None]:
        """Return the fields, to be kept with a resumable upload."""
        return dict(vars(self))


def check_tags(headers: Mapping[str, str], etag: str) -> None:
    """Compare ``If-Match`` and ``If-None-Match`` of a read with an entity tag.

    Raises
    ------
    StorageError
        412 or 304.
    """
    if "if-match" in headers and not _tags(headers["if-match"]) & {etag, "*"}:
        raise condition_not_met("If-Match")
    if "if-none-match" in headers and _tags(headers["if-none-match"]) & {etag, "*"}:
        raise not_modified(etag)


def _tags(header: str) -> set[str]:
    return {tag.strip().strip('"') for tag in header.split(",")}


def number(name: str, text: str | None) -> int | None:
    """Return a query parameter as a whole number, ``None`` when it is absent.

    Raises
    ------
    StorageError
        400, naming the parameter.
    """
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise invalid(f"Invalid unsigned value: '{text[:40]}'.", name)
    return int(text)
