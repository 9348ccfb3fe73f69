"""A whole notebook, or named steps and what they need, as one Workflow: ``%argovx run``.

Owns the way from the notebook's cells to that Workflow: which steps, in which order, and what each input is:
a result of another step, a value of this kernel now, or what ``--param`` says. Everything that can be wrong
is found before anything is sent.
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from argovx_lab.capture.notebook import MAGIC, plan, step_names
from argovx_lab.capture.planned import Plan, PlannedStep
from argovx_lab.capture.source import source_document
from argovx_lab.compile.graph import Gate, GraphNode, graph
from argovx_lab.compile.manifest import Placement
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.run import Cell
from argovx_lab.model.step import ArtifactRef
from argovx_lab.notebook import along, cache, inputs, leaks, words
from argovx_lab.notebook import plan as plans
from argovx_lab.notebook.blueprint import Blueprint, Part, node_of, parts_of, values_of
from argovx_lab.notebook.cells import definitions
from argovx_lab.notebook.inputs import Bound
from argovx_lab.notebook.saved import saved_cells
from argovx_lab.notebook.session import Session

USAGE = "%argovx run [NAMES] [--param NAME=VALUE …] [--dry-run] [--no-wait]"

#: Longest part of a run's id that the notebook's name gives. Unit: characters.
_STEM_MAX = 40


@dataclass(frozen=True)
class Wish:
    """What was typed after ``%argovx run``."""

    names: tuple[words.Word, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, words.Word] = field(default_factory=dict)
    dry_run: bool = False
    wait: bool = True


def wish(line: str) -> Wish:
    """Read the words after ``run``.

    Raises
    ------
    SpecError
        With the column, for what is not understood.
    """
    typed = words.read(
        line,
        values=("--param",),
        switches=("--dry-run", "--no-wait"),
        repeated=("--param",),
        usage=USAGE,
    )
    return wished(typed.words, typed)


def wished(steps: Sequence[words.Word], typed: words.Typed) -> Wish:
    """Return what the words and flags of a line wish for.

    Raises
    ------
    SpecError
        With the column, for a parameter that is none.
    """
    params: dict[str, Any] = {}
    columns: dict[str, words.Word] = {}
    for word in typed.values.get("--param", ()):
        name, equals, text = word.text.partition("=")
        if not equals or not name.isidentifier():
            raise words.at(word, f"--param {word.text!r} is no NAME=VALUE", "Write it like --param lr=0.1.")
        if name in params:
            raise words.at(word, f"--param {name} is given twice", "Give it once.")
        params[name], columns[name] = _value(text), word
    return Wish(
        tuple(steps),
        params,
        columns,
        "--dry-run" in typed.switches,
        "--no-wait" not in typed.switches,
    )


def _value(text: str) -> Any:
    """Return a parameter's value: a Python literal, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def make(session: Session, shell: Any, wanted: Wish) -> Blueprint:
    """Make the plan of a whole notebook, or of named steps and what they need.

    Raises
    ------
    SpecError
        For the first thing that is wrong, with its cell.
    PolicyDenied
        When a rule refuses a step.
    """
    session.relocate("")
    found, origin = _planned(session, shell)
    steps = _chosen(found, wanted.names)
    _problems(steps)
    binder = _Binder(session, shell, found, wanted)
    binder.check_params(steps)
    stem = names.slug((PurePosixPath(session.place.path).stem or "notebook").lower(), _STEM_MAX)
    title = f"{stem}-{secrets.token_hex(3)}"
    profile = session.profile
    place = Placement(
        title, profile.namespace, profile.user, title, session.place.path, session.services.policy.digest
    )
    parts: list[Part] = []
    nodes: list[GraphNode] = []
    for step in steps:
        if step.kind == "approval":
            nodes.append(Gate(step.name, step.prompt, _cell(session, step), step.after))
            continue
        own = binder.parts(step)
        parts += own
        nodes.append(node_of(session, step.name, step.options, own, step.after, {}))
    manifest = graph(nodes, place)
    leaking = [f"{part.spec.name}: {it}" for part in parts for it in part.leaking]
    if leaking:
        manifest["metadata"]["annotations"][names.ANNOTATION_SECRETS] = "; ".join(leaking)
    sent = tuple(f"sent by --allow-secret: {it}" for it in leaking)
    return Blueprint(session, tuple(parts), tuple(nodes), manifest, origin, sent)


