"""What a notebook's plan is made of: steps, gates, and the edges between them. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.capture.arguments import Options
from argovx_lab.capture.cells import Problem


@dataclass(frozen=True)
class StepText:
    """What of a notebook travels with a step.

    Parameters
    ----------
    body : str
        The cell's text below the magic, which begins in line ``first_line`` of the cell.
    definitions : tuple of dict
        Code of the cells above that the step needs, as the source document has it.
    """

    body: str
    first_line: int
    definitions: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class PlannedStep:
    """A step cell.

    Parameters
    ----------
    name : str
        Name of the step; empty when the head could not be read.
    cell_id : str
        nbformat cell id; empty when the document has none.
    number : int
        Position among the code cells, from 1.
    machine : str
        The text after ``--on``; empty for the default.
    inputs : tuple of str
        Names that go in.
    defaults : dict of str to Any
        Those of them that the signature gives a value.
    outputs : tuple of tuple
        ``(name, codec or "auto")``.
    signature : str
        Signature as typed or, where there is none, as found.
    problems : tuple of Problem
        Reasons why this cell cannot be submitted as it is.
    notes : tuple of Problem
        What the user should know.
    options : Options
        What the flags say; the defaults when they cannot be read.
    text : StepText or None
        What travels, where the plan was asked for it.
    kind : str
        ``custom_job``, or ``approval`` for a gate.
    prompt : str
        What a gate asks.
    after : tuple of str
        Steps and gates that must have ended well although no value flows from them.
    parts : dict
        What decides its result, as far as its text says (see ``capture.fingerprint``).
    """

    name: str
    cell_id: str
    number: int
    machine: str = ""
    inputs: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[tuple[str, str], ...] = ()
    signature: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    options: Options = field(default_factory=Options)
    text: StepText | None = None
    kind: str = "custom_job"
    prompt: str = ""
    after: tuple[str, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedEdge:
    """Values that flow from one planned step to another."""

    source: str
    target: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The steps of a notebook in its order, and the edges between them."""

    path: str
    steps: tuple[PlannedStep, ...] = ()
    edges: tuple[PlannedEdge, ...] = ()
