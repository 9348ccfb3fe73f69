"""Where a result comes from, and what its step gave before: out of the run's Workflows, never the value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from argovx_lab.runs.argo import Execution
from argovx_lab.runs.words import local_time


@dataclass(frozen=True)
class Told:
    """Plain lines."""

    lines: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(self.lines)


def lineage(name: str, workflow: str, task: str, found: Iterable[Execution]) -> Told:
    """Return what a result was made from, step by step back to the notebook's own values."""
    known = sorted(found, key=lambda e: (e.created_at, e.uid))
    maker = next((e for e in known if (e.workflow, e.task) == (workflow, task)), None)
    if maker is None:
        return Told((f"{name}: its Workflow {workflow} is gone",))
    return Told((f"{name}: {_line(maker)}", *_Trace(known).inputs(maker)))


def history(step: str, found: Iterable[Execution]) -> Told:
    """Return every execution of a step in its run, newest first."""
    mine = sorted((e for e in found if e.step == step), key=lambda e: (e.created_at, e.uid), reverse=True)
    return Told(tuple(_line(execution) for execution in mine) or (f"{step} has not run in this run",))


class _Trace:
    """The way back from one result. Each execution is told once, however many ways lead to it."""

    def __init__(self, known: list[Execution]) -> None:
        self._good: dict[str, list[Execution]] = {}
        self._told: set[tuple[str, str]] = set()
        for execution in known:
            if execution.good:
                self._good.setdefault(execution.step, []).append(execution)

    def inputs(self, maker: Execution) -> list[str]:
        """Return the lines of what an execution was made from."""
        lines: list[str] = []
        self._told.add((maker.uid, maker.path))
        waiting = [(item, maker, 1) for item in reversed(maker.about.get("inputs") or [])]
        while waiting:
            item, by, depth = waiting.pop()
            before = self._before(item["step"], by)
            again = before is not None and (before.uid, before.path) in self._told
            origin = (
                f"output {item['output']} of step {item['step']}" if item["step"] else "from the notebook"
            )
            parts = (f"{item['name']}: {origin}", item["codec"], f"{item['digest'][:12]}…")
            above = ("made as told above",) if again and before and before.about.get("inputs") else ()
            lines.append("  " * depth + " · ".join((*parts, *above)))
            if before is not None and not again:
                self._told.add((before.uid, before.path))
                waiting += [(it, before, depth + 1) for it in reversed(before.about.get("inputs") or [])]
        return lines

    def _before(self, step: str, by: Execution) -> Execution | None:
        """Return the newest good execution of another step that was there when ``by`` began."""
        if not step or step == by.step:
            return None
        return next((e for e in reversed(self._good.get(step, ())) if e.created_at <= by.created_at), None)


def _line(execution: Execution) -> str:
    state = "Cached" if execution.cached else execution.phase or "Queued"
    parts = (f"step {execution.step}", state, local_time(execution.created_at), f"run {execution.run}")
    return " · ".join((*parts, f"Workflow {execution.workflow}"))
