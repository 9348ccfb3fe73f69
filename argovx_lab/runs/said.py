"""What a runner said, as lines for people: one for each turn of its life, numbers gathered.

Owns the words and the bound: however often a step logs, a view gets a few lines. What the numbers mean is
``stream``'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from argovx_lab.codecs import size_text
from argovx_lab.model.detail import StepEvent
from argovx_lab.model.events import Event
from argovx_lab.runs.shapes import mapping, number, text, whole

#: Lines kept of one attempt; the first ones stay, the last one too. Unit: lines.
SAID_MAX = 300

#: Metrics that one line names.
NAMES_MAX = 4

#: Methods that come in numbers: between two other lines each of them has one line.
_GATHERED = frozenset({"progress", "metric", "artifact"})

Said = tuple[StepEvent, ...]


class Lines:
    """Lines while events come in: what comes in numbers is put into words once, at the end."""

    def __init__(self, said: Said) -> None:
        self._said = said
        self._waiting: dict[str, tuple[Event, int]] = {}

    def add(self, event: Event) -> None:
        """Take one more event."""
        if event.method in _GATHERED:
            key = f"artifact {text(event.params.get('name'))}" if event.method == "artifact" else event.method
            _, count = self._waiting.pop(key, (event, 0))
            self._waiting[key] = event, count + 1
        else:
            self._said = note(self.done(), event)

    def done(self) -> Said:
        """Return the lines as they are now."""
        for event, count in self._waiting.values():
            self._said = note(self._said, event, count)
        self._waiting = {}
        return self._said


def note(said: Said, event: Event, count: int = 1) -> Said:
    """Return the lines after one more event, or the last of ``count`` that share a line."""
    words = _WORDS.get(event.method)
    fresh = StepEvent(event.at, "runner", event.method, words(event.params) if words else "", count=count)
    if event.method in _GATHERED:
        for i in range(len(said) - 1, -1, -1):
            if said[i].method not in _GATHERED:
                break
            if _same(said[i], fresh):
                return (*said[:i], *said[i + 1 :], replace(fresh, count=said[i].count + count))
    return (*said[: SAID_MAX - 1], fresh)


def _same(one: StepEvent, other: StepEvent) -> bool:
    """Tell whether two gathered lines are about the same: one output each has a line of its own."""
    head = [line.text.partition(" · ")[0] if line.method == "artifact" else "" for line in (one, other)]
    return one.method == other.method and head[0] == head[1]


def _opened(params: dict[str, Any]) -> str:
    python, pid = text(params.get("python")), whole(params.get("pid"))
    return _joined(f"Python {python}" if python else "", f"process {pid}" if pid else "")


def _progress(params: dict[str, Any]) -> str:
    return f"{whole(params.get('done'))} of {whole(params.get('total'))}"


def _metric(params: dict[str, Any]) -> str:
    values = {name: number(value) for name, value in mapping(params.get("values")).items()}
    found = [f"{name} {value:.4g}" for name, value in values.items() if value is not None]
    more = f"and {len(found) - NAMES_MAX} more" if len(found) > NAMES_MAX else ""
    step = params.get("step")
    return _joined(*found[:NAMES_MAX], more, f"step {step}" if isinstance(step, int) else "")


def _artifact(params: dict[str, Any]) -> str:
    done, size = whole(params.get("done_bytes")), whole(params.get("size_bytes"))
    amount = size_text(size) if done >= size else f"{size_text(done)} of {size_text(size)}"
    return _joined(text(params.get("name")), amount)


def _closed(params: dict[str, Any]) -> str:
    error = mapping(params.get("error"))
    kind, said = text(error.get("type")), text(error.get("message"))
    what = f"{kind}: {said}" if kind and said else kind or said
    return _joined(text(params.get("outcome")), what, text(error.get("place")))


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "opened": _opened,
    "phase": lambda params: text(params.get("phase")),
    "progress": _progress,
    "metric": _metric,
    "artifact": _artifact,
    "closed": _closed,
}
