"""Graphs larger than one DAG may be: tasks in groups, each a DAG of its own below the main one.

Owns the limit and the hand-over between groups: what a task reads of another group goes out of that one as
an output and into its own as an input. A group begins when those that it reads from have ended well. What a
skipped step would have given is the empty text there, and whoever reads it is skipped as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

Manifest = dict[str, Any]

#: Most tasks in one DAG. Source: Argo Workflows v4.0, CRD validation of ``dag.tasks`` (maxItems).
TASKS_MAX = 200

_READ = re.compile(
    r"tasks(?:\.([\w-]+)|\['([\w-]+)'\])\.outputs\.parameters(?:\.([\w-]+)|\['([\w-]+)'\])", re.ASCII
)


def nest(tasks: Sequence[Manifest]) -> list[Manifest]:
    """Return the templates that run these tasks, ``main`` first.

    Parameters
    ----------
    tasks : sequence of dict
        DAG tasks, each after those that it depends on; ``depends`` is a conjunction of ``NAME.Succeeded``.
    """
    if len(tasks) <= TASKS_MAX:
        return [_dag("main", list(tasks))]
    groups = [list(tasks[at : at + TASKS_MAX]) for at in range(0, len(tasks), TASKS_MAX)]
    home = {task["name"]: number for number, group in enumerate(groups) for task in group}
    parts = [_Part(number, group, home) for number, group in enumerate(groups)]
    for part in parts:
        for name, parameter in part.wanted:
            parts[home[name]].give(name, parameter)
    return [_dag("main", [part.task() for part in parts]), *(part.template() for part in parts)]


class _Part:
    """One group: its tasks, and what goes in and out."""

    def __init__(self, number: int, tasks: Iterable[Manifest], home: dict[str, int]) -> None:
        self._number, self._home = number, home
        self.wanted: dict[tuple[str, str], None] = {}
        self._given: dict[tuple[str, str], None] = {}
        self._before: dict[int, None] = {}
        self._tasks = [self._moved(task) for task in tasks]

    def give(self, name: str, parameter: str) -> None:
        """Hand an output of one of the tasks out of the group."""
        self._given[name, parameter] = None

    def task(self) -> Manifest:
        """Return the task of the main DAG that runs the group."""
        found: Manifest = {"name": f"part-{self._number}", "template": f"part-{self._number}"}
        if self._before:
            found["depends"] = " && ".join(f"part-{number}.Succeeded" for number in sorted(self._before))
        if self.wanted:
            found["arguments"] = {
                "parameters": [
                    {
                        "name": f"{name}-{parameter}",
                        "value": _tag(f"part-{self._home[name]}", f"{name}-{parameter}"),
                    }
                    for name, parameter in self.wanted
                ]
            }
        return found

    def template(self) -> Manifest:
        """Return the group's own DAG."""
        found = _dag(f"part-{self._number}", self._tasks)
        if self.wanted:
            found["inputs"] = {"parameters": [{"name": f"{n}-{p}"} for n, p in self.wanted]}
        if self._given:
            found["outputs"] = {
                "parameters": [
                    {
                        "name": f"{n}-{p}",
                        "valueFrom": {
                            "parameter": _tag(n, p),
                            "default": "",
                        },
                    }
                    for n, p in self._given
                ]
            }
        return found

    def _moved(self, task: Manifest) -> Manifest:
        """Return a task whose reads of other groups are reads of the group's inputs."""
        foreign: dict[str, None] = {}

        def inner(match: re.Match[str]) -> str:
            name, parameter = match.group(1) or match.group(2), match.group(3) or match.group(4)
            if self._home[name] == self._number:
                return match.group()
            self.wanted[name, parameter] = None
            foreign[f"{name}-{parameter}"] = None
            own = f"{name}-{parameter}"
            indexed = "['" in match.group() or match.string[: match.start()].rpartition("{{")[2][:1] == "="
            return f"inputs.parameters['{own}']" if indexed else f"inputs.parameters.{own}"

        moved: Manifest = json.loads(_READ.sub(inner, json.dumps(task)))
        self._order(moved)
        if foreign:
            there = [f"inputs.parameters['{own}'] != ''" for own in foreign]
            if "when" in moved:
                there.append(f"({moved['when'][3:-2]})")
            moved["when"] = f"{{{{={' && '.join(there)}}}}}"
        return moved

    def _order(self, task: Manifest) -> None:
        """Keep what a task waits for inside of the group; groups wait for groups."""
        inside = []
        for condition in filter(None, task.pop("depends", "").split(" && ")):
            name = condition.removesuffix(".Succeeded")
            if self._home[name] == self._number:
                inside.append(condition)
            else:
                self._before[self._home[name]] = None
        if inside:
            task["depends"] = " && ".join(inside)


def _tag(task: str, parameter: str) -> str:
    return f"{{{{tasks.{task}.outputs.parameters.{parameter}}}}}"


def _dag(name: str, tasks: list[Manifest]) -> Manifest:
    """Return a DAG template; one failure does not keep what does not need it from running."""
    return {"name": name, "dag": {"tasks": tasks, "failFast": False}}
