"""The four levels of TensorBoard resources, and where they are kept.

Owns names, tables, what may be changed and listed at each level, and deletion with everything below.
Source: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.tensorboards
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.google.fields import Fields
from argovx_lab.sandbox.google.store import Store

Document = dict[str, Any]

_COMMON = {"name": "string", "display_name": "string", "create_time": "time", "update_time": "time"}
_ORDER = ("name", "display_name", "create_time", "update_time")


@dataclass(frozen=True)
class Level:
    """One level.

    Parameters
    ----------
    title : str
        As in the RPCs' names; the plural is ``plural_title``.
    segment : str
        Path segment of the collection.
    mutable, fixed : tuple of str
        Fields that an update may change, and fields given once at creation.
    permission : str
        The permissions' resource.
    """

    title: str
    plural_title: str
    segment: str
    mutable: tuple[str, ...]
    fixed: tuple[str, ...]
    fields: Fields
    parent: Level | None = None

    @property
    def field(self) -> str:
        """``tensorboard_run``: the field of requests and answers."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", self.title).lower()

    @property
    def plural_field(self) -> str:
        """``tensorboard_runs``: the field of list answers."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", self.plural_title).lower()

    @property
    def pattern(self) -> str:
        """The shape of a name."""
        above = self.parent.pattern if self.parent else "projects/{project}/locations/{location}"
        return f"{above}/{self.segment}/{{{self.field}}}"

    @property
    def table(self) -> str:
        """Where the resources are, by canonical name."""
        return f"tb.{self.segment}"

    @property
    def below(self) -> Level | None:
        """The next level down."""
        return next((level for level in LEVELS if level.parent is self), None)


_LABELLED = ("display_name", "description", "labels")
BOARD = Level(
    "Tensorboard",
    "Tensorboards",
    "tensorboards",
    (*_LABELLED, "is_default"),
    (),
    Fields({**_COMMON, "labels": "labels", "is_default": "bool"}, _ORDER),
)
EXPERIMENT = Level(
    "TensorboardExperiment",
    "TensorboardExperiments",
    "experiments",
    _LABELLED,
    ("source",),
    Fields({**_COMMON, "labels": "labels", "source": "string"}, _ORDER),
    BOARD,
)
RUN = Level(
    "TensorboardRun",
    "TensorboardRuns",
    "runs",
    _LABELLED,
    (),
    Fields({**_COMMON, "labels": "labels"}, _ORDER),
    EXPERIMENT,
)
SERIES = Level(
    "TensorboardTimeSeries",
    "TensorboardTimeSeries",
    "timeSeries",
    ("description",),
    ("display_name", "value_type", "plugin_name", "plugin_data"),
    Fields({**_COMMON, "value_type": "enum", "plugin_name": "string"}, _ORDER),
    RUN,
)
LEVELS = (BOARD, EXPERIMENT, RUN, SERIES)
#: Points of a series, below ``NAME|STEP``.
POINTS = "tb.points"


class Boards:
    """All TensorBoard state."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.db = store
        self._clock = clock

    def get(self, level: Level, name: str) -> Document | None:
        """Return a resource, or ``None``."""
        return self.db.get(level.table, name)

    def put(self, level: Level, resource: Document) -> Document:
        """Write a resource with a new etag and update time; return it."""
        now = rfc3339(self._clock.now(), fraction=True)
        number = self.db.next_id("tb.etags")
        written = {"create_time": now, **resource, "update_time": now, "etag": str(number)}
        self.db.put(level.table, resource["name"], written)
        return written

    def within(self, level: Level, parent: str) -> list[Document]:
        """Return the resources right below a parent, the oldest first."""
        found = [doc for _, doc in self.db.scan(level.table, f"{parent}/{level.segment}/")]
        return sorted(found, key=lambda doc: doc["create_time"])

    def remove(self, level: Level, name: str) -> None:
        """Remove a resource and everything below it."""
        with self.db.transaction():
            self.db.delete(level.table, name)
            lower = level.below
            while lower is not None:
                for key, _ in list(self.db.scan(lower.table, f"{name}/")):
                    self.db.delete(lower.table, key)
                lower = lower.below
            for key, _ in list(self.db.scan(POINTS, f"{name}/")):
                self.db.delete(POINTS, key)
            for key, _ in list(self.db.scan(POINTS, f"{name}|")):
                self.db.delete(POINTS, key)

    def point(self, series: str, step: int, point: Document) -> None:
        """Write one point; the same step overwrites."""
        # steps may be negative: shifted, they sort as text
        self.db.put(POINTS, f"{series}|{step + 2**63:020d}", point)

    def points(self, series: str) -> list[Document]:
        """Return the points of a series in the order of their steps."""
        return [point for _, point in self.db.scan(POINTS, f"{series}|")]
