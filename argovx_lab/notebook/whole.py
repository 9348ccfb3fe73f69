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
from html import escape
from pathlib import PurePosixPath
from typing import Any

from argovx_lab.capture.notebook import MAGIC, Plan, PlannedStep, plan, step_names
from argovx_lab.capture.source import source_document
from argovx_lab.compile.graph import GraphNode, StepNode, graph
from argovx_lab.compile.manifest import Placement, machine_text
from argovx_lab.errors import SpecError
from argovx_lab.model import names
from argovx_lab.model.run import Cell
from argovx_lab.model.step import ArtifactRef, StepSpec
from argovx_lab.notebook import inputs, leaks, words
from argovx_lab.notebook import plan as plans
from argovx_lab.notebook.inputs import Bound
from argovx_lab.notebook.saved import saved_cells
from argovx_lab.notebook.session import Session

Manifest = dict[str, Any]

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
        tuple(typed.words),
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


@dataclass(frozen=True)
class Part:
    """One step of the whole: its document, what is sent with it, and where its inputs come from."""

    spec: StepSpec
    source: bytes
    bound: tuple[Bound, ...]
    signature: str
    cell: Cell
    notes: tuple[str, ...] = ()
    leaking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whole:
    """A Workflow of many steps that is ready to be submitted."""

    session: Session
    parts: tuple[Part, ...]
    nodes: tuple[GraphNode, ...]
    manifest: Manifest
    origin: str
    notes: tuple[str, ...] = ()

    @property
    def workflow(self) -> str:
        """The Workflow's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def run(self) -> str:
        """The run's id."""
        return str(self.manifest["metadata"]["labels"][names.LABEL_RUN])

    def send(self) -> None:
        """Upload everything that travels by digest; what is there already is not sent again."""
        from argovx_lab.capture.archive import runner_archive

        objects, layout = self.session.services.objects, self.session.profile.layout
        objects.create_content(layout, runner_archive())
        for part in self.parts:
            inputs.send(self.session, part.bound)
            for content in (part.source, part.spec.encode()):
                objects.create_content(layout, content)

    def lines(self) -> list[str]:
        """Return the plan as people read it."""
        profile = self.session.profile
        who = profile.principal
        lines = [f"plan of {len(self.parts)} steps as one Workflow · {self.origin}"]
        for part in self.parts:
            lines.append(f"  step {part.signature} · on {machine_text(part.spec)}")
            lines += [f"         in {item.name}: {_where(item)}" for item in part.bound]
            lines += [f"         note {note}" for note in part.notes]
        lines += [
            f"  as   submitter {who.account} · steps wf-{who.user} · run-as {profile.run_as}",
            f"  run  {self.run} · profile {profile.name} · {profile.region}",
            f"  plan {self.manifest['metadata']['annotations'][names.ANNOTATION_PLAN][:12]}…",
        ]
        return [*lines, *(f"  note {note}" for note in self.notes), "  nothing was sent"]

    def yaml(self) -> str:
        """Return the Workflow manifest as YAML."""
        import yaml

        return str(yaml.safe_dump(self.manifest, sort_keys=False, allow_unicode=True))

    def __repr__(self) -> str:
        return "\n".join([*self.lines(), "", self.yaml()])

    def _repr_html_(self) -> str:
        text = escape("\n".join(self.lines()))
        return (
            f"<pre>{text}</pre><details><summary>Workflow manifest</summary>"
            f"<pre>{escape(self.yaml())}</pre></details>"
        )


def _where(item: Bound) -> str:
    ref = item.ref
    if item.encoded is None:
        return item.summary
    return f"{item.summary} · {ref.digest[:12]}… · sent from here"


def make(session: Session, shell: Any, wanted: Wish) -> Whole:
    """Make the plan of a whole notebook, or of named steps and what they need.

    Raises
    ------
    SpecError
        For the first thing that is wrong, with its cell.
    PolicyDenied
        When a rule refuses a step.
    """
    found, origin = _planned(session, shell)
    steps = _chosen(found, wanted.names)
    _problems(steps)
    binder = _Binder(session, shell.user_ns, found, wanted)
    binder.check_params(steps)
    parts = tuple(_part(session, step, binder) for step in steps)
    stem = names.slug((PurePosixPath(session.place.path).stem or "notebook").lower(), _STEM_MAX)
    title = f"{stem}-{secrets.token_hex(3)}"
    profile = session.profile
    place = Placement(
        title, profile.namespace, profile.user, title, session.place.path, session.services.policy.digest
    )
    layout = profile.layout
    nodes = tuple(
        StepNode(part.spec, layout.uri(layout.object(part.spec.digest)), part.cell) for part in parts
    )
    manifest = graph(nodes, place)
    leaking = [f"{part.spec.name}: {it}" for part in parts for it in part.leaking]
    if leaking:
        manifest["metadata"]["annotations"][names.ANNOTATION_SECRETS] = "; ".join(leaking)
    return Whole(
        session, parts, nodes, manifest, origin, tuple(f"sent by --allow-secret: {it}" for it in leaking)
    )


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

    def __init__(self, session: Session, namespace: Mapping[str, Any], found: Plan, wanted: Wish) -> None:
        self._session, self._namespace, self._wanted = session, namespace, wanted
        self._from = {(edge.target, name): edge.source for edge in found.edges for name in edge.names}

    def bind(self, step: PlannedStep) -> list[Bound]:
        """Bind every input of a step: results by reference, everything else as it is now."""
        return [self._bind(step, name) for name in step.inputs]

    def check_params(self, steps: Sequence[PlannedStep]) -> None:
        """Refuse a parameter that no step reads, or that a step gives.

        Raises
        ------
        SpecError
            With its column.
        """
        plain = [name for step in steps for name in step.inputs if (step.name, name) not in self._from]
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

    def _bind(self, step: PlannedStep, name: str) -> Bound:
        source = self._from.get((step.name, name))
        if source is not None:
            return Bound(name, ArtifactRef(output=name, step=source), f"from {source}")
        if name in self._wanted.params:
            bound = inputs.encoded(self._session.profile.layout, name, self._wanted.params[name])
            return replace(bound, summary=f"{bound.summary}, by --param")
        if name not in self._namespace:
            raise SpecError(
                f"{step.name} reads {name}, which this kernel does not have and no step gives",
                hint=f"Run the cell that assigns {name}, or say it: --param {name}=VALUE.",
            )
        (bound,) = inputs.bind(self._session, step.name, [name], self._namespace)
        return replace(bound, summary=f"{bound.summary}, as it is now")


def _part(session: Session, step: PlannedStep, binder: _Binder) -> Part:
    text = step.text
    assert text is not None
    cell = Cell(session.place.path, step.cell_id, step.number)
    document = source_document(
        step.name,
        text.body,
        definitions=text.definitions,
        notebook=cell.notebook,
        cell_id=cell.cell_id,
        cell_number=cell.number,
        first_line=text.first_line,
    )
    bound = tuple(binder.bind(step))
    leaking = leaks.check(document, bound, allowed=step.options.allow_secret)
    draft = plans.Draft(
        name=step.name,
        signature=step.signature,
        document=document,
        inputs=bound,
        outputs=dict(step.outputs),
        run="",
        workflow="",
    )
    spec, source = plans.specify(session.services, step.options, draft)
    notes = tuple(note.text for note in step.notes)
    return Part(spec, source, bound, step.signature, cell, notes, leaking)
