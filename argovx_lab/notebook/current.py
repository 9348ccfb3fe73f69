"""Which run a notebook goes on with: remembered by its path, proved by its cells.

Owns the alias file in the bucket. A path may be used by another notebook later, and a notebook may be
renamed: cell ids, which JupyterLab draws at random, tell the difference. A copy begins a run of its own.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from argovx_lab.errors import Conflict, NotFound
from argovx_lab.model import names
from argovx_lab.model.ours import refusal
from argovx_lab.notebook.saved import saved_ids
from argovx_lab.runs.argo import Execution, executions
from argovx_lab.wiring import Services
from argovx_lab.wiring.place import NotebookPlace

_RUN_MAX = 40

#: A run's id is a label value; whatever else an alias file holds is not trusted.
_RUN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


class CurrentRun:
    """The run of one notebook."""

    def __init__(self, services: Services, place: NotebookPlace) -> None:
        self._services = services
        self._place = place

    def find(self) -> str:
        """Return the run to go on with: the remembered one, the one of a renamed notebook, or a new one."""
        cells = saved_ids(self._place.file)
        run = self._remembered()
        if run and self._fits(run, cells):
            return run
        moved = self._moved(cells)
        if moved:
            self.remember(moved)
            return moved
        return self.begin() if run else self._first()

    def begin(self) -> str:
        """Begin another run and remember it."""
        run = self._fresh()
        self.remember(run)
        return run

    def remember(self, run: str, *, if_absent: bool = False) -> None:
        """Write down that the notebook at this path goes on with ``run``."""
        if self._place.path:
            body = json.dumps({"schema": "argovx.current-run/1", "run": run}).encode()
            bucket = self._services.profile.bucket
            self._services.objects.create(bucket, self._alias, body, if_absent=if_absent)

    @property
    def _alias(self) -> str:
        return self._services.profile.layout.current_run(self._place.path)

    def _first(self) -> str:
        """Begin a run where none is remembered; another kernel of this notebook may be faster."""
        run = self._fresh()
        try:
            self.remember(run, if_absent=True)
        except Conflict:
            return self._remembered() or self.begin()
        return run

    def _fresh(self) -> str:
        stem = PurePosixPath(self._place.path).stem or "notebook"
        return f"{names.slug(stem.lower(), _RUN_MAX)}-{secrets.token_hex(2)}"

    def _remembered(self) -> str:
        if not self._place.path:
            return ""
        try:
            data = self._services.objects.get(self._services.profile.bucket, self._alias)
            run = json.loads(data)["run"]
        except (NotFound, ValueError, KeyError, TypeError):
            return ""
        return run if isinstance(run, str) and _RUN.match(run) else ""

    def _fits(self, run: str, cells: frozenset[str]) -> bool:
        """Tell whether a remembered run can be this notebook's: it has none of its cells otherwise."""
        known = {_cell(execution) for execution in self._executions(f"{names.LABEL_RUN}={run}")} - {""}
        return not cells or not known or bool(cells & known)

    def _moved(self, cells: frozenset[str]) -> str:
        """Return the newest run with these cells whose own notebook file is not there any more."""
        if not cells:
            return ""
        mine = self._executions(f"{names.LABEL_USER}={self._services.profile.user}")
        for execution in sorted(mine, key=lambda e: (e.created_at, e.uid), reverse=True):
            if _cell(execution) in cells and not self._is_there(execution.notebook):
                return execution.run
        return ""

    def _is_there(self, path: str) -> bool:
        """Tell whether another notebook of the same server is still where a step says it was."""
        file = self._place.file
        if file is None or not path:
            return True
        depth = len(PurePosixPath(self._place.path).parts) - 1
        root = file.parents[depth] if depth < len(file.parents) else Path("/")
        return (root / path).is_file()

    def _executions(self, selector: str) -> list[Execution]:
        found, _ = self._services.cluster.list_workflows(selector)
        user = self._services.profile.user
        return [e for workflow in found if not refusal(workflow, user) for e in executions(workflow)]


def moved_to(place: NotebookPlace, cells: Iterable[str]) -> NotebookPlace | None:
    """Return where a notebook is whose file has gone from its place: beside it, under another name."""
    if place.file is None or place.file.exists():
        return None
    wanted = {cell for cell in cells if cell}
    for file in sorted(place.file.parent.glob("*.ipynb")):
        if wanted & saved_ids(file):
            return NotebookPlace((PurePosixPath(place.path).parent / file.name).as_posix(), file)
    return None


def _cell(execution: Execution) -> str:
    return str((execution.about.get("cell") or {}).get("cell_id") or "")
