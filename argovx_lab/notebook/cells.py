"""Which cell is running, what ran before it, and what later cells read.

Asks IPython's history and the notebook file; executes nothing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from argovx_lab.capture import signature
from argovx_lab.capture.analyse import analyse_cell
from argovx_lab.capture.arguments import parse_line
from argovx_lab.capture.definitions import Definitions
from argovx_lab.capture.notebook import MAGIC, step_head
from argovx_lab.errors import SpecError
from argovx_lab.notebook.facade import Facade
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.saved import saved_cells


@dataclass(frozen=True)
class Here:
    """The running cell.

    Parameters
    ----------
    cell_id : str
        nbformat cell id as the front end sends it; empty when it does not.
    number : int
        Execution count, as shown beside the cell.
    first_line : int
        Line of the cell at which the text below the magic begins, from 1.
    """

    cell_id: str
    number: int
    first_line: int
    text: str


def here(shell: Any, line: str, cell: str) -> Here:
    """Return the running cell."""
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell_id = str((parent.get("metadata") or {}).get("cellId") or "")
    raw = str((parent.get("content") or {}).get("code") or f"{MAGIC} {line}\n{cell}")
    lines = raw.splitlines()
    first = next((number for number, text in enumerate(lines, 1) if text.lstrip().startswith(MAGIC)), 1)
    number = len(shell.history_manager.input_hist_raw) - 1  # execution_count may be the next cell's already
    return Here(cell_id, max(number, 0), first + 1, cell)


def definitions(shell: Any) -> Definitions:
    """Return what the session knows: definitions of the cells that ran before, and names of values."""
    known = Definitions()
    history = shell.history_manager.input_hist_raw
    for number, text in enumerate(history[:-1]):
        if number and text.strip():
            known.add_cell(text, number=number)
    hidden = set(getattr(shell, "user_ns_hidden", ()))
    for name, value in shell.user_ns.items():
        if name.startswith("_") or name in hidden or isinstance(value, (ModuleType, Facade)):
            continue
        if isinstance(value, Handle) or not (known.get(name) or _from_star(known, name, value)):
            known.add_value(name)
    return known


def _from_star(known: Definitions, name: str, value: object) -> bool:
    """Tell whether a name that no cell assigns is what an earlier ``import *`` has brought."""
    modules = [sys.modules.get(module) for module, _ in known.stars if not known.is_value(name)]
    return any(getattr(module, name, known) is value for module in modules)


def read_later(file: Path | None, place: Here) -> set[str] | None:
    """Return the names that other cells of the notebook read, or ``None`` when that cannot be known.

    It is known when the notebook's file has this very cell, so that what stands there is up to date.
    """
    cells = [text for _, text in saved_cells(file)]
    current = [number for number, text in enumerate(cells) if text.strip().endswith(place.text.strip())]
    if len(current) != 1:
        return None
    return {name for text in cells[current[0] + 1 :] for name in _reads(text)}


def _reads(text: str) -> tuple[str, ...]:
    """Return the names that a cell reads before it makes them; a signature says it for a step cell."""
    head = step_head(text)
    if head is None:
        found = analyse_cell(text, first_line=1)
        return (*found.inputs, *found.maybe)
    line, body, first_line = head
    try:
        inputs = signature.parse(parse_line(line).head, any_codec=True).inputs
    except SpecError:
        inputs = None
    return analyse_cell(body, first_line=first_line).inputs if inputs is None else inputs
