"""``argovx.checkpoint_dir``: a folder whose files outlive the machine.

Owns ``checkpoints/r<replica>/`` of an attempt: ``data/<restart>.<n>`` are written once, ``index.json`` names
the files of one moment and is overwritten last, so that readers see all of a checkpoint or the one before.
Files that change while they are read, links and names that say "not done yet" (``.x``, ``x.tmp``, ``x.part``)
are left for later. Refuses to end a cell because a checkpoint could not be kept: that is said in the log.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import threading
import time
from dataclasses import dataclass
from typing import Any, Callable, Optional, Sequence

from argovx_lab.codecs.base import size_text
from argovx_lab.errors import ArgovxError, Conflict, NotFound
from argovx_lab.runner.bucket import Bucket
from argovx_lab.runner.messages import now_text

SCHEMA = "argovx.checkpoint/1"

#: Shortest time between two checkpoints. Unit: seconds.
EVERY_S = 15.0

#: A checkpoint that took t seconds is followed by a pause of this many times t: the bucket and the cell's own
#: downloads keep most of the line.
PAUSE_SHARE = 4.0

#: The newest file must have been still for so long, unless its writer is gone. Unit: seconds.
SETTLE_S = 1.0

#: Most that a checkpoint may hold. Unit: bytes, files.
BYTES_MAX = 10 << 30
FILES_MAX = 1000

_DATA = re.compile(r"data/[0-9]{1,9}\.[0-9]{1,9}\Z", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_UNDONE = (".tmp", ".part")

#: What a file was when it was looked at: size, time of change, inode.
Sign = "tuple[int, int, int]"


@dataclass(frozen=True)
class _Kept:
    """A file that is in the bucket."""

    sign: Any
    entry: dict[str, Any]


class Checkpoints:
    """The checkpoint folder of one life of one replica.

    Parameters
    ----------
    folder : str
        The folder on this machine.
    prefix : str
        ``gs://…/checkpoints/r0/`` of this attempt.
    restart : int
        Which life of the replica this is; part of the names of what it writes.
    note : callable
        Takes one line for the log.
    """

    def __init__(
        self, bucket: Bucket, folder: str, prefix: str, restart: int, note: Callable[[str], None]
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._prefix = prefix
        self._restart = restart
        self._note = note
        self._generation = 0
        self._count = 0
        self._kept: dict[str, _Kept] = {}
        self._said: set[str] = set()
        self._over = False
        self._stop = threading.Event()
        self._last = False
        self._every_s = EVERY_S
        self._thread: Optional[threading.Thread] = None
        os.makedirs(folder, exist_ok=True)

    def restore(self, earlier: Sequence[tuple[str, str]]) -> None:
        """Bring back the files of the newest checkpoint there is.

        Parameters
        ----------
        earlier : sequence of (str, str)
            Prefixes to look at besides this attempt's own, the newest first, and what to call each.
        """
        for prefix, whose in [(self._prefix, "an earlier start of this job"), *earlier]:
            try:
                files, size = self._bring(prefix)
            except NotFound:
                continue
            except (ArgovxError, ValueError, OSError) as error:
                text = error.message if isinstance(error, ArgovxError) else str(error)
                self._note("the checkpoint of %s cannot be brought back: %.300s" % (whose, text))
                self._empty()
                continue
            if files:
                listed = "%d file%s (%s)" % (files, "" if files == 1 else "s", size_text(size))
                self._note("argovx.checkpoint_dir holds %s of %s" % (listed, whose))
                return

    def start(self, every_s: float = EVERY_S) -> None:
        """Keep checkpoints from now on, in a thread of their own."""
        self._every_s = every_s
        self._thread = threading.Thread(target=self._work, name="argovx-checkpoints", daemon=True)
        self._thread.start()

    def finish(self, keep: bool, timeout_s: float) -> None:
        """Stop; with ``keep`` what the cell left in the folder is kept first."""
        if self._thread is None:
            return
        self._last = keep
        self._stop.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._note("the last checkpoint was not kept within %d seconds" % timeout_s)

    def _work(self) -> None:
        pause_s = self._every_s
        while not self._stop.wait(pause_s):
            began = time.monotonic()
            self._try(final=False)
            pause_s = max(self._every_s, PAUSE_SHARE * (time.monotonic() - began))
        if self._last:
            self._try(final=True)

    def _try(self, final: bool) -> None:
        if self._over:
            return
        try:
            self._keep(final)
        except Conflict:
            self._over = True
            self._say("another start of this job keeps the checkpoints now; this one stops")
        except ArgovxError as error:
            self._say("a checkpoint could not be kept: %s" % error.message)
        except OSError as error:
            self._say("a checkpoint could not be read: %s" % error.strerror)

    def _keep(self, final: bool) -> None:
        """Upload what changed and, when nothing moved meanwhile, make it the checkpoint."""
        seen = self._scan()
        if not seen or {name: kept.sign for name, kept in self._kept.items()} == seen:
            return
        newest = max(sign[1] for sign in seen.values()) / 1e9
        if not final and abs(time.time() - newest) < SETTLE_S:
            return
        files = {name: self._upload(name, sign) for name, sign in seen.items()}
        if self._scan() != seen:
            self._drop({name: kept for name, kept in files.items() if self._kept.get(name) is not kept})
            return
        document = {
            "schema": SCHEMA,
            "at": now_text(),
            "files": {name: kept.entry for name, kept in sorted(files.items())},
        }
        data = json.dumps(document, sort_keys=True, ensure_ascii=False).encode()
        uri = self._prefix + "index.json"
        self._generation = self._bucket.replace(uri, data, self._generation).generation
        old, self._kept = self._kept, files
        self._drop({name: kept for name, kept in old.items() if files.get(name) is not kept})

    def _upload(self, name: str, sign: Any) -> _Kept:
        before = self._kept.get(name)
        if before is not None and before.sign == sign:
            return before
        self._count += 1
        path = "data/%d.%d" % (self._restart, self._count)
        stored = self._bucket.create_from(self._prefix + path, os.path.join(self._folder, name), sign[0])
        entry = {"object": path, "size_bytes": sign[0], "digest": stored.digest}
        return _Kept(sign, entry)

    def _drop(self, files: dict[str, _Kept]) -> None:
        """Delete data that no checkpoint names any more; where that is not allowed it stays."""
        for kept in files.values():
            try:
                self._bucket.delete(self._prefix + kept.entry["object"])
            except ArgovxError:
                return

    def _scan(self) -> dict[str, Any]:
        """Return relative name → sign of every file that is done; empty when it is too much."""
        found: dict[str, Any] = {}
        size = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = os.path.join(folder, name)
                if name.startswith(".") or name.endswith(_UNDONE):
                    continue
                about = os.lstat(path)
                if not stat.S_ISREG(about.st_mode):
                    continue
                size += about.st_size
                relative = os.path.relpath(path, self._folder).replace(os.sep, "/")
                found[relative] = (about.st_size, about.st_mtime_ns, about.st_ino)
        if size > BYTES_MAX or len(found) > FILES_MAX:
            self._say(
                "argovx.checkpoint_dir holds %d files of %s and is not kept: at most %d files of %s are"
                % (len(found), size_text(size), FILES_MAX, size_text(BYTES_MAX))
            )
            return {}
        return found

    def _bring(self, prefix: str) -> tuple[int, int]:
        """Download one checkpoint; returns how many files and bytes it has."""
        uri = prefix + "index.json"
        generation = self._bucket.stat(uri).generation
        if prefix == self._prefix:
            self._generation = generation
        entries = _entries(self._bucket.read(uri))
        kept = {}
        for name, entry in entries.items():
            path = os.path.join(self._folder, *name.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w+b") as file:
                self._bucket.download(prefix + entry["object"], file, entry["digest"])
            about = os.lstat(path)
            kept[name] = _Kept((about.st_size, about.st_mtime_ns, about.st_ino), entry)
        if prefix == self._prefix:
            self._kept = kept
        return len(entries), sum(entry["size_bytes"] for entry in entries.values())

    def _empty(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        os.makedirs(self._folder, exist_ok=True)
        self._kept = {}

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._note(text)


def _entries(data: bytes) -> dict[str, Any]:
    """Return name → entry of an index.

    Raises
    ------
    ValueError
        When it is not one, or names a file outside of the folder.
    """
    try:
        document = json.loads(data)
        schema, files = document["schema"], dict(document["files"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("its index is not %s" % SCHEMA) from error
    if schema != SCHEMA:
        raise ValueError("its index is %.40r, not %s" % (schema, SCHEMA))
    for name, entry in files.items():
        parts = name.split("/")
        inside = all(part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in parts)
        if not inside or not isinstance(entry, dict):
            raise ValueError("its index names %.80r" % name)
        sound = _DATA.match(str(entry.get("object"))) and _DIGEST.match(str(entry.get("digest")))
        if not sound or type(entry.get("size_bytes")) is not int:
            raise ValueError("its index says too little of %.80r" % name)
    return files
