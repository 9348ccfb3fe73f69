"""What every part of the launcher works with: clients, events, and waiting that a signal cuts short.

Owns the signal handling. ``SIGTERM`` only sets a mark; what it means is decided in ``cancel.py``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from argovx_lab.identity.http import Transport
from argovx_lab.identity.session import Session
from argovx_lab.launcher.events import Events
from argovx_lab.launcher.faults import Faults
from argovx_lab.launcher.kubernetes import PATIENCE, Kubernetes
from argovx_lab.launcher.pace import Pace
from argovx_lab.launcher.settings import Settings
from argovx_lab.storage.objects import Objects
from argovx_lab.vertex.jobs import Jobs
from argovx_lab.vertex.metadata import Metadata
from argovx_lab.vertex.permissions import Permissions


class Interrupted(BaseException):
    """``SIGTERM`` arrived; not an error, and nothing that handles errors may swallow it."""


class Interrupt:
    """The mark that ``SIGTERM`` sets. Argo sends it twice; the second changes nothing."""

    def __init__(self) -> None:
        self._mark = threading.Event()
        self._never = threading.Event()
        self._heard = False

    def clock(self) -> float:
        """Return seconds on a clock that only goes forward."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since 1970, on the clock that pods share."""
        return time.time()

    def deadline(self, seconds: float) -> Deadline:
        """Return the point in so many seconds."""
        return Deadline(seconds, self.clock)

    def install(self) -> None:
        """Take over ``SIGTERM`` and ``SIGINT``."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)

    def _set(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._mark.set()

    def check(self) -> None:
        """Raise when the mark is set and nobody has taken it up yet.

        Raises
        ------
        Interrupted
            Once.
        """
        if self._mark.is_set() and not self._heard:
            self._heard = True
            raise Interrupted

    def wait(self, seconds: float) -> None:
        """Pause; the mark cuts it short and raises.

        Raises
        ------
        Interrupted
            As :meth:`check`.
        """
        if self._heard:
            self._never.wait(seconds)
            return
        self._mark.wait(seconds)
        self.check()

    def wait_quietly(self, seconds: float) -> None:
        """Pause between tries of one request; the mark cuts it short, and the request ends in its own way."""
        (self._never if self._heard else self._mark).wait(seconds)


class Deadline:
    """A point in the future.

    Parameters
    ----------
    seconds : float
        From now.
    clock : callable
        Returns seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + seconds

    @property
    def passed(self) -> bool:
        """Whether it lies behind."""
        return self._clock() >= self._end


@dataclass
class Context:
    """The launcher's clients."""

    settings: Settings
    interrupt: Interrupt
    events: Events
    faults: Faults
    session: Session
    kubernetes: Kubernetes
    objects: Objects
    pace: Pace
    jobs: Jobs
    metadata: Metadata
    permissions: Permissions


def connect(settings: Settings, events: Events, interrupt: Interrupt) -> Context:
    """Build all clients; nothing is sent yet."""
    faults = Faults(settings.faults, settings.faults_log, settings.times.hang_s)
    session = Session(settings.federation, observer=faults, wait=interrupt.wait_quietly)
    cluster = Transport(f"{settings.kubernetes_dir}/ca.crt", observer=faults, wait=interrupt.wait_quietly)
    objects = Objects(session, settings.storage_url)
    where = (session, settings.aiplatform_url, settings.project, settings.region)
    return Context(
        settings=settings,
        interrupt=interrupt,
        events=events,
        faults=faults,
        session=session,
        kubernetes=Kubernetes(
            settings.kubernetes_url,
            settings.kubernetes_dir,
            settings.namespace,
            cluster,
            settings.times.patience(PATIENCE),
        ),
        objects=objects,
        pace=Pace(objects, settings.layout, settings.times.creates_per_minute),
        jobs=Jobs(*where),
        metadata=Metadata(*where),
        permissions=Permissions(session, settings.resourcemanager_url, settings.iam_url),
    )
