"""A live mirror of the namespace's Workflows: list, then watch, and list again when the watch is lost.

Owns continuity: whatever breaks off (410, reset, silence), the mirror converges to the server's state
again, and says how long it has not heard. One of three places that may sleep.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from argovx_lab.errors import ArgovxError, Conflict, InternalError

logger = logging.getLogger(__name__)

Object = dict[str, Any]

#: First and longest pause after a failure, and after a round that brought nothing. Unit: seconds.
BACKOFF_S = (0.2, 10.0)

#: A watch that lasted so long ended as watches do, silent or not: its end says nothing bad. Unit: seconds.
LASTED_S = 10.0


class Source(Protocol):
    """What is mirrored."""

    def list_workflows(self, label_selector: str = "") -> tuple[list[Object], str]:
        """Return all objects and the list's resourceVersion."""

    def watch_workflows(self, resource_version: str) -> Iterator[tuple[str, Object]]:
        """Yield ``(type, object)`` for each change."""


class Reflector:
    """Mirrors Workflows in a thread of its own.

    Parameters
    ----------
    revive : callable, optional
        Called before each new try after a failure, for an API server that can be started again.
    """

    def __init__(self, source: Source, revive: Callable[[], None] | None = None) -> None:
        self._source = source
        self._revive = revive
        self._listeners: list[Callable[[Iterable[str]], None]] = []
        self._objects: dict[str, Object] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._synced = threading.Event()
        self._heard_at = 0.0
        self._pause_s = BACKOFF_S[0]
        self._error: ArgovxError | None = None
        self._thread = threading.Thread(target=self._run, name="argovx-reflector", daemon=True)

    def listen(self, listener: Callable[[Iterable[str]], None]) -> None:
        """Call ``listener`` with the uids that changed, in the reflector's thread; it must return soon."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin mirroring."""
        self._thread.start()

    def stop(self) -> None:
        """End mirroring; the thread ends with its present request."""
        self._stop.set()

    def wait_synced(self, timeout_s: float) -> bool:
        """Wait until the first list is in; tell whether it is."""
        return self._synced.wait(timeout_s)

    @property
    def objects(self) -> list[Object]:
        """All Workflows as last seen; treat them as read-only."""
        with self._lock:
            return list(self._objects.values())

    @property
    def stale_s(self) -> float:
        """Seconds since the API server was last heard while something is wrong; 0 while live."""
        if self._error is None:
            return 0.0
        return time.monotonic() - self._heard_at if self._heard_at else float("inf")

    @property
    def error(self) -> ArgovxError | None:
        """What is wrong at present, or ``None``."""
        return self._error

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow(self._relist())
            except Conflict:
                logger.debug("watch: the resourceVersion is too old, listing again")
                self._pause()
            except ArgovxError as error:
                self._rest(error)
            except Exception:
                logger.exception("watch: the Kubernetes API sent what nobody expected")
                self._rest(InternalError("the Workflows cannot be read; the log tells more"))

    def _pause(self) -> None:
        """Wait, longer each time until something is heard again: no server may make this spin."""
        self._stop.wait(self._pause_s * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, not a secret)
        self._pause_s = min(self._pause_s * 2, BACKOFF_S[1])

    def _rest(self, error: ArgovxError) -> None:
        """Say what is wrong and pause."""
        self._fail(error)
        self._pause()
        if self._revive is not None and not self._stop.is_set():
            try:
                self._revive()
            except ArgovxError as failure:
                logger.warning("watch: the API server cannot be started again: %s", failure.message)

    def _relist(self) -> str:
        items, version = self._source.list_workflows()
        fresh = {item["metadata"]["uid"]: item for item in items}
        with self._lock:
            changed = {
                uid
                for uid in fresh.keys() | self._objects.keys()
                if _version(fresh.get(uid)) != _version(self._objects.get(uid))
            }
            self._objects = fresh
        self._heard()
        self._synced.set()
        if changed:
            self._changed(changed)
        return version

    def _follow(self, version: str) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            for kind, obj in self._source.watch_workflows(version):
                self._heard()
                version = obj["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self._pause_s = BACKOFF_S[0]
                    self._apply(kind, obj)
                if self._stop.is_set():
                    return
            if time.monotonic() - began >= LASTED_S:
                self._pause_s = BACKOFF_S[0]
            self._pause()

    def _apply(self, kind: str, obj: Object) -> None:
        uid = obj["metadata"]["uid"]
        with self._lock:
            if kind == "DELETED":
                self._objects.pop(uid, None)
            else:
                self._objects[uid] = obj
        self._changed([uid])

    def _changed(self, uids: Iterable[str]) -> None:
        for listener in self._listeners:
            listener(uids)

    def _heard(self) -> None:
        self._heard_at = time.monotonic()
        self._error = None

    def _fail(self, error: ArgovxError) -> None:
        if self._error is None:
            logger.info("watch: lost the Kubernetes API: %s", error.message)
            self._error = error
            self._changed([])
        self._error = error


def _version(obj: Object | None) -> str:
    return "" if obj is None else str(obj["metadata"]["resourceVersion"])
