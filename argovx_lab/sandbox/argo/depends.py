"""``depends`` and ``dependencies`` of DAG tasks: who comes before, and whether the condition holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from argovx_lab.errors import REMOTE_TEXT_MAX
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, evaluate_bool

RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
_NAME = re.compile(r"[A-Za-z0-9][-A-Za-z0-9_]*(?:\.[A-Za-z]+)?")


def condition_of(task: Mapping[str, Any]) -> str:
    """Return a task's condition as one ``depends`` expression; empty when it depends on nothing.

    ``dependencies`` means that each has Succeeded, was Skipped or is Daemoned, and where the
    dependency has ``continueOn``, that it Errored or Failed.
    """
    if task.get("depends"):
        return str(task["depends"])
    return " && ".join(task.get("dependencies") or [])


def ancestors_of(task: Mapping[str, Any]) -> list[str]:
    """Return the names of the tasks that a task waits for, each once, in order.

    Raises
    ------
    NodeError
        When ``depends`` names a result that does not exist.
    """
    if not task.get("depends"):
        return list(dict.fromkeys(task.get("dependencies") or []))
    names: dict[str, None] = {}
    for match in _NAME.finditer(str(task["depends"])):
        name, _, result = match.group().partition(".")
        if result and result not in RESULTS:
            raise NodeError(f"task result '{result}' for task '{name}' is invalid")
        names[name] = None
    return list(names)


def holds(
    task: Mapping[str, Any],
    tasks: Mapping[str, Mapping[str, Any]],
    results: Callable[[str], Mapping[str, bool]],
) -> bool:
    """Tell whether a task's condition is met.

    Parameters
    ----------
    results : callable
        Task name → which of :data:`RESULTS` are true of it.

    Raises
    ------
    NodeError
        When the expression cannot be read.
    """
    condition = condition_of(task)
    if not condition:
        return True

    def term(match: re.Match[str]) -> str:
        name, _, result = match.group().partition(".")
        if result:
            return _truth(results(name)[result])
        state = results(name)
        met = state["Succeeded"] or state["Skipped"] or state["Daemoned"]
        goes_on = (tasks.get(name) or {}).get("continueOn") or {}
        met = met or (bool(goes_on.get("error")) and state["Errored"])
        return _truth(met or (bool(goes_on.get("failed")) and state["Failed"]))

    try:
        return evaluate_bool(_NAME.sub(term, condition), {})
    except ExprError:
        shown = condition if len(condition) <= REMOTE_TEXT_MAX else condition[:REMOTE_TEXT_MAX] + "…"
        raise NodeError(f"unable to evaluate expression '{shown}'") from None


def _truth(value: bool) -> str:
    return "true" if value else "false"
