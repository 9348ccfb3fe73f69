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
    return Told((f"{name}: {_line(maker)}", *_inputs(maker, known, 1)))


def history(step: str, found: Iterable[Execution]) -> Told:
    """Return every execution of a step in its run, newest first."""
    mine = sorted((e for e in found if e.step == step), key=lambda e: (e.created_at, e.uid), reverse=True)
    return Told(tuple(_line(execution) for execution in mine) or (f"{step} has not run in this run",))


def _inputs(maker: Execution, known: list[Execution], depth: int) -> list[str]:
    lines = []
    for item in maker.about.get("inputs") or []:
        origin = f"output {item['output']} of step {item['step']}" if item["step"] else "from the notebook"
        lines.append(f"{'  ' * depth}{item['name']}: {origin} · {item['codec']} · {item['digest'][:12]}…")
        before = [e for e in known if e.step == item["step"] and e.good and e.created_at <= maker.created_at]
        if item["step"] and item["step"] != maker.step and before and depth < len(known):
            lines += _inputs(before[-1], known, depth + 1)
    return lines


def _line(execution: Execution) -> str:
    state = "Cached" if execution.cached else execution.phase or "Queued"
    parts = (f"step {execution.step}", state, local_time(execution.created_at), f"run {execution.run}")
    return " · ".join((*parts, f"Workflow {execution.workflow}"))
