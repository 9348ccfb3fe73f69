"""The magics: parse, delegate, return something displayable.

Lines are taken as typed: IPython's ``{}`` and ``$`` expansion is off. Everything heavy is imported when a
magic runs, so that ``%load_ext`` stays cheap.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

if TYPE_CHECKING:
    from argovx_lab.notebook.steps import Steps


@magics_class
class ArgovxMagics(Magics):
    """``%%vertex_step`` and ``%argovx``."""

    @cached_property
    def steps(self) -> Steps:
        """The kernel's session, made by the first magic."""
        from argovx_lab.notebook.steps import Steps

        return Steps(self.shell)

    def close(self) -> None:
        """End the session, if there is one."""
        if "steps" in self.__dict__:
            self.steps.session.close()

    @no_var_expand
    @cell_magic
    def vertex_step(self, line: str, cell: str) -> Any:
        """Run this cell as a step on Vertex: ``%%vertex_step NAME[(inputs)] [-> outputs] [flags]``.

        Without parentheses the inputs are found by analysis, without an arrow the outputs; ``NAME:codec``
        after the arrow names how a value travels.

        Where: ``--on MACHINE[+ACCELERATOR[*N]]``, ``--image REF``, ``--workers N``, ``--disk GB``,
        ``--spot``, ``--flex-start``, ``--persistent NAME``.
        How: ``--requirements "NAME==VERSION …"``, ``--timeout 2h``, ``--retries N``.
        When: ``--after STEPS``, ``--when "STEP.NAME > 1"``, ``--for NAME in LIST``, ``--parallelism N``.
        Again: ``--cache off|read|refresh``: an unchanged step is not run again unless you say so.
        Here: ``--dry-run`` shows the plan, ``--no-wait`` gives the handles at once, ``--allow-secret`` sends
        what looks like a secret, and records that; ``--here`` runs the step on this machine, without a job.
        """
        return self.steps.run(line, cell)

    @no_var_expand
    @cell_magic
    def local_step(self, line: str, cell: str) -> Any:  # noqa: ARG002  (what a cell magic is given)
        """Refuse by name: steps in the pod are not built."""
        from argovx_lab.errors import SpecError

        raise SpecError(
            "%%local_step is not built: no step runs in the pod yet",
            hint="Use %%vertex_step, or %%vertex_step NAME --here to run it on this machine.",
        )

    @no_var_expand
    @line_magic
    def argovx(self, line: str) -> Any:
        """Status, logs, stop, pull and more: ``%argovx help`` lists the words."""
        from argovx_lab.notebook.commands import execute

        return execute(self.steps.session, line, self.shell.user_ns if self.shell else None, self.shell)
