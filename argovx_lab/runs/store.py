"""Runs with revisions, and the ring of changes that views catch up from.

Owns revision and sequence numbers. One writer (``follow``), many readers in any thread; a reader
whose place in the ring is gone gets a snapshot.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from argovx_lab.model.run import Node, Run, to_json
from argovx_lab.runs.shapes import digits

#: Messages kept for views that reconnect. Unit: messages.
RING_MAX = 2000

Message = dict[str, Any]
Listener = Callable[[], None]


@dataclass(frozen=True)
class Place:
    """Where a reader stands: the process' epoch and the last sequence number that it has seen."""

    epoch: str
    seq: int

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read ``EPOCH.SEQ``; anything else counts as a reader who has seen nothing."""
        epoch, _, seq = text.rpartition(".")
        return cls(epoch, int(seq)) if epoch and digits(seq) else cls("", 0)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.seq}"


class RunStore:
    """All runs of one namespace."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(4)
        self._seq = 0
        self._runs: dict[str, Run] = {}
        self._ring: deque[Message] = deque(maxlen=RING_MAX)
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()

    def get(self, run_id: str) -> Run | None:
        """Return a run, or ``None`` when there is none of that id."""
        with self._lock:
            return self._runs.get(run_id)

    def all(self) -> list[Run]:
        """Return all runs, newest first."""
        with self._lock:
            return sorted(self._runs.values(), key=lambda run: run.created_at or "", reverse=True)

    def put(self, run: Run) -> Run:
        """Store a merged run; the revision grows only when something changed."""
        with self._lock:
            old = self._runs.get(run.id)
            fresh = replace(run, revision=old.revision if old else 0)
            if fresh == old:
                return old
            fresh = replace(fresh, revision=fresh.revision + 1)
            self._runs[run.id] = fresh
            self._append(_delta(old, fresh))
        self._wake()
        return fresh

    def remove(self, run_id: str) -> None:
        """Forget a run whose Workflows are all gone."""
        with self._lock:
            if self._runs.pop(run_id, None) is None:
                return
            self._append({"run": run_id, "revision": 0, "upsert": None, "nodes": [], "remove": []})
        self._wake()

    def since(self, place: Place) -> tuple[list[Message], Place]:
        """Return what a reader has missed and its new place; whole runs when the gap is too old."""
        with self._lock:
            here = Place(self.epoch, self._seq)
            oldest = self._ring[0]["seq"] if self._ring else self._seq + 1
            if place.epoch == self.epoch and oldest - 1 <= place.seq <= self._seq:
                return [message for message in self._ring if message["seq"] > place.seq], here
            runs = sorted(self._runs.values(), key=lambda run: run.created_at or "")
            return [self._stamp(_delta(None, run), self._seq) for run in runs], here

    @property
    def watched(self) -> bool:
        """Whether anybody listens now."""
        return bool(self._listeners)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` after each change, in the writer's thread; returns how to end that."""
        with self._lock:
            self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _append(self, message: Message) -> None:
        self._seq += 1
        self._ring.append(self._stamp(message, self._seq))

    def _stamp(self, message: Message, seq: int) -> Message:
        return {"epoch": self.epoch, "seq": seq, **message}

    def _wake(self) -> None:
        for listener in list(self._listeners):
            listener()


def _delta(old: Run | None, new: Run) -> Message:
    """Return the run's head always, but only those nodes that changed."""
    before: dict[str, Node] = {node.id: node for node in old.nodes} if old else {}
    after = {node.id: node for node in new.nodes}
    changed = [to_json(node) for node in new.nodes if before.get(node.id) != node]
    head = to_json(replace(new, nodes=()))
    return {
        "run": new.id,
        "revision": new.revision,
        "upsert": head,
        "nodes": changed,
        "remove": sorted(before.keys() - after.keys()),
    }
