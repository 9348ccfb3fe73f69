"""Mutexes and semaphores over all workflows of the engine.

The table is rebuilt from ``status.synchronization`` of all workflows when the engine starts, so it holds
nothing that the objects do not say. Order of waiting: as asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: A lock's name as Argo spells it: ``ns/Mutex/name`` or ``ns/ConfigMap/name/key``.
Holder = str


class Locks:
    """Who holds and who waits for what."""

    def __init__(self) -> None:
        self.holders: dict[str, list[Holder]] = {}
        self.waiting: dict[str, list[Holder]] = {}

    def load(self, workflows: Iterable[Mapping[str, Any]]) -> None:
        """Take over what the statuses of all workflows say."""
        for workflow in workflows:
            state = (workflow.get("status") or {}).get("synchronization") or {}
            for kind, key in (("mutex", "holder"), ("semaphore", "holders")):
                for entry in (state.get(kind) or {}).get("holding") or []:
                    held = entry[key] if isinstance(entry[key], list) else [entry[key]]
                    names = self.holders.setdefault(entry[kind], [])
                    names.extend(f"{workflow['metadata'].get('namespace', '')}/{h}" for h in held)

    def acquire(self, name: str, holder: Holder, limit: int) -> bool:
        """Take a lock if it is free and the holder is next in line; idempotent."""
        held, line = self.holders.setdefault(name, []), self.waiting.setdefault(name, [])
        if holder in held:
            return True
        if holder not in line:
            line.append(holder)
        if len(held) >= limit or line.index(holder) >= limit - len(held):
            return False
        line.remove(holder)
        held.append(holder)
        return True

    def free(self, name: str, limit: int) -> int:
        """Return how many of a lock's places are free."""
        return max(0, limit - len(self.holders.get(name, [])))

    def release(self, holder: Holder) -> bool:
        """Give back everything a holder has or waits for; tell whether that freed a place."""
        freed = False
        for table in (self.holders, self.waiting):
            for names in table.values():
                if holder in names:
                    names.remove(holder)
                    freed = freed or table is self.holders
        return freed

    def release_all(self, prefix: str) -> None:
        """Give back everything of the holders that start with ``prefix`` (a workflow that is gone)."""
        for table in (self.holders, self.waiting):
            for holder in {h for names in table.values() for h in names if h.startswith(prefix)}:
                self.release(holder)

    def of(self, prefix: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Return what the holders that start with ``prefix`` hold and wait for, prefix cut off."""
        found: list[dict[str, list[str]]] = []
        for table in (self.holders, self.waiting):
            mine = {
                n: [h.removeprefix(prefix) for h in hs if h.startswith(prefix)] for n, hs in table.items()
            }
            found.append({n: hs for n, hs in mine.items() if hs})
        return found[0], found[1]
