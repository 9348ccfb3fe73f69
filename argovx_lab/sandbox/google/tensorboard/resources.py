"""Create, get, list, update and delete at every level of TensorBoard.

Owns ids, uniqueness of display names, the one default instance of a region, and etags. Encryption is refused
by name.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from argovx_lab.sandbox.google.errors import GoogleError, invalid, not_found, unimplemented
from argovx_lab.sandbox.google.filters import Comparison, matches
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.jobs.validation import labels
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.operations import Operations
from argovx_lab.sandbox.google.paging import masked, page
from argovx_lab.sandbox.google.tensorboard.levels import BOARD, LEVELS, RUN, SERIES, Boards, Level

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_AI = "google.cloud.aiplatform.v1."
#: Most requests of one batch create. Source: BatchCreateTensorboard*Request.requests.
BATCH_MAX = 1000


class Resources:
    """The methods of resources."""

    def __init__(self, boards: Boards, project: Project, operations: Operations) -> None:
        self._boards = boards
        self._project = project
        self._operations = operations

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        prefix = f"/{_AI}TensorboardService/"
        found: dict[str, Handler] = {
            prefix + "BatchCreateTensorboardRuns": self.batch_runs,
            prefix + "BatchCreateTensorboardTimeSeries": self.batch_series,
        }
        for level in LEVELS:
            for verb, title, work in (
                ("Create", level.title, self._create),
                ("Get", level.title, self._get),
                ("List", level.plural_title, self._list),
                ("Update", level.title, self._update),
                ("Delete", level.title, self._delete),
            ):
                found[f"{prefix}{verb}{title}"] = _bound(work, level)
        return found

    def require(self, level: Level, name: str, field: str = "name") -> Document:
        """Return a resource that exists."""
        self._project.parse(level.pattern, name, field)
        canonical = self._project.canonical(name)
        found = self._boards.get(level, canonical)
        if found is None:
            raise not_found(f"The {level.title} '{canonical}' is not found.")
        return found

    def board_exists(self, name: str) -> bool:
        """Say whether an instance of this name is there."""
        return self._boards.get(BOARD, self._project.canonical(name)) is not None

    def _parent(self, level: Level, message: Document) -> str:
        parent = message.get("parent", "")
        if level.parent is None:
            self._project.location(parent)
            return self._project.canonical(parent)
        return str(self.require(level.parent, parent, "parent")["name"])

    async def _create(self, level: Level, message: Document) -> Document:
        made = self._new(level, message)
        if level is not BOARD:
            return made
        metadata = _AI + "CreateTensorboardOperationMetadata"
        return self._operations.start(made["name"], metadata, _AI + "Tensorboard", made)

    def _new(self, level: Level, message: Document) -> Document:
        parent = self._parent(level, message)
        wanted = message.get(level.field) or {}
        if wanted.get("encryption_spec"):
            raise unimplemented(f"'{level.field}.encryption_spec'")
        given = message.get(f"{level.field}_id", "")
        if given and not _ID.fullmatch(given):
            field = f"{level.field}_id"
            raise invalid(f"Invalid {field} '{given}': up to 128 of a-z, 0-9 and -.", [field])
        if not given and level not in (BOARD, SERIES):
            raise invalid(f"{level.field}_id is required.", [f"{level.field}_id"])
        name = f"{parent}/{level.segment}/{given or self._number()}"
        kept = {f: wanted[f] for f in (*level.mutable, *level.fixed) if wanted.get(f)}
        self._check(level, kept)
        self._check_unique(level, parent, name, kept)
        with self._boards.db.transaction():
            if kept.get("is_default"):
                self._only_default(parent)
            return self._boards.put(level, {"name": name, **kept})

    def _number(self) -> str:
        return str(1_000_000_000_000_000_000 + self._boards.db.next_id("tb.ids"))

    def _check(self, level: Level, kept: Document) -> None:
        for field, problem in labels(kept):
            raise invalid(problem, [field])
        if level in (BOARD, SERIES, RUN) and not kept.get("display_name"):
            raise invalid("display_name is required.", [f"{level.field}.display_name"])
        if level is SERIES and kept.get("value_type") != "SCALAR":
            kind = kept.get("value_type", "VALUE_TYPE_UNSPECIFIED")
            if kind in ("TENSOR", "BLOB_SEQUENCE"):
                raise unimplemented(f"time series of type {kind}", "SCALAR works.")
            raise invalid("value_type is required.", ["tensorboard_time_series.value_type"])

    def _check_unique(self, level: Level, parent: str, name: str, kept: Document) -> None:
        taken = self._boards.get(level, name) is not None
        if level in (RUN, SERIES):
            others = self._boards.within(level, parent)
            taken = taken or any(o["display_name"] == kept["display_name"] for o in others)
        if taken:
            raise GoogleError(
                "ALREADY_EXISTS", f"{level.title} '{name}' already exists, or its display name does."
            )

    def _only_default(self, parent: str) -> None:
        for board in self._boards.within(BOARD, parent):
            if board.get("is_default"):
                self._boards.put(BOARD, {**board, "is_default": False})

    async def _get(self, level: Level, message: Document) -> Document:
        return self.require(level, message.get("name", ""))

    async def _list(self, level: Level, message: Document) -> Document:
        parent = self._parent(level, message)
        fields = level.fields
        expression = fields.parse(message.get("filter", ""))

        def leaf(part: object, document: object) -> bool:
            assert isinstance(document, dict)
            return isinstance(part, Comparison) and fields.compare(part, document)

        found = [doc for doc in self._boards.within(level, parent) if matches(expression, doc, leaf)]
        ordered = fields.sort([*found], message.get("order_by", ""), "create_time")
        chosen, token = page(ordered, message)
        known = ("name", *level.mutable, *level.fixed, "create_time", "update_time", "etag", "metadata")
        shown = [masked(doc, message.get("read_mask"), known) for doc in chosen]
        return {level.plural_field: shown, "next_page_token": token}

    async def _update(self, level: Level, message: Document) -> Document:
        wanted = message.get(level.field) or {}
        present = self.require(level, wanted.get("name", ""), f"{level.field}.name")
        if wanted.get("etag") and wanted["etag"] != present["etag"]:
            raise GoogleError("ABORTED", f"The etag of {level.title} '{present['name']}' does not match.")
        mask = message.get("update_mask") or [f for f in level.mutable if wanted.get(f)]
        changed = dict(present)
        for path in level.mutable if "*" in mask else mask:
            if path not in level.mutable:
                raise invalid(
                    f"Invalid field mask: '{path}' is no field that can be changed.", ["update_mask"]
                )
            changed[path] = wanted.get(path)
        changed = {field: value for field, value in changed.items() if value is not None}
        self._check(level, changed)
        with self._boards.db.transaction():
            if changed.get("is_default") and not present.get("is_default"):
                self._only_default(present["name"].rpartition("/tensorboards/")[0])
            written = self._boards.put(level, changed)
        if level is not BOARD:
            return written
        metadata = _AI + "UpdateTensorboardOperationMetadata"
        return self._operations.start(written["name"], metadata, _AI + "Tensorboard", written)

    async def _delete(self, level: Level, message: Document) -> Document:
        name = self.require(level, message.get("name", ""))["name"]
        self._boards.remove(level, name)
        metadata = _AI + "DeleteOperationMetadata"
        return self._operations.start(name, metadata, "google.protobuf.Empty", {})

    async def batch_runs(self, _: Call, message: Document) -> Document:
        """Create several runs, all or none."""
        return self._batch(RUN, message, "")

    async def batch_series(self, _: Call, message: Document) -> Document:
        """Create several time series of the runs of one experiment, all or none."""
        return self._batch(SERIES, message, "/runs/")

    def _batch(self, level: Level, message: Document, below: str) -> Document:
        parent = self._project.canonical(message.get("parent", ""))
        requests = message.get("requests", [])
        if not 0 < len(requests) <= BATCH_MAX:
            raise invalid(f"A batch has 1 to {BATCH_MAX} requests, not {len(requests)}.", ["requests"])
        for i, request in enumerate(requests):
            above = self._project.canonical(request.setdefault("parent", parent))
            if above != parent and not (below and above.startswith(parent + below)):
                raise invalid(f"requests[{i}].parent '{above}' is not '{parent}'.", ["requests.parent"])
        with self._boards.db.transaction():
            return {level.plural_field: [self._new(level, request) for request in requests]}


def _bound(work: Callable[[Level, Document], Awaitable[Document]], level: Level) -> Handler:
    async def handler(_: Call, message: Document) -> Document:
        return await work(level, message)

    return handler