def _planned(session: Session, shell: Any) -> tuple[Plan, str]:
    """Return the plan of the notebook's file, or of the cells that ran here, and which it is."""
    cells = saved_cells(session.place.file)
    origin = f"{session.place.path} as it is saved" if cells else "the cells that ran in this kernel"
    cells = cells or _ran(shell)
    document = {"cells": [{"cell_type": "code", "id": key, "source": text} for key, text in cells]}
    found = plan(document, session.place.path, texts=True)
    if not found.steps:
        raise SpecError(
            "this notebook has no steps to run",
            hint=f"Begin a cell with {MAGIC} NAME, and save the notebook.",
        )
    return found, origin


def _ran(shell: Any) -> list[tuple[str, str]]:
    """Return the cells that ran in this kernel; of a step that ran several times the last."""
    cells = [("", text) for text in shell.history_manager.input_hist_raw[1:] if text.strip()]
    last: dict[str, int] = {}
    heads: dict[int, str] = {}
    for number, cell in enumerate(cells):
        for _, name in step_names([cell]):
            last[name], heads[number] = number, name
    return [cell for number, cell in enumerate(cells) if number not in heads or last[heads[number]] == number]


def _chosen(found: Plan, wanted: Sequence[words.Word]) -> list[PlannedStep]:
    """Return the wanted steps and everything that they need, in the notebook's order."""
    there = {step.name: step for step in found.steps if step.name}
    for word in wanted:
        if word.text not in there:
            raise words.unknown(word, "there is no step", there)
    if not wanted:
        return list(found.steps)
    before: dict[str, set[str]] = {}
    for edge in found.edges:
        before.setdefault(edge.target, set()).add(edge.source)
    needed, queue = set(), [word.text for word in wanted]
    while queue:
        name = queue.pop()
        if name not in needed:
            needed.add(name)
            queue += before.get(name, ())
    return [step for step in found.steps if step.name in needed]


def _problems(steps: Sequence[PlannedStep]) -> None:
    for step in steps:
        for problem in step.problems:
            raise SpecError(f"{step.name or 'a step'}, cell {step.number}, {problem.text}", hint=problem.hint)


