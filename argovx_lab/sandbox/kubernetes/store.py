"""Objects in memory, written through to SQLite, with one revision counter for all kinds.

Owns persistence, the index and the histories; refuses to know rules of Kubernetes (``registry.py``).
Everything runs in one thread; a write that SQLite refuses changes nothing in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argovx_lab.sandbox.kubernetes import status
from argovx_lab.sandbox.kubernetes.history import BYTES_MAX, CHANGES_MAX, Change, History, Record, encode
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import Kind, Kinds

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (kind, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Store:
    """The API server's memory.

    Parameters
    ----------
    path : Path
        SQLite file, made with mode 0600 because signing keys lie in it. It survives a kill -9 of the
        process (write-ahead log); only a power cut may lose the last writes.
    changes_max, bytes_max : int
        Bounds of each kind's history.
    """

    def __init__(self, path: Path, *, changes_max: int = CHANGES_MAX, bytes_max: int = BYTES_MAX) -> None:
        path.touch(mode=0o600, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
        self._db.executescript(_SCHEMA)
        self.revision = int(self.setting("revision") or 1)
        self.kinds = Kinds()
        self._objects: dict[str, dict[tuple[str, str], Record]] = {kind.id: {} for kind in self.kinds}
        self._by_uid: dict[str, Record] = {}
        self._owned: dict[str, dict[str, Record]] = {}
        self._bounds = {"changes_max": changes_max, "bytes_max": bytes_max}
        self._load()
        self._histories = {kind.id: History(self.revision, **self._bounds) for kind in self.kinds}

    def _load(self) -> None:
        for name, body in self._db.execute("SELECT kind, body FROM objects"):
            kind = self.kinds.get(name)
            if kind is not None:
                self._index(record_of(kind, json.loads(body), bytes(body)))

    def serve(self, kind: Kind) -> None:
        """Keep objects of a kind from now on; those that lie in the database are there again."""
        known = self.kinds.get(kind.id) is not None
        self.kinds.add(kind)
        if known:
            return
        self._objects[kind.id], self._histories[kind.id] = {}, History(self.revision, **self._bounds)
        for (body,) in self._db.execute("SELECT body FROM objects WHERE kind = ?", (kind.id,)):
            self._index(record_of(kind, json.loads(body), bytes(body)))

    def unserve(self, kind: Kind) -> None:
        """Forget a kind without objects; its watches end."""
        self.kinds.remove(kind)
        self._objects.pop(kind.id, None)
        history = self._histories.pop(kind.id, None)
        if history is not None:
            history.end()

    def get(self, kind: Kind, namespace: str, name: str) -> Record | None:
        """Return one object's record; ``None`` when there is none."""
        return self._objects[kind.id].get((namespace, name))

    def by_uid(self, uid: str) -> Record | None:
        """Return the object with a uid; ``None`` when there is none."""
        return self._by_uid.get(uid)

    def owned_by(self, uid: str) -> list[Record]:
        """Return the objects that name ``uid`` as an owner."""
        return list(self._owned.get(uid, {}).values())

    def all(self) -> list[Record]:
        """Return every object."""
        return list(self._by_uid.values())

    def select(self, kind: Kind, namespace: str = "") -> list[Record]:
        """Return a kind's records sorted by namespace and name; empty ``namespace`` means all."""
        items = sorted(self._objects[kind.id].items())
        return [record for (place, _), record in items if not namespace or place == namespace]

    def history(self, kind: Kind) -> History:
        """Return what happened to a kind."""
        return self._histories[kind.id]

    def snapshot(self, kind: Kind, revision: int, namespace: str = "") -> list[Record]:
        """Return a kind's records as they were at ``revision``; 410 when that is no longer known."""
        state = dict(self._objects[kind.id])
        for change in reversed(self._histories[kind.id].since(revision)):
            last = change.before or change.after
            assert last is not None
            if change.before is None:
                state.pop((last.namespace, last.name), None)
            else:
                state[(last.namespace, last.name)] = change.before
        return [record for (place, _), record in sorted(state.items()) if not namespace or place == namespace]

    def put(self, kind: Kind, obj: Object, limit: int | None = None) -> Record:
        """Write an object under the next revision and return its record.

        Raises
        ------
        ApiError
            500 when it is over ``limit`` bytes, in etcd's words, or when the disk refuses.
        """
        revision = self.revision + 1
        obj["metadata"]["resourceVersion"] = str(revision)
        raw = encode(obj)
        if limit is not None and len(raw) > limit:
            raise ApiError(500, "InternalError", "etcdserver: request is too large")
        record = record_of(kind, obj, raw)
        self._write(
            revision,
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
            (kind.id, record.namespace, record.name, record.raw),
        )
        before = self.get(kind, record.namespace, record.name)
        if before is not None:
            self._forget(before)
        self._index(record)
        self._histories[kind.id].append(Change(revision, before, record))
        return record

    def remove(self, record: Record) -> int:
        """Remove an object under the next revision and return that; 500 when the disk refuses."""
        revision = self.revision + 1
        key = (record.kind, record.namespace, record.name)
        self._write(revision, "DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?", key)
        self._forget(record)
        self._histories[record.kind].append(Change(revision, record, None))
        return revision

    def setting(self, name: str) -> str:
        """Return a value that is no object (keys, tokens' digests); empty when not set."""
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_setting(self, name: str, value: str) -> None:
        """Write a value that is no object."""
        self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close the database file."""
        self._db.close()

    def _write(self, revision: int, statement: str, values: tuple[Any, ...]) -> None:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(statement, values)
            self.set_setting("revision", str(revision))
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise status.internal(f"the sandbox cannot write its store: {error}") from error
        self.revision = revision

    def _index(self, record: Record) -> None:
        self._objects[record.kind][(record.namespace, record.name)] = record
        self._by_uid[record.uid] = record
        for owner in record.owners:
            self._owned.setdefault(owner, {})[record.uid] = record

    def _forget(self, record: Record) -> None:
        self._objects[record.kind].pop((record.namespace, record.name), None)
        self._by_uid.pop(record.uid, None)
        for owner in record.owners:
            owned = self._owned.get(owner, {})
            owned.pop(record.uid, None)
            if not owned:
                self._owned.pop(owner, None)


def record_of(kind: Kind, obj: Object, raw: bytes) -> Record:
    """Return the record of an object whose metadata is already complete."""
    metadata = obj["metadata"]
    return Record(
        kind=kind.id,
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        revision=int(metadata["resourceVersion"]),
        raw=raw,
        uid=metadata["uid"],
        labels=metadata.get("labels") or {},
        fields={path: _field(obj, path) for path in kind.selectable},
        owners=tuple(owner["uid"] for owner in metadata.get("ownerReferences") or []),
    )


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
