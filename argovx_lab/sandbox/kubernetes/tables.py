"""Objects as tables, for callers that ask for ``as=Table``: kubectl does, wherever people read.

Owns the Table object and which callers get it.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from argovx_lab.sandbox.http import Request
from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.history import encode
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import DEFINITIONS, Kind
from argovx_lab.sandbox.kubernetes.printers import columns_of
from argovx_lab.sandbox.kubernetes.registry import Registry

_INCLUDED: Final = ("None", "Metadata", "Object")


def wanted(request: Request) -> str:
    """Return the version of Table that a caller wants before plain JSON; empty for none."""
    for part in request.headers.get("accept", "").split(","):
        media, *pieces = [piece.strip() for piece in part.split(";")]
        options = dict(piece.partition("=")[::2] for piece in pieces)
        if media.lower() not in ("application/json", "*/*", "application/*"):
            continue
        if "as" not in options:
            return ""
        if options["as"] == "Table" and options.get("g") == "meta.k8s.io":
            version = options.get("v", "")
            if version in ("v1", "v1beta1"):
                return version
    return ""


class Table:
    """Makes tables of one kind for one request.

    Raises
    ------
    ApiError
        400 for an ``includeObject`` that is none.
    """

    def __init__(self, registry: Registry, request: Request, kind: Kind, version: str) -> None:
        self._kind, self._version, self._clock = kind, version, registry.clock
        self._include = request.param("includeObject") or "Metadata"
        if self._include not in _INCLUDED:
            raise status.bad_request(f"unrecognized includeObject value: {status.shown(self._include)}")
        record = registry.store.get(DEFINITIONS, "", kind.id) if kind.custom else None
        self._columns = columns_of(kind.id, record.object() if record is not None else None)

    def body(self, meta: Object, objects: Iterable[Object], *, head: bool = True) -> bytes:
        """Return a table of objects; ``head`` ``False`` leaves its columns out, as later ones of a watch."""
        now = self._clock.now()
        table: Object = {"kind": "Table", "apiVersion": f"meta.k8s.io/{self._version}", "metadata": meta}
        table["columnDefinitions"] = [column.definition() for column in self._columns] if head else None
        table["rows"] = [self._row(obj, now) for obj in objects]
        return encode(table)

    def events(self) -> Callable[[bytes], bytes]:
        """Return what makes a table of each object of a watch; the first one has the columns."""
        first = True

        def shape(raw: bytes) -> bytes:
            nonlocal first
            head, first = first, False
            obj = json.loads(raw)
            meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return self.body(meta, [obj], head=head)

        return shape

    def _row(self, obj: Object, now: datetime) -> Object:
        cells = [column.cell(obj, now) for column in self._columns]
        row: Object = {"cells": cells}
        if self._include == "Object":
            row["object"] = obj
        elif self._include == "Metadata":
            head = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{self._version}"}
            row["object"] = {**head, "metadata": obj["metadata"]}
        return row