class _Binder:
    """What each input of each step is."""

    def __init__(self, session: Session, shell: Any, found: Plan, wanted: Wish) -> None:
        self._session, self._namespace, self._wanted = session, shell.user_ns, wanted
        self._known = definitions(shell)
        self._members: dict[str, list[str]] = {}
        self._declared = {(step.name, name): codec for step in found.steps for name, codec in step.outputs}
        self._from = {(edge.target, name): edge.source for edge in found.edges for name in edge.names}

    def parts(self, step: PlannedStep) -> tuple[Part, ...]:
        """Return what runs a step cell: results by reference, everything else as it is now."""
        options, text = step.options, step.text
        assert text is not None
        cache.refuse_graph(options.cache)
        if options.here:
            raise SpecError(
                f"{step.name} has --here, but a whole run has no machine of yours",
                hint="Take --here out of its cell, or run the cell by itself.",
            )
        cell = _cell(self._session, step)
        each = self._each(step)
        own = options.each.name if options.each else ""
        whole = along.along(
            lambda names: [item for name in names for item in self._bind(step, name)],
            [name for name in step.inputs if name != own],
            dict(step.outputs),
            self._known,
        )
        document = source_document(
            step.name,
            text.body,
            definitions=[*text.definitions, *whole.beside(self._known, text.definitions)],
            notebook=cell.notebook,
            cell_id=cell.cell_id,
            cell_number=cell.number,
            first_line=text.first_line,
        )
        leaking = leaks.check(document, whole.inputs, allowed=options.allow_secret)
        draft = plans.Draft(
            name=step.name,
            signature=step.signature,
            document=document,
            inputs=whole.inputs,
            outputs=whole.outputs,
            run="",
            workflow="",
            notes=tuple(note.text for note in step.notes),
            leaking=leaking,
        )
        found = parts_of(self._session, options, draft, each)
        self._members[step.name] = [part.spec.name for part in found if part.fan]
        return found

    def _each(self, step: PlannedStep) -> tuple[Any, ...] | None:
        each = step.options.each
        if each is None or each.values is not None:
            return each.values if each else None
        giver = self._from.get((step.name, each.source))
        if giver is not None:
            raise SpecError(
                f"--for {each.name} in {each.source}: step {giver} of this very run is to make {each.source},"
                " and Argo must know before how many members there are",
                hint=f"Run the cell of {giver}, then this cell by itself.",
            )
        if each.source in self._wanted.params:
            return values_of(each, self._wanted.params[each.source])
        if each.source not in self._namespace:
            raise SpecError(
                f"{step.name} runs for each of {each.source}, which this kernel does not have",
                hint=f"Run the cell that assigns {each.source} first.",
            )
        return values_of(each, self._namespace[each.source])

    def check_params(self, steps: Sequence[PlannedStep]) -> None:
        """Refuse a parameter that no step reads, or that a step gives.

        Raises
        ------
        SpecError
            With its column.
        """
        read = [(step.name, name) for step in steps for name in _read(step)]
        plain = [name for step, name in read if (step, name) not in self._from]
        for name in self._wanted.params:
            if name in plain:
                continue
            givers = [source for (_, made), source in self._from.items() if made == name]
            word = replace(self._wanted.columns[name], text=name)
            if givers:
                raise words.at(
                    word, f"{name} is given by step {givers[0]}", "Change the step, or leave --param out."
                )
            raise words.unknown(word, "no step reads", dict.fromkeys(plain))

    def _bind(self, step: PlannedStep, name: str) -> list[Bound]:
        source = self._from.get((step.name, name))
        if source is not None:
            members = self._members.get(source)
            codec = self._declared.get((source, name), "")
            if not members:
                ref = ArtifactRef(output=name, step=source)
                return [Bound(name, ref, f"from {source}", declared=codec)]
            return [
                Bound(
                    f"{name}[{number}]",
                    ArtifactRef(output=name, step=member),
                    f"from {member}",
                    declared=codec,
                )
                for number, member in enumerate(members)
            ]
        if name in self._wanted.params:
            bound = inputs.encoded(self._session.profile.layout, name, self._wanted.params[name])
            return [replace(bound, summary=f"{bound.summary}, by --param")]
        if name in step.defaults:
            return [inputs.encoded(self._session.profile.layout, name, step.defaults[name])]
        if name not in self._namespace:
            raise SpecError(
                f"{step.name} reads {name}, which this kernel does not have and no step gives",
                hint=f"Run the cell that assigns {name}, or say it: --param {name}=VALUE.",
            )
        found = inputs.bind(self._session, step.name, [name], self._namespace)
        inputs.refuse_unfinished(step.name, found, "Wait for it, or let a step of this notebook make it.")
        return [replace(item, summary=f"{item.summary}, as it is now") for item in found]


def _read(step: PlannedStep) -> list[str]:
    """Return the names that a step needs a value of, less what ``--for`` gives, with what it runs over."""
    each = step.options.each
    if each is None:
        return list(step.inputs)
    return [*(name for name in step.inputs if name != each.name), *([each.source] if each.source else [])]


def _cell(session: Session, step: PlannedStep) -> Cell:
    return Cell(session.place.path, step.cell_id, step.number)
