"""The state of the Google end: tables of JSON documents in one SQLite file, cached in memory.

Owns durability: a transaction is on disk when its ``with`` block ends, so a killed process loses
nothing that was answered. It is used from one thread (the event loop's) and refuses nested
transactions; readers within one see their own writes.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (tab TEXT, key TEXT, value TEXT, PRIMARY KEY (tab, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
"""
#: Sorts after every character that keys are made of.
_LAST = "\U0010ffff"


class _Table:
    """One table in memory: documents by key, and the keys in order.

    What was read from the file stays text until somebody asks for it: most of a long history never is.
    """

    def __init__(self) -> None:
        self.rows: dict[str, Document | str] = {}
        self.keys: list[str] = []

    def get(self, key: str) -> Document | None:
        value = self.rows.get(key)
        if isinstance(value, str):
            value = self.rows[key] = json.loads(value)
        return value

    def put(self, key: str, value: Document) -> None:
        if key not in self.rows:
            insort(self.keys, key)
        self.rows[key] = value

    def drop(self, key: str) -> None:
        if self.rows.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]


class Store:
    """Named tables of JSON documents.

    Parameters
    ----------
    path : Path
        The SQLite file; it is created with mode 0600.

    Attributes
    ----------
    full : bool
        While true nothing can be written, as on a full disk.

    Notes
    -----
    A returned document belongs to the store: callers must not change it, and hand a new one to ``put``.
    """

    def __init__(self, path: Path) -> None:
        self.full = False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA busy_timeout=5000")
        # NORMAL survives the death of the process; only a power cut may lose the last moments
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._tables: dict[str, _Table] = {}
        self._undo: list[tuple[str, str, Document | None]] | None = None
        self._load()

    def _load(self) -> None:
        rows = self._db.execute("SELECT tab, key, value FROM documents ORDER BY tab, key")
        for name, key, value in rows:
            table = self._table(name)
            table.rows[key] = value
            table.keys.append(key)
        # SQLite orders by bytes, Python by code points: the same for UTF-8, but cheap to be sure of
        for table in self._tables.values():
            table.keys.sort()

    def _table(self, name: str) -> _Table:
        return self._tables.setdefault(name, _Table())

    def get(self, table: str, key: str) -> Document | None:
        """Return a document, or ``None``."""
        return self._table(table).get(key)

    def scan(self, table: str, prefix: str = "", after: str = "") -> Iterator[tuple[str, Document]]:
        """Yield ``(key, document)`` in key order, of keys that begin with ``prefix`` and follow ``after``."""
        found, keys = self._table(table), self._table(table).keys
        start = bisect_left(keys, max(prefix, after))
        end = bisect_left(keys, prefix + _LAST, start) if prefix else len(keys)
        for key in keys[start:end]:
            if (key != after or not after) and (value := found.get(key)) is not None:
                yield key, value

    def count(self, table: str) -> int:
        """Return the number of documents in a table."""
        return len(self._table(table).rows)

    def put(self, table: str, key: str, value: Document) -> None:
        """Write a document; on disk when the surrounding transaction ends, else at once."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (table, key, text))
            self._remember(table, key)
            self._table(table).put(key, value)

    def delete(self, table: str, key: str) -> bool:
        """Remove a document; return whether it was there."""
        if key not in self._table(table).rows:
            return False
        with self.transaction():
            self._db.execute("DELETE FROM documents WHERE tab = ? AND key = ?", (table, key))
            self._remember(table, key)
            self._table(table).drop(key)
        return True

    def next_id(self, name: str, start: int = 1) -> int:
        """Return the next number of a counter; numbers are never given twice."""
        with self.transaction():
            row = self._db.execute(
                "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 "
                "RETURNING value",
                (name, start),
            ).fetchone()
        return int(row[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all writes of the block one: all are on disk after it, or none when it raises.

        A block inside a block joins the outer one. The block must not ``await``: another task's writes
        would join it.
        """
        if self._undo is not None:
            yield
            return
        self._undo = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            if self.full:
                raise sqlite3.OperationalError("database or disk is full")
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back(self._undo)
            raise
        finally:
            self._undo = None

    def _remember(self, table: str, key: str) -> None:
        assert self._undo is not None
        self._undo.append((table, key, self._table(table).get(key)))

    def _roll_back(self, undo: list[tuple[str, str, Document | None]]) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        for table, key, before in reversed(undo):
            if before is None:
                self._table(table).drop(key)
            else:
                self._table(table).put(key, before)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
