"""Runs a notebook in a real kernel and tells, a line per change, what its steps do.

Reads the same merged runs as panel and notebook. Ends with a table in which every output has been read
back and checked against its digest; the exit code is not zero when a step failed.
"""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from argovx_lab.codecs import size_text
from argovx_lab.errors import ArgovxError, SpecError
from argovx_lab.model.layout import split_uri
from argovx_lab.model.run import Node, Phase, Run
from argovx_lab.runs.words import state_line
from argovx_lab.wiring import ReadPath, Services, load_profile, read_path

#: Longest run of one cell, queueing included. Unit: seconds.
CELL_TIMEOUT_S = 600


def run(notebook: str) -> int:
    """Run a notebook and return the exit code."""
    path = Path(notebook)
    if not path.is_file():
        raise SpecError(
            f"{notebook} is not there", hint="Name a notebook, such as notebooks/00-first-step.ipynb."
        )
    os.environ.setdefault("ARGOVX_NOTEBOOK", path.as_posix())
    services = Services(load_profile())
    print(f"profile {services.profile.name}: {services.profile.note or services.profile.project}")
    reader = read_path(services)
    began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    watcher = _Watcher(reader, began)
    try:
        error = _execute(path)
        watcher.drain()
    finally:
        watcher.close()
        reader.stop()
    good = _report(services, watcher.newest())
    if error:
        print(f"\n{error}")
    _how_to_open(path)
    return 0 if good and not error else 1


class _Watcher:
    """Prints a line whenever a step begun by this demo changes its phase."""

    def __init__(self, reader: ReadPath, began: str) -> None:
        self._store = reader.store
        self._began = began
        self._told: dict[tuple[str, str], tuple[Phase, str]] = {}
        self._lock = threading.Lock()
        self._close = self._store.listen(self._look)

    def close(self) -> None:
        self._close()

    def newest(self) -> Run | None:
        """Return the run that this demo's steps belong to."""
        ours = [run for run in self._store.all() if any(self._ours(node) for node in run.nodes)]
        return max(ours, key=lambda run: max(n.times.queued_at or "" for n in run.nodes), default=None)

    def drain(self) -> None:
        """Wait until every step of ours that the kernel waited for has settled."""
        settled = threading.Event()
        end = self._store.listen(settled.set)
        for _ in range(20):
            run = self.newest()
            if run and all(node.phase.final for node in run.nodes if self._ours(node)):
                break
            settled.wait(0.5)
            settled.clear()
        end()

    def _ours(self, node: Node) -> bool:
        return bool(node.argo) and (node.times.queued_at or "") >= self._began

    def _look(self) -> None:
        with self._lock:
            for run in self._store.all():
                for node in run.nodes:
                    if self._ours(node):
                        self._tell(run, node)

    def _tell(self, run: Run, node: Node) -> None:
        key = (run.id, node.id)
        state = (node.phase, node.argo.workflow if node.argo else "")
        if self._told.get(key) == state:
            return
        self._told[key] = state
        print(state_line(node), flush=True)


def _execute(path: Path) -> str:
    """Run all cells; return the last lines of an error, or the empty string."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    document = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        document,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources=_here(path),
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return f"{error.ename}: {error.evalue}"
    return ""


def _here(path: Path) -> dict[str, Any]:
    return {"metadata": {"path": str(path.parent.absolute())}}


def _report(services: Services, run: Run | None) -> bool:
    if run is None:
        print("no step ran")
        return False
    rows = [("step", "Argo", "Vertex", "queued", "starting", "running", "total", "outputs")]
    good = True
    for node in run.nodes:
        verified = [_verify(services, output) for output in node.outputs]
        good = good and node.phase is Phase.SUCCEEDED and all(ok for ok, _ in verified)
        rows.append(
            (
                node.name,
                node.argo.phase if node.argo else "–",
                node.vertex.state if node.vertex else "–",
                *_durations(node),
                "; ".join(text for _, text in verified) or "–",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\nrun {run.id}" + (f" · {run.note}" if run.note else ""))
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return good


def _verify(services: Services, output: Any) -> tuple[bool, str]:
    """Read an output back and compare its bytes with its digest; one that is not there is not verified."""
    if output.state == "left-out":
        return True, f"– {output.name}: left out, {output.summary}"
    if output.state != "ready":
        return False, f"✕ {output.name}: not there"
    try:
        data = services.objects.get(*split_uri(output.uri))
    except ArgovxError as error:
        return False, f"✕ {output.name}: {error.message}"
    same = hashlib.sha256(data).hexdigest() == output.digest
    sign = "✓" if same else "✕"
    return same, f"{sign} {output.name} {output.summary} {size_text(output.size_bytes)} {output.digest[:8]}"


def _durations(node: Node) -> tuple[str, str, str, str]:
    times = node.times
    ends = (times.provisioning_at, times.running_at, times.finished_at)
    starts = (times.queued_at, times.provisioning_at, times.running_at)
    parts = [_seconds(start, end) for start, end in zip(starts, ends, strict=True)]
    return (*parts, _seconds(times.queued_at, times.finished_at))  # type: ignore[return-value]


def _seconds(start: str | None, end: str | None) -> str:
    if not start or not end:
        return "–"
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{max(0.0, seconds):.1f} s"


def _how_to_open(path: Path) -> None:
    print(f"\nThe same in JupyterLab, with the panel: make lab   (then open {path.as_posix()})")
