"""Behind ``%%vertex_step``: from a cell to a submitted step, its live view and its handles.

Owns the order of things: everything that can be wrong is found before anything is sent, and names in the
user's namespace change only when a step was submitted and did not fail.
"""

from __future__ import annotations

import secrets
from collections import ChainMap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from argovx_lab.capture import signature as signatures
from argovx_lab.capture.analyse import CellAnalysis, analyse_cell, check_outputs
from argovx_lab.capture.arguments import FLAGS, Line, Options, parse_line
from argovx_lab.capture.definitions import Definitions
from argovx_lab.capture.notebook import as_given, carried_notes, effective, undeclared
from argovx_lab.capture.order import each_unread, reads, with_each
from argovx_lab.capture.source import source_document
from argovx_lab.compile.manifest import task_name
from argovx_lab.errors import SpecError, StepCancelled
from argovx_lab.model.run import Cell
from argovx_lab.model.step import MAYBE
from argovx_lab.notebook import along, cache, graphed, inputs, leaks, local, partial, runs
from argovx_lab.notebook import plan as plans
from argovx_lab.notebook.blueprint import Blueprint
from argovx_lab.notebook.cells import Here, definitions, here, read_later
from argovx_lab.notebook.display import notes
from argovx_lab.notebook.here import run_here
from argovx_lab.notebook.session import Session, Submission
from argovx_lab.notebook.wait import BusyLine, LiveView, left_out, raise_for

if TYPE_CHECKING:
    from argovx_lab.model.run import Node


@dataclass(frozen=True)
class Detached:
    """Shown when the cell stops waiting while the step goes on."""

    step: str

    def __repr__(self) -> str:
        return (
            f"{self.step} goes on without this cell. %argovx status shows it, "
            f"%argovx stop {self.step} stops it."
        )


