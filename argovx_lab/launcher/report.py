"""What the launcher tells Argo: output parameters, progress and the termination message.

Owns the six outputs and their sizes. A report that does not get through is a warning, never the end of a
step: the files are read once more by the executor at the end.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from argovx_lab.errors import ArgovxError, Unavailable
from argovx_lab.launcher.context import Context
from argovx_lab.redact import redact

OUTPUTS = ("vertex-job", "console-url", "manifest", "metrics", "values", "exit-reason")

#: Longest ``metrics`` and ``values``, and longest termination message. Unit: bytes.
#: Source: Kubernetes cuts termination messages at 4096 bytes.
OUTPUT_MAX = 4096

_LEFT_OUT = "…\n".encode()


class Report:
    """Output parameters of one attempt."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.settings
        self._values: dict[str, str] = {}

    def now(self, **values: str) -> None:
        """Set outputs (``_`` stands for ``-``), write their files and patch the task result at once."""
        self.set(**values)
        self.show()

    def show(self) -> None:
        """Patch the task result with what is set, whatever became of the files."""
        try:
            shown = self._context.kubernetes.report(self._settings.node_id, self._values)
        except ArgovxError as error:
            self._context.events.emit("warning", text=f"outputs cannot be shown yet: {error.message}")
            return
        if not shown:
            self._context.events.emit("warning", text="outputs cannot be shown yet: there is no task result")

    def set(self, **values: str) -> None:
        """Set outputs and write their files; Argo reads them at the end.

        Raises
        ------
        Unavailable
            When a file cannot be written: the node is at fault, and a retry may find a better one.
        """
        for key, value in values.items():
            name = key.replace("_", "-")
            if name not in OUTPUTS:
                raise ValueError(f"unknown output {name!r}")
            self._values[name] = value
            self._write(name, value)

    def _write(self, name: str, value: str) -> None:
        path = os.path.join(self._settings.outputs, name)
        for last in (False, True):
            try:
                os.makedirs(self._settings.outputs, exist_ok=True)
                self._context.faults.write(path)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(value)
            except OSError as error:
                if last:
                    raise Unavailable(
                        f"output {name} cannot be written ({error.strerror})",
                        hint="The node's disk may be full.",
                        service="node",
                    ) from error
            else:
                return

    def progress(self, done: int, total: int) -> None:
        """Write ``done/total`` for Argo's executor."""
        if not self._settings.progress_file:
            return
        try:
            self._context.faults.write(self._settings.progress_file)
            with open(self._settings.progress_file, "w", encoding="utf-8") as file:
                file.write(f"{done}/{total}\n")
        except OSError as error:
            self._context.events.emit("warning", text=f"progress cannot be written ({error.strerror})")

    def termination(self, message: str) -> None:
        """Write the termination message, which Argo shows as the node's message."""
        if not last_words(self._settings.termination_log, message):
            self._context.events.emit("warning", text="the termination message cannot be written")


def last_words(path: str, message: str) -> bool:
    """Write a termination message; ``False`` when the file is not there, as outside of a pod."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(cut(redact(message), OUTPUT_MAX))
    except OSError:
        return False
    return True


def small_json(values: dict[str, Any], limit: int = OUTPUT_MAX) -> str:
    """Return the JSON of as many entries as fit, in order; ``…`` names how many were left out."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        kept[name] = value
        if len(_json({**kept, "…": len(values)}).encode()) > limit:
            del kept[name]
    left = len(values) - len(kept)
    return _json({**kept, "…": left} if left else kept)


def with_traceback(message: str, lines: Sequence[str], limit: int = OUTPUT_MAX) -> str:
    """Return the message and, below it, as much of the end of a traceback as fits into so many bytes.

    The end is where the user's own line stands; what does not fit is named by ``…``.
    """
    trace = "\n".join(lines).rstrip("\n").encode("utf-8", "replace")
    room = limit - len(message.encode("utf-8", "replace")) - 1
    if not trace or room < len(_LEFT_OUT) + 1:
        return message
    if len(trace) > room:
        tail = trace[len(trace) - room + len(_LEFT_OUT) :]
        _, _, whole = tail.partition(b"\n")  # begins with a whole line where there is one
        trace = _LEFT_OUT + (whole or tail)
    return f"{message}\n{trace.decode('utf-8', 'ignore')}"


def cut(text: str, limit: int) -> str:
    """Return the beginning of ``text`` that fits into so many bytes of UTF-8."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= limit else data[: limit - 3].decode("utf-8", "ignore") + "…"


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
