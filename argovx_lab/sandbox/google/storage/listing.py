"""Listing objects: prefix, delimiter, offsets, glob, versions and pages.

Owns the walk over names in the order of their UTF-8 bytes; a prefix is one seek, however many objects lie
below it. Source: https://cloud.google.com/storage/docs/json_api/v1/objects/list
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from typing import Final

from argovx_lab.sandbox.google.storage.catalog import Catalog, Stored
from argovx_lab.sandbox.google.storage.errors import invalid

#: Entries per page, items and prefixes together. Source: the page above.
PAGE_MAX: Final = 1000
#: Greater than every name that begins with the text it is appended to (but one that no editor can write).
_LAST: Final = "\U0010ffff"


@dataclass(frozen=True)
class Query:
    """What a listing asks for; names as in the API."""

    prefix: str = ""
    delimiter: str = ""
    trailing: bool = False
    start: str = ""
    end: str = ""
    token: str = ""
    limit: int = PAGE_MAX
    versions: bool = False
    glob: str = ""
    folder_prefixes: bool = False


@dataclass
class Page:
    """One page: objects, prefixes, and the token of the next page (empty on the last)."""

    items: list[Stored] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    token: str = ""

    @property
    def size(self) -> int:
        """Entries so far."""
        return len(self.items) + len(self.prefixes)


@dataclass(frozen=True)
class _Place:
    """Where a page ended: after a name (and generation) or after everything below a prefix."""

    name: str
    generation: int = 0
    is_prefix: bool = False

    def encode(self) -> str:
        text = json.dumps([self.name, self.generation, self.is_prefix], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, token: str) -> _Place:
        try:
            name, generation, is_prefix = json.loads(
                base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            )
            return cls(str(name), int(generation), bool(is_prefix))
        except (ValueError, TypeError, binascii.Error):
            raise invalid("Invalid page token.", "pageToken") from None


def page(catalog: Catalog, bucket: str, query: Query) -> Page:
    """Return one page of a listing.

    Raises
    ------
    StorageError
        400 for a page token that is not ours.
    """
    found = Page()
    place = _Place.decode(query.token) if query.token else None
    last = place
    for kind, name in _walk(catalog, bucket, query, place):
        if kind == "prefix":
            if found.size >= query.limit:
                found.token = last.encode() if last else ""
                return found
            found.prefixes.append(name)
            last = _Place(name, is_prefix=True)
            continue
        for stored in _generations(catalog, bucket, name, query.versions, place):
            if found.size >= query.limit:
                found.token = last.encode() if last else ""
                return found
            found.items.append(stored)
            last = _Place(name, stored.generation)
    return found


def _generations(
    catalog: Catalog, bucket: str, name: str, versions: bool, place: _Place | None
) -> Iterator[Stored]:
    seen = place.generation if place is not None and place.name == name and not place.is_prefix else 0
    old = catalog.noncurrent(bucket, name) if versions else []
    live = catalog.live(bucket, name)
    for stored in [*old, *([live] if live else [])]:
        if stored.generation > seen:
            yield stored


def _walk(catalog: Catalog, bucket: str, query: Query, place: _Place | None) -> Iterator[tuple[str, str]]:
    """Yield ``("prefix", text)`` and ``("name", text)`` in order, from a place on."""
    cursor, include = query.start, True
    if place is not None and place.name >= cursor:
        # versions of one name may be spread over pages, so the name itself is looked at again
        cursor = place.name + _LAST if place.is_prefix else place.name
        include = query.versions and not place.is_prefix
    last_prefix = place.name if place is not None and place.is_prefix else ""
    if (
        place is not None
        and not place.is_prefix
        and query.trailing
        and _prefix_of(place.name, query) == place.name
    ):
        # the page ended between an object that is named like its own prefix and that prefix
        if query.versions:
            yield "name", place.name
        yield "prefix", place.name
        last_prefix, cursor, include = place.name, place.name + _LAST, False
    pattern = glob_pattern(query.glob) if query.glob else None
    while True:
        for name in _names(catalog, bucket, query, cursor, include):
            if query.end and name >= query.end:
                return
            if pattern is not None and not pattern.fullmatch(name):
                continue
            folder = _prefix_of(name, query)
            if folder is None:
                yield "name", name
                continue
            if query.trailing and name == folder:
                yield "name", name
            if folder != last_prefix:
                yield "prefix", folder
            last_prefix, cursor, include = folder, folder + _LAST, False
            break
        else:
            return


def _prefix_of(name: str, query: Query) -> str | None:
    if not query.delimiter:
        return None
    place = name.find(query.delimiter, len(query.prefix))
    return name[: place + len(query.delimiter)] if place >= 0 else None


def _names(catalog: Catalog, bucket: str, query: Query, cursor: str, include: bool) -> Iterator[str]:
    """Yield names with the query's prefix, beginning at ``cursor`` or after it, each once."""
    if include and cursor and cursor.startswith(query.prefix):
        old = catalog.noncurrent(bucket, cursor) if query.versions else []
        if old or catalog.live(bucket, cursor) is not None:
            yield cursor
    sources: list[Iterator[str]] = [(stored.name for stored in catalog.objects(bucket, query.prefix, cursor))]
    if query.versions:
        sources.append(catalog.noncurrent_names(bucket, query.prefix, cursor))
    if query.folder_prefixes:
        sources.append(record["name"] for record in catalog.folders(bucket, query.prefix, cursor))
    for name, _ in groupby(merge(*sources)):
        yield name


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Translate ``matchGlob``: ``*`` and ``?`` stop at slashes, ``**`` does not; ``[...]``, ``{a,b}``.

    Raises
    ------
    StorageError
        400 for an unbalanced pattern.

    Notes
    -----
    Source: https://cloud.google.com/storage/docs/json_api/v1/objects/list#list-objects-and-prefixes-using-glob
    """
    out, at, depth = [], 0, 0
    while at < len(glob):
        char = glob[at]
        if glob.startswith("**", at):
            # "**/" also matches nothing, so that **/x finds x at the top
            whole = glob.startswith("**/", at)
            out.append("(?:.*/)?" if whole else ".*")
            at += 3 if whole else 2
            continue
        if char == "[":
            end = glob.find("]", at + 2)
            if end < 0:
                raise invalid(f"Invalid glob {glob[:80]!r}: '[' is not closed.", "matchGlob")
            out.append(_class(glob[at + 1 : end]))
            at = end + 1
            continue
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth < 0:
            break
        plain = "|" if char == "," and depth else re.escape(char)
        out.append({"*": "[^/]*", "?": "[^/]", "{": "(?:", "}": ")"}.get(char, plain))
        at += 1
    if depth:
        raise invalid(f"Invalid glob {glob[:80]!r}: braces are not balanced.", "matchGlob")
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        raise invalid(f"Invalid glob {glob[:80]!r}.", "matchGlob") from None


def _class(inside: str) -> str:
    """Return the regular expression of ``[inside]``."""
    body = re.escape(inside.lstrip("!^")).replace(r"\-", "-")
    return f"[{'^' if inside[0] in '!^' else ''}{body}]"