class Steps:
    """Runs step cells of one kernel.

    Parameters
    ----------
    shell : InteractiveShell
        IPython's shell, whose namespace handles are bound in.
    """

    def __init__(self, shell: Any) -> None:
        self.session = Session()
        self._shell = shell

    def run(self, line: str, cell: str) -> Any:
        """Plan, submit and follow one step; returns what is displayed, or ``None``.

        Raises
        ------
        ArgovxError
            One line and a hint; nothing was submitted unless the step itself failed.
        """
        typed = parse_line(line)
        if typed.options.here:
            local.refuse_flags(typed.options, FLAGS)
        signature = signatures.parse(typed.head)
        try:
            place, plan = self._prepare(typed, signature, line, cell)
            if typed.options.dry_run:
                return plan
            if isinstance(plan, Blueprint):
                return self._graph(plan, signature.name, place, typed.options)
            if typed.options.here:
                return self._here(plan, place)
            if plan.cached:
                inputs.drop(plan.inputs)
            else:
                inputs.send(self.session, plan.inputs)
            plans.send(plan)
        except KeyboardInterrupt:
            raise _interrupted(signature.name) from None
        waits = self._submit(plan, place) and (typed.options.wait or plan.cached)
        _say(plan.notes)
        if waits:
            return self._follow(plan)
        self._bind(plan)
        return Detached(plan.name)

    def _prepare(
        self, typed: Line, signature: signatures.Signature, line: str, cell: str
    ) -> tuple[Here, plans.Plan | Blueprint]:
        """Return where the cell stands and what would be done; nothing is sent."""
        self.session.begin()
        place = here(self._shell, line, cell)
        self.session.relocate(place.cell_id)
        self.session.attach(self._shell.user_ns)
        if not typed.options.dry_run:
            self.session.check_name(signature.name, place.cell_id)
        signature = with_each(signature, typed.options.each)
        known = as_given(definitions(self._shell), signature, typed.options.each)
        analysis = analyse_cell(cell, known, first_line=place.first_line)
        analysis.check()
        return place, self._plan(signature, analysis, known, place, cell, typed.options)

    def _plan(
        self,
        signature: signatures.Signature,
        analysis: CellAnalysis,
        known: Definitions,
        place: Here,
        cell: str,
        options: Options,
    ) -> plans.Plan | Blueprint:
        session = self.session
        namespace = ChainMap(dict(signature.defaults), self._shell.user_ns)
        if signature.inputs is not None:
            for problem in undeclared(analysis, signature.inputs):
                raise SpecError(problem.message, hint=problem.hint)
        names = effective(signature, analysis).inputs or ()
        each = options.each.name if options.each else ""
        if each and not reads(analysis, each):
            problem = each_unread(each)
            raise SpecError(problem.message, hint=problem.hint)
        own = [name for name in names if name != each]
        whole = along.along(
            lambda some: inputs.bind(session, signature.name, some, namespace),
            own,
            self._outputs(signature, analysis, place),
            known,
        )
        document = source_document(
            signature.name,
            cell,
            definitions=whole.code(known, analysis.definitions),
            notebook=session.place.path,
            cell_id=place.cell_id,
            cell_number=place.number,
            first_line=place.first_line,
        )
        leaking = leaks.check(document, whole.inputs, allowed=options.allow_secret)
        remarks = (*analysis.notes, *carried_notes(signature, analysis))
        draft = plans.Draft(
            name=signature.name,
            signature=replace(signature, inputs=names, outputs=whole.outputs).text,
            document=document,
            inputs=whole.inputs,
            outputs=whole.outputs,
            run=session.run_id,
            workflow=f"{task_name(signature.name)}-{secrets.token_hex(3)}",
            notes=(*(note.text for note in remarks), *(f"sent by --allow-secret: {it}" for it in leaking)),
            leaking=leaking,
        )
        if options.here:
            inputs.refuse_unfinished(draft.name, whole.inputs, "Wait for it, or take out --here.")
            return plans.make(session.services, options, draft)
        if graphed.is_graph(options, draft):
            cache.refuse_graph(options.cache)
            return graphed.make(session, options, draft, namespace)
        plan = plans.make(session.services, options, draft)
        return cache.apply(
            session, plan, document, options.cache or session.profile.cache, explain=options.dry_run
        )

    def _outputs(
        self, signature: signatures.Signature, analysis: CellAnalysis, place: Here
    ) -> dict[str, str]:
        """Return the outputs with their codecs: as typed, or what the cell assigns and later cells read."""
        outputs = signature.outputs
        if outputs is None:
            later = read_later(self.session.place.file, place)
            found = [name for name in analysis.outputs if later is None or name in later]
            outputs = dict.fromkeys(found, MAYBE)
        check_outputs(analysis, outputs)
        return dict(outputs)

    def _here(self, plan: plans.Plan, place: Here) -> None:
        """Run a step on this machine and bind its results."""
        _say((*plan.notes, local.differences(plan)))
        cell = Cell(self.session.place.path, place.cell_id, place.number)
        for made in run_here(plan, self.session.run_id, cell):
            self._shell.user_ns[made.name] = self.session.made_here(made)

    def _graph(self, plan: Blueprint, step: str, place: Here, options: Options) -> Any:
        """Submit and follow a cell that is several tasks."""
        plan.send()
        waits = runs.submit(self.session, plan, step) and options.wait
        self.session.submissions[step] = Submission(step, plan.workflow, place.cell_id)
        _say((*plan.notes, *(note for part in plan.parts[:1] for note in part.notes)))
        going = runs.follow(self.session, self._shell, plan, waits=waits)
        return Detached(step) if going is not None else None

    def _submit(self, plan: plans.Plan, place: Here) -> bool:
        """Create the Workflow; returns whether the user still waits (Ctrl-C may come when it is there)."""
        cluster, waits = self.session.services.cluster, True
        try:
            cluster.create_workflow(plan.manifest, waiting=BusyLine(plan.name))
        except KeyboardInterrupt:
            if cluster.get_workflow(plan.workflow) is None:
                raise _interrupted(plan.name) from None
            waits = False
        self.session.submissions[plan.name] = Submission(plan.name, plan.workflow, place.cell_id)
        return waits

    def _follow(self, plan: plans.Plan) -> Detached | None:
        try:
            view = LiveView(self.session.path, self.session.run_id, plan.name, plan.workflow)
            node: Node = view.wait()
        except KeyboardInterrupt:
            self._bind(plan)
            return Detached(plan.name)
        if node.phase.final and node.exit is not None:
            services = self.session.services
            root = services.profile.layout.root
            _say(partial.offer(services.objects, node.attempt_uri, root, plan.name))
        raise_for(node)
        self._bind(plan)
        _say(left_out(node))
        return None

    def _bind(self, plan: plans.Plan) -> None:
        for name in plan.spec.outputs:
            self._shell.user_ns[name] = self.session.make_handle(plan.name, name, plan.workflow)


def _interrupted(step: str) -> StepCancelled:
    return StepCancelled(
        f"{step} was interrupted before it was submitted",
        hint="Nothing runs. Run the cell again when it may go on.",
    )


def _say(texts: tuple[str, ...]) -> None:
    if texts:
        from IPython.display import display

        display(notes(texts), raw=True)  # type: ignore[no-untyped-call]
