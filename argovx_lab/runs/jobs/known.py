"""What is known of one custom job outside the steps: its document, log, experiment and curves.

Owns when experiment and curves are read again. TensorBoard and ML Metadata allow thousands of reads a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from argovx_lab.errors import ArgovxError
from argovx_lab.runs.jobs import experiment
from argovx_lab.runs.jobs.alone import number_of
from argovx_lab.runs.jobs.board import Board, Boards
from argovx_lab.runs.jobs.log import Entries, JobLog
from argovx_lab.runs.shapes import text
from argovx_lab.vertex.states import is_terminal

logger = logging.getLogger(__name__)

Job = Mapping[str, Any]

#: Least time between two reads of one job that runs. Unit: seconds.
FRESH_S = 5.0

#: How long after its end a job's curves may still grow: Vertex uploads them after the fact.
SETTLED = timedelta(minutes=2)


class Jobs(Protocol):
    """What is needed of Vertex."""

    def page(self, filter_text: str = "", token: str = "") -> tuple[list[dict[str, Any]], str]:
        """Return one page of jobs."""

    def get(self, name: str) -> dict[str, Any]:
        """Return a job; :class:`NotFound` when it is not there."""

    def console_url(self, name: str) -> str:
        """Return the page of a job in the console."""


@dataclass(frozen=True)
class Ends:
    """Whom it asks."""

    jobs: Jobs
    metadata: experiment.Metadata
    boards: Boards
    logs: Entries


@dataclass(frozen=True)
class Bounds:
    """What is listed, and how often. Unit of ``every_s``: seconds.

    Parameters
    ----------
    newest : int
        How many jobs are shown; 0 for none.
    only : str
        Filter of Vertex' list (AIP-160), such as ``labels.team=vision``; empty for all.
    """

    newest: int = 50
    only: str = ""
    every_s: float = 20.0


@dataclass
class Known:
    """What was heard of one job."""

    job: Job
    log: JobLog
    board: Board = field(default_factory=Board)
    logged: experiment.Logged | None = None
    detail_at: float = float("-inf")
    detail_after_end: bool = False
    asking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ended(self) -> bool:
        """Whether Vertex will do no more for it."""
        return is_terminal(text(self.job.get("state")))

    @property
    def age(self) -> timedelta:
        """How long ago it ended, by this machine's clock; none where nobody says when."""
        try:
            ended = datetime.fromisoformat(text(self.job.get("endTime")))
        except ValueError:
            return timedelta(0)
        return datetime.now(UTC) - (ended if ended.tzinfo else ended.replace(tzinfo=UTC))

    def detail(self, ends: Ends, every_s: float) -> None:
        """Read experiment and curves, where that is due.

        Parameters
        ----------
        every_s : float
            Time between two rounds; while a job runs it is read more often for whoever looks at it.
        """
        with self.asking:
            pause = every_s if self.ended else min(every_s / 4, FRESH_S)
            if self.detail_after_end or time.monotonic() - self.detail_at < pause * 0.9:
                return
            number, settled = number_of(self.job), self.ended and self.age > SETTLED
            try:
                self.logged = experiment.read(ends.metadata, self.job) or self.logged
                board_run = self.logged.board_run if self.logged else ""
                self.board.read(ends.boards, self.job, number, board_run)
            except ArgovxError as error:
                logger.info("could not read the curves of %s: %s", number, error.message)
                settled = False
            self.detail_at, self.detail_after_end = time.monotonic(), settled
